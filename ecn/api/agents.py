"""What agents call: provisioning, the long-poll of the desired state, reports, log streams.

The documents and their meaning are in agent/contract/.
"""

import asyncio

import structlog
from aiohttp import web

from agent import contract
from ecn import agent_status
from ecn.api import agent_documents
from ecn.api.answers import json_answer
from ecn.api.commanding import DEVICE, changed, execute, merge
from ecn.api.documents import Changed
from ecn.api.endpoint import Access, Endpoint, read_body
from ecn.api.keys import CLOCK, LIVE, PRESENCE, STREAMS, TELEMETRY, VAULT
from ecn.api.prefer import prefer_wait
from ecn.api.principal import device_by_hash
from ecn.api.relaying import PASSED_ON, relayed_stream
from ecn.broker import credentials
from ecn.commands.node import DeprovisionNode, ProvisionNode, UpdateNode
from ecn.deciders import find
from ecn.deciders import node as decider
from ecn.errors import Invalid, NotAllowed
from ecn.vault import SecretLost, hash_of
from events.ids import NodeId, Position, RegistryId
from projections import desired_state as desired_states
from projections.network import broker
from projections.world import World

SHORTEST_CREDENTIAL = 32
CHUNK = 1 << 16

log = structlog.get_logger()


async def provision(request: web.Request) -> web.Response:
    """Redeem a provisioning key."""
    body = await read_body(request, contract.Provision)
    if not SHORTEST_CREDENTIAL <= len(body.credential) <= 512:
        raise Invalid(
            f"a credential has {SHORTEST_CREDENTIAL} to 512 characters", field="$.credential"
        )
    credential_hash, key_hash = hash_of(body.credential), hash_of(body.key)
    named = request.app[LIVE].world.nodes.one("key", key_hash)
    await execute(
        request,
        ProvisionNode(
            key_hash=key_hash,
            credential_hash=credential_hash,
            facts=agent_documents.facts(body.facts),
            now=request.app[CLOCK](),
        ),
        actor=f"node/{named}" if named is not None else "unknown device",
    )
    world = request.app[LIVE].world
    who = device_by_hash(world, credential_hash)
    request.app[PRESENCE].heard(who.node_id)
    return json_answer(
        contract.Provisioned(node_id=who.node_id, name=world.nodes[who.node_id].name)
    )


async def deprovision(request: web.Request) -> web.Response:
    """The device gives its node up. A retry is refused with 410, which says the same."""
    node_id = request[DEVICE].node_id
    return changed(await execute(request, DeprovisionNode(node_id=node_id)), f"node/{node_id}")


async def change_settings(request: web.Request) -> web.Response:
    """The device's own wish for its configuration, where operators let it have one."""
    node_id = request[DEVICE].node_id
    wish = await read_body(request, contract.SettingsChange)

    def command(world: World) -> UpdateNode:
        row = world.nodes[find.node(world, node_id)]
        if not row.settings.access.settings:
            raise NotAllowed(
                f"node {row.name!r} does not let its device change settings",
                next_step="An admin can allow it with access.settings in the node's manifest; an "
                "operator can change the setting itself: ecn update node",
            )
        settings = agent_documents.wished(row.settings, wish)
        seen = (row.name, row.settings)
        return UpdateNode(node_id=node_id, name=row.name, settings=settings, seen=seen)

    return changed(await merge(request, command), f"node/{node_id}")


async def desired_state(request: web.Request) -> web.Response:
    """The node's desired state, once it differs from the revision that the agent has."""
    live, streams, presence = (
        request.app[LIVE],
        request.app[STREAMS],
        request.app[PRESENCE],
    )
    credential, node_id = request[DEVICE].credential_hash, request[DEVICE].node_id
    have, wait = _revision(request), prefer_wait(request)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    if have > live.world.position:
        # Another controller told it, and this one is behind. What it knows is older than what the
        # agent has: telling that would bring back what was replaced. If the log is away: 503.
        await live.catch_up()
    headers = {"Preference-Applied": f"wait={wait:.0f}"} if wait else {}
    while True:
        world = live.world
        # The credential may have been withdrawn while the agent waited.
        device_by_hash(world, credential)
        revision = desired_states.revision(world, node_id)
        asked = streams.take(node_id)
        headers["ETag"] = f'"{revision}"'
        headers["ECN-Position"] = str(world.position)
        if revision != have or asked:
            # An agent that is ahead of a log (one restored from a backup, say) gets everything.
            since = have if have <= revision else Position(0)
            state = await _state(request, world, node_id, since, asked)
            return json_answer(state, headers=headers)
        left = deadline - loop.time()
        if left <= 0:
            return web.Response(status=304, headers=headers)
        await live.node_changed(node_id, at_most=left)
        presence.heard(node_id)


async def _state(
    request: web.Request,
    world: World,
    node_id: NodeId,
    since: Position,
    asked: list[contract.AnyStreamRequest],
) -> contract.DesiredState:
    changed = agent_documents.changed_since(world, node_id, since)
    passwords: dict[RegistryId, str] = {}
    for registry_id, sealed in agent_documents.passwords_needed(world, changed).items():
        try:
            passwords[registry_id] = await request.app[VAULT].open(sealed)
        except SecretLost as e:
            # Its pull will be refused, and that the agent reports; the others must not suffer.
            log.error("registry_password_lost", registry_id=registry_id, reason=str(e))
    return agent_documents.desired(
        world,
        node_id,
        since=since,
        changed=changed,
        passwords=passwords,
        stream_requests=asked,
        broker=await _broker(request, world, node_id),
    )


