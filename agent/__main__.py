"""The `ecn-agent` command; also `python -m agent`."""

import importlib
import sys


def main() -> None:
    """Run the command line; or say what to install, where the client was installed alone."""
    try:
        commands = importlib.import_module("agent.cli")
    except ModuleNotFoundError as e:
        if (e.name or "").startswith("agent"):
            raise
        sys.exit(
            f"error: this installation has no part to run an agent ({e.name} is missing)\n"
            "  next:  in the folder of ECN's source: pipx install --force '.[agent]'"
        )
    commands.agent_group(prog_name="ecn-agent")


if __name__ == "__main__":
    main()
