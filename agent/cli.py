"""The table of the agent's commands; each has a file, which is imported when it is used.

`agent_group` is mounted twice: as `ecn-agent` (`agent/__main__.py`) and as `ecn agent`. A running
agent carries nothing of the other commands: it has to be small.

Exit codes: 0 done or stopped; 1 failed, and the sentence says why; 2 wrong usage;
3 (`run`) the node was deprovisioned: its containers are gone, and there is nothing to restart;
4 (`install`) all is in place, but there is no systemd to start it;
70 (`run`) the agent stood still, 75 (`run`) it wants to be started again: its containers run on.
"""

import importlib
from typing import ClassVar

import click


class Commands(click.Group):
    """The commands of the table, and those that are added otherwise."""

    table: ClassVar[dict[str, str]] = {
        "provision": "device.provisioning_commands:provision_command",
        "run": "run_command:run_command",
        "status": "device.device_commands:status_command",
        "info": "device.device_commands:info_command",
        "config": "device.device_commands:config_group",
        "check": "device.device_commands:check_command",
        "twin": "local.twin_command:twin_group",
        "install": "device.service_commands:install_command",
        "uninstall": "device.service_commands:uninstall_command",
        "deprovision": "device.device_commands:deprovision_command",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it."""
        target = self.table.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = target.partition(":")
        found = getattr(importlib.import_module(f"agent.{module}"), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"{target} is no command")
        return found


@click.group("agent", cls=Commands)
@click.version_option(package_name="ecn", message="ecn-agent %(version)s")
def agent_group() -> None:
    """The agent of this device: runs its node's microservices, with or without a controller."""