async def _broker(request: web.Request, world: World, node_id: NodeId) -> contract.Broker | None:
    """The interior router, with the password of this very device."""
    if broker(world) is None:
        return None
    try:
        return credentials.for_node(world, node_id, await request.app[VAULT].broker_key())
    except SecretLost as e:
        # It stores what is for elsewhere until that is mended; all else goes on.
        log.error("broker_key_lost", reason=str(e))
        return None


async def report(request: web.Request) -> web.Response:
    """What happened on the node. Costs the log nothing when that is nothing new."""
    said = await read_body(request, contract.Report)
    numbers = [each.sequence for each in said.containers]
    numbers += [each.sequence for each in said.twins]
    numbers += [each.sequence for each in said.outcomes]
    numbers += [each.sequence for each in said.drops]
    if len(numbers) > agent_documents.MOST_REPORTS:
        raise Invalid(f"more than {agent_documents.MOST_REPORTS} at once", field="$.containers")
    node_id, live = request[DEVICE].node_id, request.app[LIVE]
    command = agent_documents.report(node_id, said, request.app[CLOCK]())
    if any(each.status.revision > live.world.position for each in said.containers):
        # It speaks of what another controller told it: unknown here, it would be dropped.
        await live.catch_up()
    if any(decider.decide(live.world, command)):
        await execute(request, command)
    if said.usage is not None or said.routes is not None:
        await _note(request, node_id, said)
    # An agent whose journal is older than the log (restored from a backup) learns here from where
    # it has to count on: what it numbers below that would be taken for told before.
    known = request.app[LIVE].world.reports.get(node_id) or 0
    told = max(numbers, default=0)
    return json_answer(contract.ReportAnswer(accepted_through=max(known, told)))


async def _note(request: web.Request, node_id: NodeId, said: contract.Report) -> None:
    """Telemetry: beside the log."""
    world, telemetry, now = request.app[LIVE].world, request.app[TELEMETRY], request.app[CLOCK]()
    status = await telemetry.known(node_id)
    if said.routes is not None:
        status = agent_status.routed(status, said.routes, world.routes, now)
    if said.usage is not None:
        own = frozenset(world.microservices.find("node", node_id))
        status = agent_status.used(status, said.usage, own, now)
    if status is not None:
        telemetry.said(node_id, status)


async def stream_log(request: web.Request) -> web.Response:
    """What an operator waits for: a container's log, usage, events of the engine."""
    node_id, request_id = request[DEVICE].node_id, request.match_info["request_id"]
    url = await request.app[STREAMS].elsewhere(request_id)
    if url is not None and PASSED_ON not in request.headers:
        return await relayed_stream(request, url)
    stream = request.app[STREAMS].accept(node_id, request_id)
    # Returns also when the reader is gone: the agent learns it from the answer.
    await stream.take(request.content.iter_chunked(CHUNK))
    return web.Response(status=204)


def _revision(request: web.Request) -> Position:
    tag = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
    # Anything else than a revision of ours is as good as none: the agent gets everything.
    return Position(int(tag) if tag.isascii() and tag.isdecimal() and len(tag) <= 18 else 0)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/agent/provision",
        handler=provision,
        access=Access.ANYONE,
        tag="agent",
        summary="Become a node: redeem a provisioning key",
        body=contract.Provision,
        answer=contract.Provisioned,
        refusals=(403, 409),
    ),
    Endpoint(
        method="POST",
        path="/agent/deprovision",
        handler=deprovision,
        access=Access.AGENT,
        tag="agent",
        summary="Give the node up: this very credential is withdrawn",
        answer=Changed,
        refusals=(404, 410),
    ),
    Endpoint(
        method="PATCH",
        path="/agent/settings",
        handler=change_settings,
        access=Access.AGENT,
        tag="agent",
        summary="Change the node's configuration from its device, where that is allowed",
        body=contract.SettingsChange,
        merge=True,
        answer=Changed,
        refusals=(403, 404, 409, 410),
    ),
    Endpoint(
        method="GET",
        path="/agent/desired-state",
        handler=desired_state,
        access=Access.AGENT,
        tag="agent",
        summary="Long-poll the node's desired state (If-None-Match, Prefer: wait=N)",
        answer=contract.DesiredState,
        refusals=(304, 410),
    ),
    Endpoint(
        method="POST",
        path="/agent/report",
        handler=report,
        access=Access.AGENT,
        tag="agent",
        summary="Report what happened on the node",
        body=contract.Report,
        answer=contract.ReportAnswer,
        refusals=(410,),
    ),
    Endpoint(
        method="POST",
        path="/agent/streams/{request_id}",
        handler=stream_log,
        access=Access.AGENT,
        tag="agent",
        summary="Send what was asked for: a container's log, usage, events of the engine",
        status=204,
        refusals=(404, 410, 504),
    ),
)
