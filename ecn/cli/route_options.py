"""What `ecn create route` and `ecn update route` take, and the document that it makes. Pure."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import click

from ecn.cli.wording import Duration

F = TypeVar("F", bound=Callable[..., object])

FIELDS = {"from_": "source", "to": "destination", "where": "condition"}
"""Options that are called otherwise than the field that they are for."""


def route_options(function: F) -> F:
    """All that may be said of a route, each of it optional."""
    for option in reversed(
        (
            click.option("--from", "from_", help="The sender's name; *: any of the application."),
            click.option("--to", help="The receiver's name; $upstream: your own consumers."),
            click.option("--where", help="Take only messages for which this condition is true."),
            click.option("--query", help="Instead of these three: FROM … WHERE … INTO …."),
            click.option("--output", "output", help="Take only what is sent by this output."),
            click.option("--input", "input", help="Deliver by this input."),
            click.option(
                "--priority", type=click.IntRange(0, 9), help="0 is the most urgent. Default: none."
            ),
            click.option("--ttl", type=Duration(), help="How long to keep it undelivered, as 30m."),
            click.option(
                "--durable/--in-memory", default=None, help="Where it waits. Default: durable."
            ),
            click.option("--webhook", help="Post what goes upstream to this URL."),
            click.option(
                "--twin-changes/--messages",
                default=None,
                help="Take changes of reported properties instead of messages.",
            ),
        )
    ):
        function = option(function)
    return function


def said_of_route(said: Mapping[str, object]) -> dict[str, object]:
    """The fields of the API's document that were said, and no others."""
    fields = {FIELDS.get(name, name): value for name, value in said.items() if value is not None}
    ttl = fields.get("ttl")
    return fields if not isinstance(ttl, float) else {**fields, "ttl": round(ttl)}
