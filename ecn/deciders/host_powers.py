"""What of a spec gives a microservice power over its device: only where the node allows it. Pure.

A container with one of these can read or change what belongs to the device or to its neighbours,
and so become root on it. Which they are:

- privileged, the host's processes (`pid`) or its shared memory (`ipc`);
- capabilities beyond the engine's usual ones, but for a few that reach nothing outside;
- a weaker seccomp, AppArmor or SELinux than the engine's own;
- devices that are memory, ports, or disks of the machine: they hold what all others do;
- the engine's socket, or a folder that holds it: who may ask the engine may do everything.

The host's network is no such power here, as ioFog's `rootHostAccess` has always meant it and no
more. Nor are other paths of the device: whether /etc may be changed by a container is a matter of
the paths that somebody writes into its manifest, and is not judged here.
"""

import re
from collections.abc import Iterator
from posixpath import normpath

from ecn.deciders import find
from ecn.deciders.kernel_words import HARMLESS_CAPABILITIES, USUAL_CAPABILITIES, capability
from ecn.errors import PowersInUse, PowersNotAllowed
from events.application import MicroserviceSpec, VolumeKind
from events.container_options import Namespace
from events.ids import NodeId
from events.node import NodeSettings
from projections.world import World

SOCKETS = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
)
SOCKET_NAMES = frozenset(each.rpartition("/")[2] for each in SOCKETS)

# Character devices of memory and I/O ports, all block devices by their usual names, flash.
MIGHTY_DEVICES = re.compile(
    r"/dev(?:/(?:k?mem|port|nvram|root|mapper(?:/.*)?|disk(?:/.*)?|block(?:/.*)?|cpu/.*|cpu"
    r"|(?:sd|hd|vd|xvd)[a-z]+[0-9]*|(?:nvme|mmcblk|loop|md|dm-|ram|zram|nbd|sr|bcache|mtd|sg)[0-9].*"
    r"|btrfs-control|vg.*/.*))?"
)


def powers(spec: MicroserviceSpec) -> list[str]:
    """What it wants of these, each as people find it in the manifest; none if it is harmless."""
    return list(_powers(spec))


def allowed(world: World, node_id: NodeId, name: str, spec: MicroserviceSpec, field: str) -> None:
    """The node lets it have all that it wants. Errors: PowersNotAllowed."""
    node = world.nodes[node_id]
    if not node.settings.access.privileged and (wanted := powers(spec)):
        raise PowersNotAllowed(name, node.name, wanted, field=f"{field}.options")


def still_allowed(world: World, node_id: NodeId, settings: NodeSettings) -> None:
    """Nothing that is on the node wants what these settings do not allow. Errors: PowersInUse."""
    if settings.access.privileged:
        return
    mighty = [
        find.microservice_name(world, key)
        for key in world.microservices.find("node", node_id)
        if powers(world.microservices[key].spec)
    ]
    if mighty:
        raise PowersInUse(world.nodes[node_id].name, sorted(mighty))


def _powers(spec: MicroserviceSpec) -> Iterator[str]:
    options = spec.options
    if options.privileged:
        yield "privileged"
    for part in ("pid", "ipc"):
        if getattr(options, part) is Namespace.HOST:
            yield f"{part}: host"
    for name in options.add_capabilities:
        if capability(name) not in USUAL_CAPABILITIES | HARMLESS_CAPABILITIES:
            yield f"add_capabilities: {name}"
    for each in options.security:
        if _weaker(each):
            yield f"security: {each if len(each) <= 40 else each[:40] + '…'}"
    for device in options.devices:
        # Engines resolve `..` and `//` before they look.
        if MIGHTY_DEVICES.fullmatch(normpath(re.sub("/+", "/", device.host))):
            yield f"devices: {device.host}"
    for mount in spec.volumes:
        if mount.kind is VolumeKind.BIND and _leads_to_engine(mount.source):
            yield f"volumes: {mount.source}"


def _weaker(security: str) -> bool:
    """Whether it may take away what the engine's own profile forbids.

    A seccomp profile of one's own may allow everything; AppArmor's are loaded by the device's
    administrator, who knows what they allow. SELinux types may be unconfined ones.
    """
    key, _, content = security.replace(":", "=", 1).partition("=")
    match key:
        case "seccomp":
            return True
        case "apparmor":
            return content == "unconfined"
        case "label":
            return content in ("disable", "nested") or content.startswith("type")
        case _:
            return content == "false"


def _leads_to_engine(source: str) -> bool:
    path = normpath(re.sub("/+", "/", source))
    # /var/run is /run on every system that engines run on.
    path = re.sub(r"^/var/run(?=/|$)", "/run", path)
    if path.rpartition("/")[2] in SOCKET_NAMES or path in ("/", "/var"):
        return True
    return any(socket.startswith(f"{path}/") for socket in SOCKETS)
