"""Bodies with Liquid in their texts, rendered with what the network is as of now."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from ecn.api.keys import LIVE, PRESENCE, TELEMETRY
from ecn.iofog import node_documents
from ecn.iofog.liquid import has_templates, render
from ecn.iofog.lookups import NetworkLookups
from ecn.iofog.node_documents import NodeDocument
from events.ids import NodeId
from projections.world import World


async def rendered(
    request: web.Request, body: object, variables: Mapping[str, object] | None = None
) -> object:
    """The body with every text rendered; it is changed, and `self` in it is the body.

    variables: what the templates may name besides. Errors: Refusal when they cost too much.
    """
    if not has_templates(body):
        return body
    # What a document may cost is bounded, but by more time than all others should wait.
    return await asyncio.to_thread(render, body, lookups(request), variables)


def lookups(request: web.Request, world: World | None = None) -> NetworkLookups:
    """What templates may ask of the network as it is now, or as it would be in that world."""
    world = world or request.app[LIVE].world
    telemetry, presence = request.app[TELEMETRY], request.app[PRESENCE]

    def node(key: NodeId) -> NodeDocument:
        return node_documents.document(world, key, telemetry.status(key), presence.last_heard(key))

    return NetworkLookups(world, node, telemetry.usage)
