"""The chain of reasons for people: what is, and below each thing what it came from. Pure."""

from collections.abc import Iterator
from datetime import datetime

import click

from ecn.api.history_documents import EventGlance, Step, Why
from ecn.cli.errors import printable
from ecn.cli.field_text import change_text
from ecn.cli.wording import age, moment, styled

INDENT = "  "
ARROW = "← "


def lines(why: Why, now: datetime) -> Iterator[str]:
    """The whole chain, the cause of each line below it and one step in."""
    kind = why.subject.partition("/")[0]
    name = click.style(printable(f"{kind}/{why.name}"), bold=True)
    state = printable(why.chain.text)
    yield f"{name} is {styled(state, state.partition(':')[0].partition(';')[0])}"
    yield from _facts(why.chain, INDENT, now)
    for each in why.chain.because:
        yield from _step(each, INDENT, now)


def _step(step: Step, indent: str, now: datetime) -> Iterator[str]:
    text = printable(step.text)
    # Ids are there to be copied, not to be read.
    text = click.style(text, dim=True) if step.what == "command" else text
    yield f"{indent}{click.style(ARROW, dim=True)}{text}"
    below = indent + " " * len(ARROW)
    for field in step.fields:
        yield f"{below}{INDENT}{change_text(field, step.names)}"
    yield from _facts(step, below, now)
    for each in step.because:
        yield from _step(each, below, now)


def _facts(step: Step, indent: str, now: datetime) -> Iterator[str]:
    """When and where, and what else belongs to it."""
    facts = []
    if step.at is not None:
        facts.append(f"since {moment(step.at)} by its device's clock ({age(step.at, now)} ago)")
    if step.exit_code is not None:
        facts.append(f"last exit code {step.exit_code}")
    if facts:
        yield indent + ", ".join(facts)
    if step.event is not None:
        word = "wanted since event" if step.what == "microservice" else "event"
        yield indent + click.style(f"{word} {_event(step.event, now)}", dim=True)
    if step.what == "command" and step.events:
        yield f"{indent}which also led to"
    for each in step.events:
        yield indent + INDENT + _glance(each, with_subject=step.what == "command")
    if step.more:
        yield f"{indent}{INDENT}and more"


def _event(event: EventGlance, now: datetime) -> str:
    when = f"{moment(event.time)} ({age(event.time, now)} ago)"
    return printable(f"{event.position}, {when}, by {event.actor_name}")


def _glance(event: EventGlance, *, with_subject: bool) -> str:
    words = [f"{event.position:>8}", moment(event.time)]
    if with_subject:
        words.append(printable(f"{event.subject.partition('/')[0]}/{event.subject_name}"))
    return "  ".join([*words, printable(event.text)])
