"""Waiting for applications to run, and showing how they get there.

An event says "look again"; what is shown and decided is always the application as the controller
answers it. Losing the stream costs latency, never the outcome.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

import click
from msgspec import Struct
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.errors import NotThere, printable
from ecn.cli.news import listening
from ecn.cli.tables import state_of
from ecn.cli.wording import counted
from events.application import ContainerState, Health

LOOK_AGAIN = 3.0
"""Seconds between looks when no event comes. The stream makes this rare."""
SHOULD_RUN_COLOURS = {"running": "green", "failed": "red", "backing-off": "red"}


class Step(Struct, frozen=True):
    """How one microservice stands. Two that look the same are equal."""

    name: str
    node: str
    state: str
    reason: str
    done: bool


class Display(Protocol):
    """Where progress is shown."""

    def show(self, steps: list[Step]) -> None:
        """It stands so now."""

    def close(self) -> None:
        """No more is to come."""


def step_of(microservice: d.MicroserviceDocument) -> Step:
    """How it stands, and whether that is what is wanted."""
    status = microservice.status
    wanted = microservice.started and microservice.application_started
    reason = status.reason
    state = state_of(microservice)
    checked = microservice.health_check is not None and not microservice.health_check.disabled
    if not wanted:
        done = status.state is not ContainerState.RUNNING
    else:
        done = (
            microservice.current
            and status.state is ContainerState.RUNNING
            and (not checked or status.health is Health.HEALTHY)
        )
        # A status of an earlier revision must not look like the outcome of this one.
        if not microservice.current and status.state is ContainerState.RUNNING:
            state = "updating"
        if not done and microservice.node_state != "online":
            reason = f"node {microservice.node} is {microservice.node_state}"
    name = f"{microservice.application}/{microservice.name}"
    return Step(name, microservice.node, state, reason, done)


async def wait_until_running(
    client: Client,
    positions: Mapping[str, int],
    timeout: float,  # noqa: ASYNC109 - shown to people
) -> None:
    """Until all microservices of the applications are as wanted.

    positions: application -> the position that its answer must have seen at least.
    timeout:   seconds for all of them together.
    Errors:    NotThere, with what every missing one says.
    """
    started = time.monotonic()
    display: Display = LiveDisplay() if sys.stdout.isatty() else LineDisplay()
    latest: list[Step] = []
    try:
        async with asyncio.timeout(timeout), listening(client, min(positions.values())) as news:
            while True:
                news.forget()
                latest = [
                    step_of(m)
                    for name, position in positions.items()
                    for m in (await client.application(name, at_least=position)).microservices
                ]
                display.show(latest)
                if all(step.done for step in latest):
                    break
                await news.wait(LOOK_AGAIN)
    except TimeoutError:
        raise NotThere(_why_not(latest, timeout), next_step=_look_at(latest)) from None
    finally:
        display.close()
    if latest:
        seconds = time.monotonic() - started
        click.echo(f"{counted(len(latest), 'microservice')} as wanted after {seconds:.1f} s")


class LineDisplay:
    """A line for each change: what a log or a pipe can keep."""

    def __init__(self) -> None:
        self._shown: dict[str, Step] = {}

    def show(self, steps: list[Step]) -> None:
        """Write the lines of those that changed."""
        for step in steps:
            if self._shown.get(step.name) != step:
                self._shown[step.name] = step
                reason = f": {step.reason}" if step.reason else ""
                click.echo(printable(f"{step.name} on {step.node} {step.state}{reason}"))

    def close(self) -> None:
        """Nothing to end."""


class LiveDisplay:
    """A table that changes in place, with what is still moving marked by a spinner."""

    def __init__(self) -> None:
        self._live = Live(
            console=Console(no_color=_no_color(), highlight=False), refresh_per_second=12.5
        )
        self._spinner = Spinner("dots")
        self._live.start()

    def show(self, steps: list[Step]) -> None:
        """Redraw it."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for step in steps:
            mark = Text("✓", style="green") if step.done else self._spinner
            colour = SHOULD_RUN_COLOURS.get(step.state.split(" ")[0], "yellow")
            table.add_row(
                mark,
                Text(step.name),
                Text(step.state, style=colour),
                Text(printable(step.reason), style="dim"),
            )
        self._live.update(table, refresh=True)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()


def _why_not(steps: Iterable[Step], timeout: float) -> str:
    missing = [s for s in steps if not s.done]
    if not missing:
        return f"no answer from the controller within {timeout:g} s"
    lines = [f"not as wanted after {timeout:g} s:"]
    for step in missing:
        reason = f": {step.reason}" if step.reason else ""
        lines.append(f"  {step.name} on {step.node}: {step.state}{reason}")
    return "\n".join(lines)


def _look_at(steps: Iterable[Step]) -> str:
    for step in steps:
        if not step.done:
            return f"ecn describe microservice {step.name}; ecn logs {step.name}"
    return "ecn get microservices"


def _no_color() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and context.color is False
