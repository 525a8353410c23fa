"""The `ecn` command: its table of commands, the options of all of them, and how it ends.

Each command's file is imported when the command is used: help and completion stay quick, and a
client needs neither the server's packages nor the agent's.
"""

import os
import sys
from typing import ClassVar

import click

from ecn.cli.command import Entry, LazyGroup, connection_options, examples
from ecn.cli.session import Session

INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports of a program that SIGINT, or SIGPIPE, ended."""


class Ecn(LazyGroup):
    """All commands, in the order in which somebody new meets them."""

    entries: ClassVar[dict[str, Entry]] = {
        name: Entry(section, summary, f"ecn.cli.{target}")
        for section, name, summary, target in (
            ("Run", "up", "Start a whole network on this machine.", "up:up"),
            ("Run", "controller", "Run a controller.", "controller:controller"),
            ("Run", "agent", "Make this device a node, and run its agent.", "agent:agent"),
            ("Run", "router", "Open public ports on this machine.", "router:router"),
            ("Run", "master-key", "Rotate the key of all secrets.", "master_key:master_key"),
            ("Connect", "login", "Log in to a controller.", "login:login"),
            ("Connect", "logout", "Give the token back.", "login:logout"),
            ("Connect", "whoami", "Show where to and as whom commands go.", "login:whoami"),
            ("Connect", "context", "Choose between networks.", "context:context"),
            ("Connect", "passwd", "Change a password.", "users:passwd"),
            ("Change", "deploy", "Create or update from manifests.", "deploy:deploy"),
            ("Change", "plan", "Show what deploying would do.", "plan:plan"),
            ("Change", "validate", "Check manifests, offline.", "deploy:validate"),
            ("Change", "create", "Register a node, add a user.", "create:create"),
            ("Change", "update", "Change a node or a user.", "create:update"),
            ("Change", "delete", "Delete things.", "delete:delete"),
            ("Change", "start", "Let something run.", "lifecycle:start"),
            ("Change", "stop", "Let something not run.", "lifecycle:stop"),
            ("Change", "move", "Move a microservice to another node.", "lifecycle:move"),
            ("Change", "rename", "Give something another name.", "rename:rename"),
            ("Change", "rebuild", "Let a container be made anew.", "rename:rebuild"),
            ("Change", "attach", "Let a node use an edge resource.", "attach:attach"),
            ("Change", "detach", "Let it use it no more.", "attach:detach"),
            ("Change", "twin", "Show and change a microservice's twin.", "twin:twin"),
            ("Change", "provision-key", "Get a key for a device.", "provisioning:provision_key"),
            ("Change", "deprovision", "Part a device from its node.", "provisioning:deprovision"),
            ("Change", "reboot", "Restart a node's device.", "instruct:reboot"),
            ("Change", "prune", "Remove a node's unused images.", "instruct:prune"),
            ("Change", "upgrade", "Upgrade a node's agent.", "instruct:upgrade"),
            ("Change", "rollback", "Take a node's agent back.", "instruct:rollback"),
            ("Look", "dashboard", "Open the operator's page.", "dashboard:dashboard"),
            ("Look", "get", "List what there is.", "get:get"),
            ("Look", "describe", "Show all about one thing.", "describe:describe"),
            ("Look", "logs", "Show what a microservice wrote.", "logs:logs"),
            ("Look", "exec", "Run a command in a microservice's container.", "exec:exec_"),
            ("Look", "port-forward", "Reach a container's ports.", "port_forward:port_forward"),
            ("Look", "tunnel", "Reach a device's ports.", "port_forward:tunnel"),
            ("Look", "top", "Show what containers use.", "top:top"),
            ("Look", "engine-events", "Show what a node's engine did.", "engine_events:events"),
            ("Look", "audit", "Show who changed what.", "history:audit"),
            ("Look", "events", "Show the log of events.", "history:events"),
            ("Look", "verify", "Prove that the log is as it was.", "verify:verify"),
            ("Look", "replay", "Prove that all is what the log says.", "replay:replay"),
            ("Look", "log", "Export, import and sign the log.", "log:log"),
            ("Look", "status", "Show how the controller is.", "login:status"),
            ("History", "diff", "Show what differs between two moments.", "diff:diff"),
            ("History", "why", "Show why something is as it is.", "why:why"),
            ("History", "blame", "Show who set each field.", "blame:blame"),
            ("History", "revert", "Let things be as they were.", "revert:revert"),
            ("Other", "completion", "Complete commands in your shell.", "completion:completion"),
        )
    }

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. click would end with 1 when the reader of a pipe has gone."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _say_no_more()
            raise click.exceptions.Exit(PIPE_CLOSED) from None


@examples("""
ecn up                                    # a controller and an agent, here
ecn deploy -f demo.yaml                   # and wait until it runs
ecn get microservices
ecn logs demo/web --follow
ecn login https://ecn.example:51121       # somebody else's network
""")
@click.group("ecn", cls=Ecn, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ecn", message="%(prog)s %(version)s")
@click.option("--no-color", is_flag=True, help="No colours, even on a terminal. Also: NO_COLOR.")
@connection_options
@click.pass_context
def cli(ctx: click.Context, no_color: bool) -> None:
    """Run microservices on the devices of an Edge Compute Network."""
    session = ctx.ensure_object(Session)
    session.server = session.server or os.environ.get("ECN_SERVER", "")
    session.context = session.context or os.environ.get("ECN_CONTEXT", "")
    if no_color or os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """Run the command line, and end as a program of a shell should."""
    try:
        # click's own standalone mode ends an interrupt with 1 and "Aborted!".
        code = cli.main(prog_name="ecn", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as e:
        e.show()
        code = e.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        code = PIPE_CLOSED
    sys.exit(code if isinstance(code, int) else 0)


def _say_no_more() -> None:
    """Nobody reads any more; the interpreter would complain when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
