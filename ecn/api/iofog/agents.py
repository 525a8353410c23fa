"""What ioFog's agents ask of their node: to become it, its flags and settings, to leave it."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from ecn.api.commanding import DEVICE, execute, merge
from ecn.api.endpoint import Access
from ecn.api.iofog.endpoint import JSON, Endpoint, answer, body, empty, world
from ecn.api.iofog.node_orders import fresh_key, key_hash
from ecn.api.iofog.nodes import forget
from ecn.api.keys import ATTEMPTS, CLOCK, LIVE, PRESENCE
from ecn.api.principal import Device
from ecn.commands import node as commands
from ecn.errors import KeyRefused, Withdrawn
from ecn.iofog import agent_reports, agent_view, identifiers, refusals, times
from ecn.iofog.nodes import PLATFORMS, AgentConfig, FogType, reported
from ecn.vault import fresh_token, hash_of
from events.ids import NodeId
from events.node import Instruction, NodeFacts, NodeSettings, Platform
from projections.changes import ChangesRow
from projections.images import image_for
from projections.world import World


class Provision(Struct, frozen=True):
    """What a device says to become a node."""

    type: FogType
    key: str


class Provisioned(Struct, frozen=True):
    """Which node it is now."""

    uuid: str
    token: str


class Deprovision(Struct, frozen=True, rename="camel"):
    """What a device says to be a node no more."""

    microservice_uuids: list[str]


class Acknowledgement(Struct, frozen=True, rename="camel"):
    """Up to when an agent did what it was told."""

    last_updated: str = ""


class VersionCommand(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the agent is to become, and a key to be provisioned with afterwards."""

    version_command: str
    provision_key: str
    expiration_time: int


async def provision(request: web.Request) -> web.Response:
    """Redeem a provisioning key."""
    said = await body(request, Provision)
    attempts = request.app[ATTEMPTS]
    address, now = request.remote or "", asyncio.get_running_loop().time()
    attempts.check(address, now)
    node_id, hash_ = await _redeeming(request, said.key)
    if node_id is None:
        attempts.wrong(address, now)
        raise refusals.not_found("Invalid Provisioning Key")
    platform = PLATFORMS[said.type]
    _check_images(world(request), node_id, platform)
    token = identifiers.made_of(fresh_token(), identifiers.TOKEN_LENGTH)
    try:
        await execute(
            request,
            commands.ProvisionNode(
                key_hash=hash_,
                credential_hash=hash_of(token),
                facts=NodeFacts(architecture=agent_reports.architecture(said.type)),
                now=request.app[CLOCK](),
            ),
            actor=f"node/{node_id}",
        )
    except KeyRefused as e:
        if e.code == "provisioning-key-expired":
            raise refusals.unauthenticated("Expired provision key") from e
        raise refusals.not_found("Invalid Provisioning Key") from e
    request[DEVICE] = Device(node_id=node_id, credential_hash=hash_of(token))
    request.app[PRESENCE].heard(node_id)
    await _be(request, node_id, platform)
    return answer(Provisioned(node_id, token))


async def _redeeming(request: web.Request, key: str) -> tuple[NodeId | None, str]:
    """The node that the key is for, and the key's hash: a short key's, or one of ours."""
    hashes = (key_hash(request, key), hash_of(key))
    for again in (False, True):
        if again:
            # Another controller may have issued it just now.
            await request.app[LIVE].catch_up()
        for hash_ in hashes:
            found = world(request).nodes.one("key", hash_)
            if found is not None:
                return found, hash_
    return None, ""


def _check_images(now: World, node_id: NodeId, platform: Platform) -> None:
    """Errors: Refusal when something that the node should run can't run on the device."""
    if platform is Platform.UNSPECIFIED:
        return
    row = now.nodes[node_id]
    device = replace(row, settings=replace(row.settings, platform=platform))
    without = sorted(
        now.microservices[key].name
        for key in now.microservices.find("node", node_id)
        if image_for(now, now.microservices[key].spec, device) is None
    )
    if without:
        names = "".join(f' "{name}" microservice\n' for name in without)
        raise refusals.invalid(
            "Some of microservices haven't proper docker images for this ioFog type. "
            f"List of invalid microservices:\n{names}"
        )


async def _be(request: web.Request, node_id: NodeId, platform: Platform) -> None:
    """The node is of that platform from now on, whatever its operator took it for."""

    def other(settings: NodeSettings) -> NodeSettings:
        return replace(settings, platform=platform)

    if platform is not Platform.UNSPECIFIED:
        await _set(request, node_id, other)


