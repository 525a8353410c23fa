"""The golden story goes on: a container is equipped with all there is, where its node allows it.
Append to the end only."""

from events.application import (
    Condition,
    ConflictRule,
    Dependency,
    HealthCheck,
    HttpProbe,
    MicroserviceSpec,
    MicroserviceUpdated,
    ReplaceMode,
    VolumeKind,
    VolumeMount,
)
from events.container_options import ContainerOptions, Device, Gpus, Namespace, Ulimit
from events.envelope import KnownEvent
from events.ids import MicroserviceId
from events.node import AgentSettings, NodeAccess, NodeSettings, NodeUpdated, Reach
from tests.events.golden.routers import LEAF

WEB = MicroserviceId(f"{0xE0:032x}")

EQUIPMENT: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/admin",
        NodeUpdated(
            node_id=LEAF,
            settings=NodeSettings(
                agent=AgentSettings(pull_limit_kib=512),
                access=NodeAccess(logs=Reach.OPERATOR, exec=Reach.NOBODY, privileged=True),
            ),
        ),
    ),
    (
        "user/admin",
        MicroserviceUpdated(
            microservice_id=WEB,
            spec=MicroserviceSpec(
                image="shop/web:3",
                volumes=[VolumeMount(target="/t", kind=VolumeKind.TMPFS, size_mib=16)],
                health_check=HealthCheck(http=HttpProbe(port=80, path="/ready"), interval=5),
                memory_limit_mib=128,
                disk_limit_mib=256,
                replace=ReplaceMode.BLUE_GREEN,
                start_order=3,
                depends_on=[Dependency(microservice="cache", condition=Condition.HEALTHY)],
                twin_conflicts=ConflictRule.EDGE_WINS,
                options=ContainerOptions(
                    user="1000:1000",
                    groups=["video"],
                    working_directory="/srv",
                    host_name="till-3",
                    privileged=True,
                    add_capabilities=["NET_ADMIN"],
                    drop_capabilities=["MKNOD"],
                    security=["no-new-privileges"],
                    devices=[Device(host="/dev/ttyUSB0", permissions="rw", optional=True)],
                    gpus=Gpus(count=1, optional=True),
                    read_only_root=True,
                    init=True,
                    pid=Namespace.HOST,
                    ulimits=[Ulimit(name="nofile", soft=1024, hard=-1)],
                    sysctls={"net.core.somaxconn": "1024"},
                    dns=["10.0.0.1"],
                    dns_search=["plant.example"],
                    shared_memory_mib=128,
                    memory_reservation_mib=64,
                    swap_limit_mib=32,
                    cpu_shares=512,
                    cpu_set="0-2,5",
                    oom_score=-500,
                    runtime="runc",
                    log_driver="local",
                    log_options={"max-file": "3"},
                    stop_signal="SIGINT",
                    stop_within=60,
                ),
            ),
        ),
    ),
    (
        "user/admin",
        MicroserviceUpdated(
            microservice_id=WEB,
            spec=MicroserviceSpec(image="shop/web:3", health_check=HealthCheck(disabled=True)),
        ),
    ),
)
