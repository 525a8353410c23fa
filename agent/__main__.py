"""The `ecn-agent` command; also `python -m agent`."""

from agent.cli import agent_group


def main() -> None:
    """Run the command line."""
    agent_group(prog_name="ecn-agent")


if __name__ == "__main__":
    main()
