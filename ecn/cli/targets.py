"""What `ecn top` and `ecn engine-events` are about: which nodes, and what on them."""

import asyncio
from collections.abc import Coroutine

from msgspec import Struct, field

from ecn.api import documents as d
from ecn.cli.client import Client
from ecn.cli.errors import CliError, Refused
from ecn.cli.kinds import reference_to_run
from ecn.manifests.kinds import Kind, Reference


class Target(Struct, frozen=True):
    """Microservices on one node."""

    node: str
    microservices: list[str] = field(default_factory=list)
    """Their ids; empty means all that are there."""

    @property
    def query(self) -> list[tuple[str, str]]:
        """As the API is asked."""
        return [("microservice", each) for each in self.microservices]


class Targets(Struct, frozen=True):
    """What was named, and how its microservices are called now."""

    targets: list[Target]
    names: dict[str, str]
    """By id: `<application>/<name>`."""
    away: list[str]
    """Nodes that can't be asked now."""


async def find(client: Client, what: str) -> Targets:
    """what: a node, an application, a microservice, or "" for all. Errors: CliError."""
    microservices = (await client.microservices()).items
    nodes = {node.name: node for node in (await client.nodes()).items}
    chosen = _chosen(what, microservices, nodes)
    if chosen is None:
        node = _node_named(what)
        targets = [Target(each) for each in ([node] if node else sorted(nodes))]
        if node and node not in nodes:
            # By its id, or gone: let the controller say.
            targets = [Target((await client.node(node)).name)]
    else:
        on: dict[str, list[str]] = {}
        for each in chosen:
            on.setdefault(each.node, []).append(each.id)
        targets = [Target(node, ids) for node, ids in sorted(on.items())]
    online = [each for each in targets if nodes[each.node].state == "online"]
    return Targets(
        targets=online,
        names={each.id: f"{each.application}/{each.name}" for each in microservices},
        away=[f"{each.node} is {nodes[each.node].state}" for each in targets if each not in online],
    )


def _node_named(what: str) -> str:
    kind, _, name = what.partition("/")
    return name if name and kind in ("node", "nodes") else what


def _chosen(
    what: str,
    microservices: list[d.MicroserviceDocument],
    nodes: dict[str, d.NodeDocument],
) -> list[d.MicroserviceDocument] | None:
    """The microservices that are meant; None for all of a node, or of all of them."""
    if not what or what.startswith(("node/", "nodes/")):
        return None
    reference = reference_to_run(what)
    bare = "/" not in what
    found = [each for each in microservices if _is(each, reference)]
    if bare and what in nodes:
        if found:
            raise CliError(
                f"there is a node {what!r}, and an application",
                next_step=f"say which: node/{what} or application/{what}",
            )
        return None
    if not found:
        raise CliError(
            f"nothing runs that is called {what!r}",
            next_step="name a node, an application or APPLICATION/MICROSERVICE: "
            "ecn get microservices",
        )
    return found


def _is(each: d.MicroserviceDocument, reference: Reference) -> bool:
    if reference.kind is Kind.APPLICATION:
        return each.application == reference.name
    return reference.name in (f"{each.application}/{each.name}", each.id)


def said(error: CliError) -> str:
    """Why a node can't be looked at, in short."""
    return error.problem.detail if isinstance(error, Refused) else error.message


async def side_by_side(*work: Coroutine[object, object, None]) -> None:
    """All of it at once; the first failure ends the others, and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for each in work:
                tasks.create_task(each)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
