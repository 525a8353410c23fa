"""Nodes over HTTP."""

from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from ecn.api import last_words, views
from ecn.api.answers import json_answer
from ecn.api.commanding import COMMAND_ID, changed, execute, first_event, merge, replayed
from ecn.api.documents import (
    Changed,
    IssueProvisioningKey,
    NodeDocument,
    Nodes,
    ProvisioningKey,
    RegisterNode,
    UpdateNode,
    UpgradeNode,
)
from ecn.api.endpoint import Endpoint, Query, choice, parse, read_body, truth
from ecn.api.keys import CLOCK, LIVE, PRESENCE, VAULT
from ecn.api.manifests import merged
from ecn.api.moments import asked
from ecn.api.offer_views import with_router_ids
from ecn.batch import repetition
from ecn.commands import node as commands
from ecn.deciders import find, rules
from ecn.errors import Invalid
from ecn.vault import hash_of
from events.ids import CommandId, NodeId, new_id
from events.node import Instruction, NodeSettings, ProvisioningKeyIssued
from events.user import Role
from projections.nodes import NodeState
from projections.world import World


def _ref(request: web.Request) -> NodeId:
    return find.node(request.app[LIVE].world, request.match_info["node"])


async def list_nodes(request: web.Request) -> web.Response:
    """All nodes that the query asks for."""
    about = asked(request)
    world = about.world
    state = choice(request, "state", tuple(NodeState))
    label, tag = request.query.get("label"), request.query.get("tag")
    key, equals, content = (label or "").partition("=")
    chosen = [
        node_id
        for node_id, row in world.nodes.items()
        if (state is None or row.state == state)
        and (tag is None or tag in row.settings.tags)
        and (
            label is None
            or (row.settings.labels.get(key) == content if equals else key in row.settings.labels)
        )
    ]
    said = await last_words.of_nodes(request, chosen)
    items = [views.node(world, each, _last_heard(request, each), said(each)) for each in chosen]
    items.sort(key=lambda each: each.name)
    return json_answer(Nodes(position=about.position, stale=about.stale, items=items))


async def show_node(request: web.Request) -> web.Response:
    """One node."""
    world = asked(request).world
    node_id = find.node(world, request.match_info["node"])
    said = await last_words.of_nodes(request, [node_id])
    return json_answer(views.node(world, node_id, _last_heard(request, node_id), said(node_id)))


def _last_heard(request: web.Request, node_id: NodeId) -> datetime | None:
    """Telemetry of now, which says nothing about then."""
    return None if asked(request).past else request.app[PRESENCE].last_heard(node_id)


async def register_node(request: web.Request) -> web.Response:
    """Make a place for a device."""
    body = await read_body(request, RegisterNode)
    command = commands.RegisterNode(
        node_id=NodeId(new_id()),
        name=body.name,
        settings=with_router_ids(request.app[LIVE].world, body.settings),
    )
    return changed(await execute(request, command), f"node/{command.node_id}", 201)


async def update_node(request: web.Request) -> web.Response:
    """Another name, other settings, or both."""
    node_id = _ref(request)
    body = await read_body(request, UpdateNode)

    def command(world: World) -> commands.UpdateNode:
        row = world.nodes[find.node(world, node_id)]
        settings = row.settings
        if body.settings is not msgspec.UNSET:
            patch = merged(row.settings, body.settings)
            settings = parse(patch, NodeSettings, field="$.settings")
            settings = with_router_ids(world, settings)
        return commands.UpdateNode(
            node_id=node_id,
            name=row.name if body.name is msgspec.UNSET else body.name,
            settings=settings,
            seen=(row.name, row.settings),
        )

    return changed(await merge(request, command), f"node/{node_id}")


async def delete_node(request: web.Request) -> web.Response:
    """Remove a node."""
    command = commands.DeleteNode(node_id=_ref(request), force=truth(request, "force"))
    return changed(await execute(request, command), f"node/{command.node_id}")


async def deprovision_node(request: web.Request) -> web.Response:
    """Take the node away from its device."""
    command = commands.DeprovisionNode(node_id=_ref(request))
    return changed(await execute(request, command), f"node/{command.node_id}")


async def _instruct(
    request: web.Request, instruction: Instruction, version: str = ""
) -> web.Response:
    command = commands.InstructNode(node_id=_ref(request), instruction=instruction, version=version)
    return changed(await execute(request, command), f"node/{command.node_id}")


