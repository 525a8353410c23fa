"""What a microservice can ask its agent by its own socket: who it is, its configuration, its site.

A table for `http.py`. Documents that change can be held: with `If-None-Match: "<etag>"` and
`Prefer: wait=<seconds>` the answer comes when there is another, or 304 when the time is over.
"""

from hashlib import sha256

import msgspec
from msgspec import Struct

from agent.device.facts import agent_version
from agent.local.config_delivery import edge_resources_document
from agent.local.requests import Answer, Asked, Local, Routes


class Self(Struct, frozen=True, kw_only=True):
    """Answer of `GET /v1/self`."""

    microservice_id: str
    name: str
    application: str
    node_id: str
    node: str
    agent_version: str
    revision: int
    """Of what this microservice should be: the position that last changed it."""


async def show_self(local: Local, asked: Asked) -> Answer:
    """`GET /v1/self`."""
    return await local.current(asked, lambda: _tagged(_self(local)))


async def show_config(local: Local, asked: Asked) -> Answer:
    """`GET /v1/config`: the same bytes as in `config.json`."""
    return await local.current(asked, lambda: _config(local.microservice.config))


async def show_edge_resources(local: Local, asked: Asked) -> Answer:
    """`GET /v1/edge-resources`: the same bytes as in `edge-resources.json`."""
    return await local.current(
        asked, lambda: _tagged(edge_resources_document(local.edge_resources))
    )


ROUTES: Routes = {
    ("GET", "/v1/self"): show_self,
    ("GET", "/v1/config"): show_config,
    ("GET", "/v1/edge-resources"): show_edge_resources,
}


def _self(local: Local) -> bytes:
    microservice, node = local.microservice, local.node
    return msgspec.json.encode(
        Self(
            microservice_id=microservice.microservice_id,
            name=microservice.name,
            application=microservice.application,
            node_id=node.node_id,
            node=node.name,
            agent_version=agent_version(),
            revision=microservice.revision,
        )
    )


def _config(text: str) -> Answer:
    content = text.encode()
    try:
        msgspec.json.decode(content)
    except msgspec.DecodeError:
        return _tagged(content, content_type="text/plain")  # it is the microservice's own affair
    return _tagged(content)


def _tagged(content: bytes, content_type: str = "application/json") -> Answer:
    """With an etag that says the same after a restart of the agent."""
    return Answer(body=content, content_type=content_type, etag=sha256(content).hexdigest()[:32])
