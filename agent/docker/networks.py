"""One bridge network per application, so that its microservices know each other by name.

A sibling of `engine.py`. Networks are ours by their labels, like containers: the name
`ecn-<application>` may belong to somebody else, or to another node's agent on the same engine.
"""

import asyncio
import secrets
from collections.abc import Set

import msgspec
from aiodocker import Docker
from aiodocker.exceptions import DockerError

from agent.docker.documents import Listed, Network
from agent.docker.errors import asking
from agent.lifecycle.engine import LABEL_APPLICATION, LABEL_MICROSERVICE, LABEL_NODE, Bridge

DEFAULT_BRIDGE = "bridge"
"""Name of the network that the engine makes by itself; `host-gateway` is its gateway."""


class DockerNetworks:
    """The networks of one engine."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        # Two microservices of a new application must not each make its network.
        self._one_at_a_time = asyncio.Lock()

    async def of(self, node_id: str, application: str) -> str:
        """The name of the application's network, which is made when missing."""
        async with self._one_at_a_time, asking("make a network for", application):
            for network in await self._ours(node_id):
                if _application(network) == application:
                    return network.name
            name = f"ecn-{application}"
            labels = {LABEL_NODE: node_id, LABEL_APPLICATION: application}
            config = {"Name": name, "CheckDuplicate": True, "Driver": "bridge", "Labels": labels}
            try:
                await self._docker.networks.create(config)
            except DockerError as error:
                if error.status != 409:
                    raise
                name = suffixed(name)
                await self._docker.networks.create({**config, "Name": name})
            return name

    async def remove_unused(self, node_id: str, keep: Set[str]) -> list[str]:
        """Remove ours of applications not in `keep`; which were removed."""
        removed: list[str] = []
        async with self._one_at_a_time, asking("remove", "networks"):
            for network in await self._ours(node_id):
                if _application(network) in keep:
                    continue
                found = await self._docker.networks.get(network.network_id)
                try:
                    await found.delete()
                except DockerError as error:
                    # 403: something is still attached, perhaps somebody else's container.
                    if error.status not in (403, 404, 409):
                        raise
                else:
                    removed.append(network.name)
        return removed

    async def bridges(self, node_id: str) -> list[Bridge]:
        """Those that have an address of the device's own: the engine's default one, and ours."""
        async with asking("list", "networks"):
            listed = msgspec.convert(await self._docker.networks.list(), list[Network])
        return [
            Bridge(gateway=each.gateway, subnet=each.subnet, default=each.name == DEFAULT_BRIDGE)
            for each in listed
            if each.gateway and (each.name == DEFAULT_BRIDGE or _is_ours(each, node_id))
        ]

    async def addresses(self, node_id: str) -> dict[str, str]:
        """Whose containers run at which address: microservices by address. One question."""
        async with asking("list", "containers"):
            listed = msgspec.convert(
                await self._docker._query_json(
                    "containers/json",
                    params={
                        "filters": msgspec.json.encode(
                            {"label": [f"{LABEL_NODE}={node_id}"], "status": ["running"]}
                        ).decode()
                    },
                ),
                list[Listed],
            )
        return {
            address: microservice_id
            for each in listed
            if (microservice_id := (each.labels or {}).get(LABEL_MICROSERVICE, ""))
            for address in each.addresses
        }

    async def _ours(self, node_id: str) -> list[Network]:
        listed = await self._docker.networks.list(filters={"label": f"{LABEL_NODE}={node_id}"})
        # The engine's filter has no "and": one that lacks our other label is not ours.
        networks = msgspec.convert(listed, list[Network])
        return [n for n in networks if _application(n)]


def suffixed(name: str) -> str:
    """A name that nobody else has."""
    return f"{name}-{secrets.token_hex(3)}"


def _application(network: Network) -> str:
    return (network.labels or {}).get(LABEL_APPLICATION, "")


def _is_ours(network: Network, node_id: str) -> bool:
    return (network.labels or {}).get(LABEL_NODE) == node_id and bool(_application(network))
