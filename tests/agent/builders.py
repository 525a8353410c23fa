"""Small desired states and containers, with a default for all that a test does not care about."""

from datetime import UTC, datetime, timedelta

from agent.contract import (
    ContainerSpec,
    Health,
    Microservice,
    PullPolicy,
    Registry,
    RestartPolicy,
)
from agent.lifecycle.carry_out import Node
from agent.lifecycle.engine import (
    LABEL_APPLICATION,
    LABEL_MICROSERVICE,
    LABEL_NAME,
    LABEL_NODE,
    LABEL_REVISION,
    LABEL_SPEC,
    Container,
    EngineState,
    NewContainer,
)
from agent.lifecycle.reconcile import spec_digest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NODE = Node(node_id="node1", name="gateway")


def spec(image: str = "ecn-test/busybox:1", command: tuple[str, ...] = ()) -> ContainerSpec:
    return ContainerSpec(image=image, command=list(command))


def microservice(
    microservice_id: str = "m1",
    *,
    name: str = "",
    application: str = "app",
    revision: int = 1,
    running: bool = True,
    of: ContainerSpec | None = None,
    restart: RestartPolicy = RestartPolicy.ALWAYS,
    pull: PullPolicy = PullPolicy.IF_NOT_PRESENT,
    registry: Registry | None = None,
    config: str = "{}",
) -> Microservice:
    return Microservice(
        microservice_id=microservice_id,
        application=application,
        name=name or microservice_id,
        revision=revision,
        running=running,
        spec=of or spec(),
        restart=restart,
        pull=pull,
        registry=registry,
        config=config,
    )


def container(
    microservice_id: str = "m1",
    *,
    container_id: str = "",
    of: ContainerSpec | None = None,
    state: EngineState = EngineState.RUNNING,
    exit_code: int | None = None,
    started: float | None = -5.0,
    ended: float | None = None,
    created: float = -10.0,
    health: Health = Health.NONE,
) -> Container:
    """Times in seconds from NOW."""
    return Container(
        container_id=container_id or f"c-{microservice_id}",
        name=f"ecn-app-{microservice_id}",
        microservice_id=microservice_id,
        application="app",
        spec_digest=spec_digest(of or spec()),
        revision=1,
        state=state,
        created_at=at(created),
        started_at=None if started is None else at(started),
        finished_at=None if ended is None else at(ended),
        exit_code=exit_code,
        health=health,
    )


def exited(
    microservice_id: str = "m1", *, code: int = 1, ran: float = 5.0, ended: float = -1.0
) -> Container:
    return container(
        microservice_id,
        state=EngineState.EXITED,
        exit_code=code,
        started=ended - ran,
        ended=ended,
    )


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def new_container(
    node_id: str,
    microservice_id: str = "m1",
    *,
    application: str = "app",
    name: str = "",
    of: ContainerSpec | None = None,
) -> NewContainer:
    made_of = of or spec()
    return NewContainer(
        name=name or f"{node_id}-{microservice_id}",
        alias=microservice_id,
        application=application,
        node_id=node_id,
        spec=made_of,
        labels={
            LABEL_NODE: node_id,
            LABEL_MICROSERVICE: microservice_id,
            LABEL_APPLICATION: application,
            LABEL_NAME: microservice_id,
            LABEL_REVISION: "7",
            LABEL_SPEC: spec_digest(made_of),
        },
        env={"ECN_MICROSERVICE": microservice_id},
    )