async def _set(
    request: web.Request, node_id: NodeId, other: Callable[[NodeSettings], NodeSettings]
) -> None:
    """Give the node other settings on its device's word."""
    row = world(request).nodes.get(node_id)
    if row is None or other(row.settings) == row.settings:
        return

    def command(now: World) -> commands.UpdateNode:
        current = now.nodes.get(node_id)
        if current is None:
            raise Withdrawn("this device's node was deleted")
        return commands.UpdateNode(
            node_id=node_id,
            name=current.name,
            settings=other(current.settings),
            seen=(current.name, current.settings),
        )

    await merge(request, command)


async def deprovision(request: web.Request) -> web.Response:
    """The device is the node no more, and removes its containers."""
    await body(request, Deprovision)
    await execute(request, commands.DeprovisionNode(node_id=request[DEVICE].node_id))
    return empty()


async def delete_node(request: web.Request) -> web.Response:
    """The device takes its node along."""
    node_id = request[DEVICE].node_id
    await execute(request, commands.DeleteNode(node_id=node_id, force=True))
    await forget(request, node_id)
    return empty()


async def show_config(request: web.Request) -> web.Response:
    """The node's own settings."""
    return answer(agent_view.config(world(request), request[DEVICE].node_id))


async def report_config(request: web.Request) -> web.Response:
    """How the device is set: that counts."""
    said = await body(request, AgentConfig)
    await _set(request, request[DEVICE].node_id, lambda settings: reported(settings, said))
    return empty()


_NEVER = ChangesRow()


async def poll(request: web.Request) -> web.Response:
    """Which flags are up. Asked all the time: nothing is done here but looking up."""
    node_id = request[DEVICE].node_id
    row = world(request).changes.get(node_id) or _NEVER
    return web.Response(body=agent_view.flags(row), headers=JSON)


async def acknowledge(request: web.Request) -> web.Response:
    """What was up until then is done. Agents say so after every poll, mostly of nothing."""
    said = await body(request, Acknowledgement)
    node_id, through = request[DEVICE].node_id, times.stamp_of(said.last_updated)
    row = world(request).changes.get(node_id)
    if through is not None and row is not None and agent_view.acknowledges(row, through):
        await execute(request, commands.AcknowledgeChanges(node_id=node_id, through=through))
    return web.Response(body=b"{}", headers=JSON)


async def version(request: web.Request) -> web.Response:
    """What the agent is to become."""
    node_id = request[DEVICE].node_id
    told = world(request).nodes[node_id].instructed
    known = [each for each in (Instruction.UPGRADE, Instruction.ROLLBACK) if each in told]
    if not known:
        raise refusals.not_found("Version command not found")
    key = await fresh_key(request, node_id)
    return answer(
        VersionCommand(
            version_command=max(known, key=lambda each: told[each]),
            provision_key=key.key,
            expiration_time=key.expiration_time,
        )
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/agent/provision",
        handler=provision,
        access=Access.ANYONE,
        tag="agent",
        summary="Become a node: redeem a provisioning key",
        body=Provision,
        answer=Provisioned,
        refusals=(400, 401, 404, 429),
    ),
    Endpoint(
        method="POST",
        path="/agent/deprovision",
        handler=deprovision,
        access=Access.AGENT,
        tag="agent",
        summary="Be the node no more",
        body=Deprovision,
        status=204,
        refusals=(400,),
    ),
    Endpoint(
        method="DELETE",
        path="/agent/delete-node",
        handler=delete_node,
        access=Access.AGENT,
        tag="agent",
        summary="Delete the agent's own node",
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/agent/config",
        handler=show_config,
        access=Access.AGENT,
        tag="agent",
        summary="The node's own settings",
        answer=agent_view.Config,
    ),
    Endpoint(
        method="PATCH",
        path="/agent/config",
        handler=report_config,
        access=Access.AGENT,
        tag="agent",
        summary="Say how the device is set; that counts from then on",
        body=AgentConfig,
        status=204,
        refusals=(400,),
    ),
    Endpoint(
        method="GET",
        path="/agent/config/changes",
        handler=poll,
        access=Access.AGENT,
        tag="agent",
        summary="Which flags are up",
        answer=agent_view.Flags,
    ),
    Endpoint(
        method="PATCH",
        path="/agent/config/changes",
        handler=acknowledge,
        access=Access.AGENT,
        tag="agent",
        summary="Say that what was up until then is done",
        body=Acknowledgement,
        answer=agent_view.Nothing,
        refusals=(400,),
    ),
    Endpoint(
        method="GET",
        path="/agent/version",
        handler=version,
        access=Access.AGENT,
        tag="agent",
        summary="Whether the agent is to upgrade itself or to go back",
        answer=VersionCommand,
        changes=True,
        refusals=(404,),
    ),
)
