"""Options of `ecn create node` and `ecn update node`, and the settings that they say."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import click

from events.node import Reach

F = TypeVar("F", bound=Callable[..., object])
REACHES = [reach.value for reach in Reach]


def node_options(function: F) -> F:
    """The options, for a command that takes them as keywords."""
    for option in (
        click.option(
            "--pull-limit",
            type=click.IntRange(min=0),
            metavar="KIB",
            help="KiB per second that pulls of images may take; 0 is no limit.",
        ),
        click.option(
            "--exec", "exec_", type=click.Choice(REACHES), help="Who may run commands there."
        ),
        click.option(
            "--forward", type=click.Choice(REACHES), help="Who may reach its containers' ports."
        ),
        click.option("--tunnel", type=click.Choice(REACHES), help="Who may reach its own ports."),
        click.option("--logs", type=click.Choice(REACHES), help="Who may read logs there."),
        click.option(
            "--privileged/--not-privileged",
            default=None,
            help="Whether containers may have power over the device. Admins say so.",
        ),
        click.option("--longitude", type=float, help="Degrees east."),
        click.option("--latitude", type=float, help="Degrees north."),
        click.option("--location", help="Where it is, in words."),
        click.option("--host", help="Under what name others reach it."),
        click.option("--tag", "tags", multiple=True, help="A tag. May be repeated."),
        click.option(
            "-l",
            "--label",
            "labels",
            multiple=True,
            metavar="K=V",
            help="A label; `K=` removes it. May be repeated.",
        ),
        click.option("--description", help="What it is."),
    ):
        function = option(function)
    return function


def said_patch(said: Mapping[str, object]) -> dict[str, object]:
    """What the options change of a node's settings, as a merge patch: null resets.

    said: the options by name, None for those that are not given.
    Errors: click.UsageError.
    """
    plain = {key: said[key] for key in ("description", "host", "location", "latitude", "longitude")}
    patch = {
        key: None if value == "" else value for key, value in plain.items() if value is not None
    }
    if tags := _texts(said["tags"]):
        patch["tags"] = [tag for tag in tags if tag]
    if labels := _labels(_texts(said["labels"])):
        patch["labels"] = labels
    access = {
        "privileged": said["privileged"],
        "logs": said["logs"],
        "exec": said["exec_"],
        "forward": said["forward"],
        "tunnel": said["tunnel"],
    }
    if given := {key: value for key, value in access.items() if value is not None}:
        patch["access"] = given
    if said["pull_limit"] is not None:
        patch["agent"] = {"pull_limit_kib": said["pull_limit"]}
    return patch


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _labels(given: tuple[str, ...]) -> dict[str, str | None]:
    """Names and values; None for those to remove. Errors: click.UsageError."""
    found: dict[str, str | None] = {}
    for label in given:
        name, equals, value = label.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{label!r} is not a label: write NAME=VALUE")
        found[name] = value or None
    return found
