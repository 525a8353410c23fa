"""Nodes, as ioFog's clients ask for them: /iofog and /iofog-list."""

import asyncio
import re
import secrets
from datetime import timedelta

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Struct

from ecn.api.commanding import execute, merge
from ecn.api.iofog.endpoint import JSON, Endpoint, answer, body, empty, world
from ecn.api.iofog.node_refusals import in_iofogs_words, node_of
from ecn.api.keys import CLOCK, PRESENCE, TELEMETRY, VAULT
from ecn.commands import node as commands
from ecn.errors import NotFound
from ecn.iofog import bodies, identifiers, node_documents, nodes, refusals, times
from ecn.iofog.node_documents import Filter, NodeDocument
from ecn.vault import hash_of
from events.ids import NodeId, new_id
from events.log import StoreUnavailable
from events.node import Instruction
from events.user import Role
from projections.world import World

KEY_VALID_FOR = timedelta(minutes=20)
SHORT_KEY = "iofog-provisioning-key"
"""What the hash of a short key is made for; see `key_hash`."""

AT_ONCE = 100
"""Nodes of a list that are told before anybody else has a turn."""

_FILTER = re.compile(r"filters\[(\d{1,3})\]\[(\w+)\]")

log = structlog.get_logger()


class Created(Struct, frozen=True):
    """Which node was made."""

    uuid: str


class Nodes(Struct, frozen=True):
    """A list of nodes."""

    fogs: list[NodeDocument]


class ProvisioningKey(Struct, frozen=True, rename="camel"):
    """What an agent becomes the node with."""

    key: str
    expiration_time: int


async def create_node(request: web.Request) -> web.Response:
    """Make a place for a device."""
    said = await body(request, nodes.CreateNode)
    command = commands.RegisterNode(
        node_id=NodeId(new_id()), name=said.name, settings=nodes.created(said)
    )
    with in_iofogs_words():
        await execute(request, command)
    return answer(Created(command.node_id), 201)


async def update_node(request: web.Request) -> web.Response:
    """Another name, other settings, or both."""
    node_id = node_of(request)
    said = await body(request, nodes.UpdateNode)

    def command(now: World) -> commands.UpdateNode:
        row = now.nodes.get(node_id)
        if row is None:
            raise NotFound("node", node_id)
        return commands.UpdateNode(
            node_id=node_id,
            name=row.name if said.name is UNSET else said.name,
            settings=nodes.updated(row.settings, said),
            seen=(row.name, row.settings),
        )

    with in_iofogs_words():
        await merge(request, command)
    return empty()


async def delete_node(request: web.Request) -> web.Response:
    """Remove a node with all that runs there."""
    node_id = node_of(request)
    await execute(request, commands.DeleteNode(node_id=node_id, force=True))
    await forget(request, node_id)
    return empty(202)


async def forget(request: web.Request, node_id: NodeId) -> None:
    """Let go of what a deleted node's agent said."""
    try:
        await request.app[TELEMETRY].forget([node_id])
    except StoreUnavailable as e:
        log.info("telemetry_kept", node_id=node_id, reason=str(e))  # until it is swept


async def show_node(request: web.Request) -> web.Response:
    """One node."""
    node_id = node_of(request)
    await request.app[TELEMETRY].look([node_id])
    return answer(_document(request, world(request), node_id))


async def list_nodes(request: web.Request) -> web.Response:
    """All nodes but the system's, or the system's, as far as filters let them through."""
    filters, system = _filters(request), request.query.get("system") == "true"
    now = world(request)
    listed = [key for key, row in now.nodes.items() if row.settings.system == system]
    listed.sort(key=lambda key: now.nodes[key].number)
    await request.app[TELEMETRY].look(listed)
    found: list[bytes] = []
    for begin in range(0, len(listed), AT_ONCE):
        documents = [_document(request, now, each) for each in listed[begin : begin + AT_ONCE]]
        matching = node_documents.matching(documents, filters)
        found += [msgspec.json.encode(each) for each in matching]
        # Of ten thousand nodes nobody else waits for longer than for a hundred.
        await asyncio.sleep(0)
    return web.Response(body=b'{"fogs":[' + b",".join(found) + b"]}", headers=JSON)


def _document(request: web.Request, now: World, node_id: NodeId) -> NodeDocument:
    status = request.app[TELEMETRY].status(node_id)
    return node_documents.document(now, node_id, status, request.app[PRESENCE].last_heard(node_id))


def _filters(request: web.Request) -> list[Filter]:
    """`filters[0][key]=…&filters[0][value]=…&filters[0][condition]=has`. Errors: Refusal."""
    said: dict[int, dict[str, str]] = {}
    for name, value in request.query.items():
        found = _FILTER.fullmatch(name)
        if found:
            said.setdefault(int(found[1]), {})[found[2]] = value
    return bodies.typed([said[place] for place in sorted(said)], list[Filter])


async def issue_key(request: web.Request) -> web.Response:
    """A key that makes one device this node; it replaces an earlier one."""
    node_id = node_of(request)
    return answer(await fresh_key(request, node_id), 201)


