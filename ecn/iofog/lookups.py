"""What templates may ask of the network: the documents that the API would answer with. Pure.

Made when they are asked for: of a thousand nodes, a template mostly wants the first.
"""

from collections.abc import Callable, Sequence
from typing import overload

import msgspec

from ecn.errors import NotFound
from ecn.iofog import edge_resources
from ecn.iofog.application_documents import application
from ecn.iofog.microservice_documents import Usage
from ecn.iofog.node_documents import NodeDocument
from events.ids import NodeId
from projections.world import World

NodeDocuments = Callable[[NodeId], NodeDocument]


class NetworkLookups:
    """The network as of one moment."""

    def __init__(self, world: World, node: NodeDocuments, usage: Usage) -> None:
        """node: the document of a node. usage: what agents said last of containers."""
        self._world, self._node, self._usage = world, node, usage

    def agents(self) -> Sequence[object]:
        """All nodes that are not of the system, as they were made."""
        nodes = self._world.nodes.items()
        listed = sorted((row.number, key) for key, row in nodes if not row.settings.system)
        return _Made([key for _, key in listed], self._agent)

    def agent(self, name: str) -> object:
        """The node of that name. Errors: NotFound."""
        key = self._world.nodes.one("name", name)
        if key is None:
            raise NotFound("node", name)
        return self._agent(key)

    def agent_by_id(self, uuid: str) -> object:
        """The node with that id. Errors: NotFound."""
        if uuid not in self._world.nodes:
            raise NotFound("node", uuid)
        return self._agent(NodeId(uuid))

    def application(self, name: str) -> object:
        """The application of that name, with its microservices; None where there is none."""
        key = self._world.applications.one("name", name)
        return None if key is None else _plain(application(self._world, key, self._usage))

    def edge_resource(self, name: str, version: str | None) -> object:
        """The edge resource; without a version, the first of that name. Errors: NotFound."""
        if version is None:
            versions = edge_resources.versions(self._world, name).edge_resources
            if versions:
                return _plain(versions[0])
        key = edge_resources.needed(self._world, name, version or "")
        return _plain(edge_resources.whole(self._world.edge_resources[key]))

    def _agent(self, key: NodeId) -> object:
        return _plain(self._node(key))


class _Made(Sequence[object]):
    """A list whose elements are made when they are read."""

    def __init__(self, keys: Sequence[NodeId], make: Callable[[NodeId], object]) -> None:
        self._keys, self._make = keys, make

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> object: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[object]: ...

    def __getitem__(self, index: int | slice) -> object:
        if isinstance(index, slice):
            return _Made(self._keys[index], self._make)
        return self._make(self._keys[index])


def _plain(document: object) -> object:
    """As JSON has it, for the engine."""
    return msgspec.json.decode(msgspec.json.encode(document))