async def reboot_node(request: web.Request) -> web.Response:
    """Restart the whole device."""
    return await _instruct(request, Instruction.REBOOT)


async def prune_node(request: web.Request) -> web.Response:
    """Remove images that nothing uses."""
    return await _instruct(request, Instruction.PRUNE)


async def upgrade_node(request: web.Request) -> web.Response:
    """Install another version of the agent."""
    body = await read_body(request, UpgradeNode)
    return await _instruct(request, Instruction.UPGRADE, body.version)


async def roll_node_back(request: web.Request) -> web.Response:
    """Go back to the agent's version of before."""
    return await _instruct(request, Instruction.ROLLBACK)


async def issue_key(request: web.Request) -> web.Response:
    """A provisioning key. It is derived from the command, so that a retry gets the same one."""
    # A retry is answered also when the node is gone by now.
    repeated = repetition(request.app[LIVE].world, CommandId(request[COMMAND_ID]))
    node_id = NodeId(repeated.subject[len("node/") :]) if repeated else _ref(request)
    body = await read_body(request, IssueProvisioningKey)
    longest = int(rules.LONGEST_KEY_VALIDITY.total_seconds())
    if not 1 <= body.valid_for <= longest:
        raise Invalid(f"is not between 1 and {longest} seconds", field="$.valid_for")
    key = request.app[VAULT].derived("provisioning-key", request[COMMAND_ID])
    command = commands.IssueProvisioningKey(
        node_id=node_id,
        key_hash=hash_of(key),
        expires_at=request.app[CLOCK]() + timedelta(seconds=body.valid_for),
    )
    outcome = await execute(request, command)
    issued = await first_event(request, outcome, ProvisioningKeyIssued)
    if issued is not None:
        vault = request.app[VAULT]
        key = vault.derived_before("provisioning-key", request[COMMAND_ID], issued.key_hash)
    return json_answer(
        ProvisioningKey(
            position=outcome.position,
            command_id=outcome.command_id,
            subject=outcome.subject,
            events=list(outcome.events),
            key=key,
            node=request.app[LIVE].world.names.get(outcome.subject) or node_id,
            expires_at=(issued or command).expires_at,
        ),
        status=201,
        headers=replayed(outcome),
    )


_NODE = r"/nodes/{node}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/nodes",
        handler=list_nodes,
        access=Role.VIEWER,
        tag="nodes",
        summary="List nodes",
        answer=Nodes,
        at=True,
        queries=(
            Query("state", "registered, online or offline"),
            Query("label", "key or key=value"),
            Query("tag", "a tag that the node has"),
        ),
    ),
    Endpoint(
        method="POST",
        path="/nodes",
        handler=register_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Register a node",
        body=RegisterNode,
        answer=Changed,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=_NODE,
        handler=show_node,
        access=Role.VIEWER,
        tag="nodes",
        summary="Show a node",
        answer=NodeDocument,
        at=True,
        refusals=(404,),
    ),
    Endpoint(
        method="PATCH",
        path=_NODE,
        handler=update_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Rename a node or change its settings",
        body=UpdateNode,
        answer=Changed,
        refusals=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=_NODE,
        handler=delete_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Delete a node",
        answer=Changed,
        queries=(Query("force", "delete its microservices too", bool),),
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/provisioning-key",
        handler=issue_key,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Issue a one-time provisioning key; it replaces an earlier one",
        body=IssueProvisioningKey,
        answer=ProvisioningKey,
        status=201,
        refusals=(404, 409),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/deprovision",
        handler=deprovision_node,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Take a node away from its device; the agent removes its containers",
        answer=Changed,
        refusals=(404,),
    ),
    *(
        Endpoint(
            method="POST",
            path=f"{_NODE}/{instruction}",
            handler=handler,
            access=Role.OPERATOR,
            tag="nodes",
            summary=f"Tell its agent to {what}, once",
            body=body,
            answer=Changed,
            refusals=(404,),
        )
        for instruction, handler, what, body in (
            (Instruction.REBOOT, reboot_node, "restart the device", None),
            (Instruction.PRUNE, prune_node, "remove images that nothing uses", None),
            (Instruction.UPGRADE, upgrade_node, "upgrade itself", UpgradeNode),
            (Instruction.ROLLBACK, roll_node_back, "go back to its version of before", None),
        )
    ),
)
