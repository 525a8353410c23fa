"""What to know of a manifest that is right, and may still not do what was meant. Pure."""

from collections.abc import Iterator, Sequence

from ecn.api.documents import MicroserviceManifest
from events.application import Dependency


def notes(microservices: Sequence[MicroserviceManifest]) -> Iterator[str]:
    """One sentence each, about microservices of one application."""
    nodes = {each.name: each.node for each in microservices}
    for each in microservices:
        for waits in each.depends_on:
            name = waits.microservice if isinstance(waits, Dependency) else waits
            if nodes.get(name, each.node) != each.node:
                yield (
                    f"{each.name} does not wait for {name}, which is on another node "
                    f"({nodes[name]}): dependencies are waited for on the same node only"
                )