async def fresh_key(request: web.Request, node_id: NodeId) -> ProvisioningKey:
    """Issue a key of the length that ioFog's people type."""
    key = identifiers.drawn(identifiers.KEY_LENGTH, secrets.choice)
    expires_at = request.app[CLOCK]() + KEY_VALID_FOR
    command = commands.IssueProvisioningKey(
        node_id=node_id, key_hash=key_hash(request, key), expires_at=expires_at
    )
    await execute(request, command)
    return ProvisioningKey(key, times.milliseconds(expires_at))


def key_hash(request: web.Request, key: str) -> str:
    """The hash of a short key, as the log has it.

    Whoever may read the log could try all keys of eight letters against a mere hash before one
    expires: it is made with what only controllers have.
    """
    return hash_of(request.app[VAULT].derived(SHORT_KEY, key))


async def instruct_version(request: web.Request) -> web.Response:
    """Let the agent upgrade itself, or go back."""
    node_id, command = node_of(request), request.match_info["command"]
    if command not in ("upgrade", "rollback"):
        words = "upgrade,rollback"
        raise refusals.invalid(f"Field versionCommand is not one of enum values: {words}")
    await request.app[TELEMETRY].look([node_id])
    status = request.app[TELEMETRY].status(node_id)
    # Who never said anything is taken at ioFog's word: it may go up, and not back.
    if command == "rollback" and not (status is not None and status.ready_to_rollback):
        raise refusals.invalid("Can't rollback version now. There are no backups on agent")
    if command == "upgrade" and status is not None and not status.ready_to_upgrade:
        raise refusals.invalid("Can't upgrade version now. Latest is already installed")
    return await _instruct(request, Instruction(command))


async def reboot(request: web.Request) -> web.Response:
    """Let the device start anew."""
    return await _instruct(request, Instruction.REBOOT)


async def prune(request: web.Request) -> web.Response:
    """Let the agent remove images that nothing uses."""
    return await _instruct(request, Instruction.PRUNE)


async def _instruct(request: web.Request, instruction: Instruction) -> web.Response:
    await execute(request, commands.InstructNode(node_id=node_of(request), instruction=instruction))
    return empty()


class Hardware(Struct, frozen=True, rename="camel"):
    """What a device's hardware abstraction found."""

    id: int
    info: str
    created_at: str
    updated_at: str
    iofog_uuid: str


async def show_hardware(request: web.Request) -> web.Response:
    """What the device is made of."""
    return await _hardware(request, "hw")


async def show_usb(request: web.Request) -> web.Response:
    """What is plugged into the device."""
    return await _hardware(request, "usb")


async def _hardware(request: web.Request, kind: str) -> web.Response:
    node_id = node_of(request)
    found = await request.app[TELEMETRY].hardware(node_id, kind)
    if found is None:
        return empty(200)
    return answer(
        Hardware(
            id=found.number,
            info=found.info,
            created_at=times.iso(found.created_at),
            updated_at=times.iso(found.updated_at),
            iofog_uuid=node_id,
        )
    )


_NODE = "/iofog/{uuid}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/iofog-list",
        handler=list_nodes,
        access=Role.VIEWER,
        tag="nodes",
        summary="List nodes",
        answer=Nodes,
        refusals=(400,),
    ),
    Endpoint(
        method="POST",
        path="/iofog",
        handler=create_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Register a node",
        body=nodes.CreateNode,
        answer=Created,
        status=201,
        liquid=True,
        refusals=(400, 404),
    ),
    Endpoint(
        method="GET",
        path=_NODE,
        handler=show_node,
        access=Role.VIEWER,
        tag="nodes",
        summary="Show a node",
        answer=NodeDocument,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=_NODE,
        handler=update_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Rename a node or change its settings",
        body=nodes.UpdateNode,
        status=204,
        liquid=True,
        refusals=(400, 404),
    ),
    Endpoint(
        method="DELETE",
        path=_NODE,
        handler=delete_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Delete a node and all that runs there",
        status=202,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_NODE + "/provisioning-key",
        handler=issue_key,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Issue a one-time provisioning key; it replaces an earlier one",
        answer=ProvisioningKey,
        status=201,
        changes=True,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/version/{command}",
        handler=instruct_version,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the agent upgrade itself (upgrade) or go back (rollback)",
        status=204,
        refusals=(400, 404),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/reboot",
        handler=reboot,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the device start anew",
        status=204,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/prune",
        handler=prune,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the agent remove images that nothing uses",
        status=204,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_NODE + "/hal/hw",
        handler=show_hardware,
        access=Role.VIEWER,
        tag="nodes",
        summary="What the device is made of; no body while nobody knows",
        answer=Hardware,
        maybe_empty=True,
        refusals=(404,),
    ),
    Endpoint(
        method="GET",
        path=_NODE + "/hal/usb",
        handler=show_usb,
        access=Role.VIEWER,
        tag="nodes",
        summary="What is plugged into the device; no body while nobody knows",
        answer=Hardware,
        maybe_empty=True,
        refusals=(404,),
    ),
)
