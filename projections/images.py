"""Which image a microservice is made of on its node: its own, that of the platform, the catalog's.

Pure, and asked wherever it matters: deciders refuse what can't run, agents are told the result.
"""

from typing import TYPE_CHECKING

from events.application import MicroserviceSpec, PullPolicy
from events.ids import RegistryId
from events.node import NodeFacts, NodeSettings, Platform
from projections.catalog import catalog_item
from projections.nodes import NodeRow

if TYPE_CHECKING:
    from projections.world import World

ARCHITECTURES = {
    "x86_64": Platform.X86,
    "amd64": Platform.X86,
    "x86": Platform.X86,
    "i386": Platform.X86,
    "i486": Platform.X86,
    "i586": Platform.X86,
    "i686": Platform.X86,
    "386": Platform.X86,
    "arm": Platform.ARM,
    "armhf": Platform.ARM,
    "armel": Platform.ARM,
    "armv5l": Platform.ARM,
    "armv5tel": Platform.ARM,
    "armv6": Platform.ARM,
    "armv6l": Platform.ARM,
    "armv7": Platform.ARM,
    "armv7l": Platform.ARM,
    "armv8": Platform.ARM,
    "armv8l": Platform.ARM,
    "arm64": Platform.ARM,
    "aarch64": Platform.ARM,
}
"""What engines and kernels call a machine, in lower case."""


def platform(settings: NodeSettings, facts: NodeFacts) -> Platform:
    """What operators say the device is, else what its agent says; UNSPECIFIED if nobody knows."""
    if settings.platform is not Platform.UNSPECIFIED:
        return settings.platform
    return ARCHITECTURES.get(facts.architecture.strip().lower(), Platform.UNSPECIFIED)


def platform_of(node_row: NodeRow) -> Platform:
    """The node's platform."""
    return platform(node_row.settings, node_row.facts)


def images_of(world: "World", spec: MicroserviceSpec) -> dict[str, str]:
    """By platform what there is to choose from; empty where one image is for all, or none is."""
    if spec.catalog_item_id is None:
        return spec.images
    item = catalog_item(world, spec.catalog_item_id)
    return {} if item is None else item.settings.images


def image_for(world: "World", spec: MicroserviceSpec, node_row: NodeRow) -> str | None:
    """The image to run on that node; None where there is none for its platform."""
    if spec.image:
        return spec.image
    return images_of(world, spec).get(platform_of(node_row)) or None


def registry_for(world: "World", spec: MicroserviceSpec) -> RegistryId | None:
    """Whose credentials to pull with: those of the catalog item, if it is made of one."""
    if spec.catalog_item_id is None:
        return spec.registry_id
    item = catalog_item(world, spec.catalog_item_id)
    return None if item is None else item.settings.registry_id


def pull_for(world: "World", spec: MicroserviceSpec) -> PullPolicy:
    """When to ask the registry: never for an item that has to be on the device already."""
    if spec.catalog_item_id is not None:
        item = catalog_item(world, spec.catalog_item_id)
        if item is not None and item.settings.from_cache:
            return PullPolicy.NEVER
    return spec.pull
