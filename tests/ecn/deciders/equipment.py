"""Random pieces of what a microservice's container is equipped with, and how it is kept: options,
health checks, order, dependencies; and what nodes allow of it."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from events.application import (
    Condition,
    ConflictRule,
    Dependency,
    HealthCheck,
    HttpProbe,
    MicroserviceSpec,
    ReplaceMode,
    VolumeKind,
    VolumeMount,
)
from events.container_options import ContainerOptions, Device, Gpus, Namespace, Ulimit
from events.node import NodeAccess, Reach

if TYPE_CHECKING:
    from tests.ecn.deciders.histories import Drawn

ACCESS = (
    NodeAccess(),
    NodeAccess(privileged=True),
    NodeAccess(privileged=True, exec=Reach.ADMIN),
    NodeAccess(logs=Reach.NOBODY, exec=Reach.NOBODY),
    NodeAccess(forward=Reach.VIEWER, tunnel=Reach.OPERATOR),
)

HARMLESS = (
    ContainerOptions(user="1000:1000", groups=["video"], read_only_root=True, init=True),
    ContainerOptions(
        drop_capabilities=["ALL"],
        add_capabilities=["NET_BIND_SERVICE"],
        security=["no-new-privileges"],
        ulimits=[Ulimit(name="nofile", soft=1024, hard=-1)],
    ),
    ContainerOptions(
        devices=[Device(host="/dev/ttyUSB0", optional=True)],
        gpus=Gpus(count=1, optional=True),
        sysctls={"net.core.somaxconn": "1024"},
        stop_signal="SIGINT",
        stop_within=60,
    ),
    ContainerOptions(log_driver="local", log_options={"compress": "true"}, oom_score=-500),
)

MIGHTY = (
    ContainerOptions(privileged=True),
    ContainerOptions(add_capabilities=["CAP_SYS_ADMIN"]),
    ContainerOptions(pid=Namespace.HOST),
    ContainerOptions(security=["seccomp=unconfined"]),
    ContainerOptions(devices=[Device(host="/dev/mem", permissions="r")]),
)
"""Each takes a node that allows it."""

ENGINE_SOCKET = VolumeMount(
    target="/engine.sock", source="/var/run/docker.sock", kind=VolumeKind.BIND, read_only=True
)

CHECKS = (
    HealthCheck(command=["/bin/check"], retries=2),
    HealthCheck(http=HttpProbe(port=80, path="/ready")),
    HealthCheck(tcp=80, interval=5),
    HealthCheck(disabled=True),
)


def furnished(drawn: "Drawn", spec: MicroserviceSpec, beside: tuple[str, ...]) -> MicroserviceSpec:
    """The spec, with some of it. beside: names that it may depend on."""
    if drawn.chance(3):
        spec = replace(spec, options=drawn.any(HARMLESS))
    elif drawn.chance(10):
        spec = replace(spec, options=drawn.any(MIGHTY))
    if drawn.chance(4):
        spec = replace(spec, health_check=drawn.any(CHECKS))
    if beside and drawn.chance(3):
        names = sorted({drawn.one(beside) for _ in range(1 + drawn.chance(3))})
        waits = [
            Dependency(microservice=name, condition=drawn.any(tuple(Condition))) for name in names
        ]
        spec = replace(spec, depends_on=waits, start_order=drawn.any((0, 1, 7)))
    if drawn.chance(6):
        tmpfs = VolumeMount(target="/t", kind=VolumeKind.TMPFS, size_mib=8)
        spec = replace(spec, volumes=[ENGINE_SOCKET if drawn.chance(4) else tmpfs])
    if drawn.chance(6):
        spec = replace(spec, disk_limit_mib=64, twin_conflicts=drawn.any(tuple(ConflictRule)))
    if drawn.chance(6):
        ports = spec.ports if drawn.chance(6) else []
        spec = replace(spec, replace=ReplaceMode.BLUE_GREEN, ports=ports)
    if drawn.chance(30):
        spec = replace(spec, depends_on=[Dependency(microservice="nobody")])
    return spec
