"""`ecn agent`: the agent's own commands, where its packages are installed."""

import importlib

import click

from ecn.cli.errors import MissingExtra


def _mounted() -> click.Command:
    try:
        group = importlib.import_module("agent.cli").agent_group
    except ModuleNotFoundError as e:
        name = (e.name or "").partition(".")[0]
        if name == "agent":
            raise
        raise MissingExtra("agent", name) from e
    if not isinstance(group, click.Command):
        raise TypeError("agent.cli.agent_group is no command")
    return group


agent = _mounted()
