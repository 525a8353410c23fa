"""`ecn reboot`, `prune`, `upgrade`, `rollback`: what an agent is told to do once.

The agent carries it out when it hears of it, which for a device that is away is later, and says
what became of it: the commands wait for that word. Ctrl-C ends the wait, not the instruction.
"""

import asyncio
from collections.abc import Callable

import click

from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.command import Command, connection_options, examples
from ecn.cli.errors import CliError, NotThere, printable
from ecn.cli.kinds import references
from ecn.cli.news import listening
from ecn.cli.session import Session, pass_session
from ecn.cli.wording import Duration
from ecn.manifests.kinds import Kind

NODES = click.argument("what", nargs=-1, required=True, metavar="node NAME...")
LOOK_AGAIN = 3.0
"""Seconds between looks when no event comes."""

Body = Callable[..., None]


def _waiting(longest: str) -> Callable[[Body], Body]:
    """The options of a wait, which is at most so long if nobody says otherwise."""

    def options(command: Body) -> Body:
        command = click.option(
            "--timeout", type=Duration(), default=longest, show_default=True, help="Of that wait."
        )(command)
        return click.option(
            "--wait/--no-wait", default=True, help="Wait for what the agents say became of it."
        )(command)

    return options


def _instruct(
    session: Session,
    what: tuple[str, ...],
    instruction: str,
    *,
    wait: bool,
    timeout: float,
    version: str = "",
) -> None:
    nodes = [each.name for each in references(what, Kind.NODE)]

    async def work(client: Client) -> None:
        told: dict[str, int] = {}
        for name in nodes:
            body = d.UpgradeNode(version=version) if version else None
            told[name] = (await client.instruct(name, instruction, body)).position
            click.echo(f"node/{name}: its agent is told to {instruction}")
        if wait:
            await _outcomes(client, told, instruction, timeout)

    session.run(work)


async def _outcomes(
    client: Client,
    told: dict[str, int],
    instruction: str,
    timeout: float,  # noqa: ASYNC109 - shown to people
) -> None:
    """Say what became of each as it is known. Errors: NotThere; CliError where one failed."""
    waiting, failed = dict(told), 0
    states: dict[str, str] = {}
    try:
        async with asyncio.timeout(timeout), listening(client, min(told.values())) as news:
            while waiting:
                news.forget()
                for name, position in list(waiting.items()):
                    node = await client.node(name)
                    if states.get(name) != node.state:
                        states[name] = node.state
                        if node.state != "online":
                            click.echo(f"node/{name} is {node.state}: waiting for it")
                    said = _said(node, position, instruction)
                    if said is None:
                        continue
                    del waiting[name]
                    failed += said[0] not in ("done", "superseded")
                    click.echo(printable(f"node/{name}: {instruction} {said[0]}: {said[1]}"))
                if waiting:
                    await news.wait(LOOK_AGAIN)
    except TimeoutError:
        names = ", ".join(sorted(waiting))
        raise NotThere(
            f"no word on this yet from {names}",
            next_step=f"The instruction stands until it is carried out: "
            f"ecn describe node {min(waiting)}",
        ) from None
    if failed:
        raise CliError(f"{failed} of {len(told)} could not {instruction}")


def _said(node: d.NodeDocument, told_at: int, instruction: str) -> tuple[str, str] | None:
    """The outcome and its detail; None while the agent has not spoken."""
    for outcome in node.outcomes:
        if outcome.told_at == told_at:
            return outcome.outcome, outcome.detail or "no more was said"
    if any(each.told_at == told_at for each in node.instructions):
        return None
    later = [(each.told_at, each.instruction) for each in node.instructions]
    later += [(each.told_at, each.instruction) for each in node.outcomes]
    if any(at > told_at and what == instruction for at, what in later):
        return "superseded", "it was told so again, and that one counts"
    if node.state == "registered":
        return "void", "the device is no longer this node"
    return None  # this controller has not heard of it yet


@examples("""
ecn reboot node kiosk-7
ecn reboot node kiosk-7 --no-wait
""")
@click.command("reboot", cls=Command)
@NODES
@_waiting("15m")
@connection_options
@pass_session
def reboot(session: Session, what: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Tell agents to restart their devices. One that is away does so when it is back.

    ECN's agent does so where it was installed with --allow-reboot. ioFog's agents say nothing of
    what became of it: use --no-wait, as with the other instructions.
    """
    _instruct(session, what, "reboot", wait=wait, timeout=timeout)


@examples("""
ecn prune node kiosk-7 kiosk-8
""")
@click.command("prune", cls=Command)
@NODES
@_waiting("5m")
@connection_options
@pass_session
def prune(session: Session, what: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Tell agents to remove images that no container uses.

    ECN's agent removes only such as it pulled itself.
    """
    _instruct(session, what, "prune", wait=wait, timeout=timeout)


@examples("""
ecn upgrade node kiosk-7
ecn upgrade node kiosk-7 kiosk-8 --version 1.4.2
""")
@click.command("upgrade", cls=Command)
@NODES
@click.option("--version", default="", help="To this version, else to the newest.")
@_waiting("30m")
@connection_options
@pass_session
def upgrade(
    session: Session, what: tuple[str, ...], version: str, wait: bool, timeout: float
) -> None:
    """Tell agents to install another version of themselves. Containers run on.

    A version that does not prove itself on the device is taken back by the device itself: the
    outcome is then undone, with the reason. ioFog's agents take no version.
    """
    _instruct(session, what, "upgrade", wait=wait, timeout=timeout, version=version)


@examples("""
ecn rollback node kiosk-7
""")
@click.command("rollback", cls=Command)
@NODES
@_waiting("15m")
@connection_options
@pass_session
def rollback(session: Session, what: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Tell agents to go back to the version that they had before."""
    _instruct(session, what, "rollback", wait=wait, timeout=timeout)
