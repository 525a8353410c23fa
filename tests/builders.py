"""Small worlds in few words: ids, specs, events, and `given(…).when(…).then(…)`.

Events are folded as they stand, without asking a decider: a test says what happened, and then
asks one question. Everything has a default; a test names only what it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import pytest

from ecn.commands import AnyCommand
from ecn.commands.application import ApplyApplication, Placement
from ecn.commands.node import ContainerReport, ReportNode
from ecn.deciders.decide import decide
from ecn.errors import Refused
from events.application import (
    ApplicationCreated,
    ContainerReported,
    ContainerState,
    ContainerStatus,
    MicroserviceCreated,
    MicroserviceSpec,
    PortMapping,
    Protocol,
)
from events.catalog import RegistryCreated, RegistrySettings
from events.envelope import GENESIS, Head, KnownEvent, Proposed, Recorded, chain
from events.ids import (
    ApplicationId,
    CommandId,
    MicroserviceId,
    NodeId,
    RegistryId,
    TokenId,
    UserId,
)
from events.node import (
    NodeFacts,
    NodeProvisioned,
    NodeRegistered,
    NodeSettings,
    ProvisioningKeyIssued,
)
from events.user import Role, TokenIssued, UserCreated
from projections.world import World, fold

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

EAST, WEST = NodeId("node-east"), NodeId("node-west")
SHOP, BANK = ApplicationId("application-shop"), ApplicationId("application-bank")
WEB, CACHE = MicroserviceId("microservice-web"), MicroserviceId("microservice-cache")
HUB = RegistryId("registry-hub")
ANNA, BERT = UserId("user-anna"), UserId("user-bert")

R = TypeVar("R", bound=Refused)


def chained(
    head: Head,
    *events: KnownEvent,
    now: datetime = NOW,
    command_id: str = "command",
    actor: str = "user/anna",
) -> list[Recorded]:
    """The events in their places behind `head`, all of one command."""
    proposed = [
        Proposed(
            event=event,
            actor=actor,
            command_id=CommandId(command_id),
            correlation_id="request",
        )
        for event in events
    ]
    return chain(head, proposed, now)


def history(*events: KnownEvent) -> list[Recorded]:
    """A log that begins with these events, one second apart."""
    recorded: list[Recorded] = []
    for number, event in enumerate(events):
        head = recorded[-1].head if recorded else GENESIS
        recorded += chained(head, event, now=NOW + number * SECOND)
    return recorded


def world_after(*events: KnownEvent) -> World:
    """The world in which just these happened."""
    return fold(World(), history(*events))


class Given:
    """A world in which something happened."""

    def __init__(self, world: World) -> None:
        self.world = world

    def when(self, command: AnyCommand) -> "When":
        """And now this is asked."""
        return When(self.world, command)


class When:
    """A command asked of a world."""

    def __init__(self, world: World, command: AnyCommand) -> None:
        self._world = world
        self._command = command

    def then(self, *events: KnownEvent) -> Given:
        """It leads to exactly these events; the world behind them."""
        decided = decide(self._world, self._command)
        assert decided == list(events)
        return Given(fold(self._world, chained(self._world.head, *decided)))

    def then_world(self) -> World:
        """Whatever it leads to: the world behind it."""
        return fold(self._world, chained(self._world.head, *decide(self._world, self._command)))

    def raises(self, kind: type[R]) -> R:
        """It is refused like this, and by no kind of that kind; the refusal, to look closer."""
        with pytest.raises(kind) as refused:
            decide(self._world, self._command)
        assert refused.type is kind
        return refused.value


def given(*events: KnownEvent) -> Given:
    """A world in which just these happened."""
    return Given(world_after(*events))


def port(
    host: int, container: int = 80, *, address: str = "", protocol: Protocol = Protocol.TCP
) -> PortMapping:
    """A published port, of TCP if nothing is said."""
    return PortMapping(host=host, container=container, address=address, protocol=protocol)


def spec(
    *ports: int | PortMapping,
    image: str = "shop/web:1",
    registry_id: RegistryId | None = None,
    env: Mapping[str, str] | None = None,
    config: str = "{}",
) -> MicroserviceSpec:
    """What a container is made from; a mere number is a TCP port of the device."""
    return MicroserviceSpec(
        image=image,
        registry_id=registry_id,
        env=dict(env or {}),
        config=config,
        ports=[each if isinstance(each, PortMapping) else port(each) for each in ports],
    )


def placement(
    name: str = "web",
    *ports: int | PortMapping,
    node: str = EAST,
    registry: str | None = None,
    started: bool = True,
    microservice_id: str = "",
    made_from: MicroserviceSpec | None = None,
) -> Placement:
    """A microservice as a client wants it. Its id is derived from its name if none is given."""
    return Placement(
        microservice_id=MicroserviceId(microservice_id or f"microservice-{name}"),
        name=name,
        node=node,
        registry=registry,
        started=started,
        spec=made_from or spec(*ports),
    )


def manifest(
    *placements: Placement,
    name: str = "shop",
    application_id: ApplicationId = SHOP,
    description: str = "",
    labels: Mapping[str, str] | None = None,
) -> ApplyApplication:
    """An application, whole."""
    return ApplyApplication(
        application_id=application_id,
        name=name,
        description=description,
        labels=dict(labels or {}),
        microservices=list(placements),
    )


def registered(node_id: NodeId = EAST, name: str = "") -> NodeRegistered:
    """A node, by default named like its id without the kind: `east`."""
    return NodeRegistered(
        node_id=node_id, name=name or node_id.removeprefix("node-"), settings=NodeSettings()
    )


def key_issued(
    node_id: NodeId = EAST, key: str = "key", expires_at: datetime = NOW + timedelta(hours=1)
) -> ProvisioningKeyIssued:
    """A key, by default good for an hour from NOW."""
    return ProvisioningKeyIssued(node_id=node_id, key_hash=key, expires_at=expires_at)


def provisioned(
    node_id: NodeId = EAST, key: str = "key", credential: str = "credential"
) -> NodeProvisioned:
    """A device became the node."""
    return NodeProvisioned(
        node_id=node_id, key_hash=key, credential_hash=credential, facts=NodeFacts()
    )


def application(application_id: ApplicationId = SHOP, name: str = "") -> ApplicationCreated:
    """An application, by default named like its id without the kind: `shop`."""
    return ApplicationCreated(
        application_id=application_id, name=name or application_id.removeprefix("application-")
    )


def microservice(
    name: str = "web",
    *ports: int | PortMapping,
    node_id: NodeId = EAST,
    application_id: ApplicationId = SHOP,
    microservice_id: str = "",
    made_from: MicroserviceSpec | None = None,
) -> MicroserviceCreated:
    """A microservice in its place."""
    return MicroserviceCreated(
        microservice_id=MicroserviceId(microservice_id or f"microservice-{name}"),
        application_id=application_id,
        node_id=node_id,
        name=name,
        spec=made_from or spec(*ports),
    )


def registry(
    registry_id: RegistryId = HUB, name: str = "", url: str = "registry.example:5000"
) -> RegistryCreated:
    """A registry without credentials."""
    return RegistryCreated(
        registry_id=registry_id,
        name=name or registry_id.removeprefix("registry-"),
        settings=RegistrySettings(url=url),
    )


def user(user_id: UserId = ANNA, role: Role = Role.ADMIN) -> UserCreated:
    """A user, named like the id without the kind."""
    return UserCreated(
        user_id=user_id, name=user_id.removeprefix("user-"), role=role, password_hash="argon2"
    )


def token(user_id: UserId = ANNA, token_id: str = "token") -> TokenIssued:
    """A token that speaks for the user."""
    return TokenIssued(
        user_id=user_id, token_id=TokenId(token_id), token_hash=f"hash of {token_id}"
    )


def status(
    state: ContainerState = ContainerState.RUNNING, *, reason: str = "", at: datetime = NOW
) -> ContainerStatus:
    """What an agent saw."""
    return ContainerStatus(state=state, reason=reason, at=at)


def seen(
    sequence: int,
    microservice_id: MicroserviceId = WEB,
    state: ContainerState = ContainerState.RUNNING,
) -> ContainerReport:
    """One numbered report of an agent."""
    return ContainerReport(sequence=sequence, microservice_id=microservice_id, status=status(state))


def told(
    sequence: int,
    microservice_id: MicroserviceId = WEB,
    state: ContainerState = ContainerState.RUNNING,
    node_id: NodeId = EAST,
) -> ContainerReported:
    """The event that such a report becomes."""
    return ContainerReported(
        microservice_id=microservice_id,
        node_id=node_id,
        sequence=sequence,
        status=status(state),
    )


def report(
    *containers: ContainerReport,
    node_id: NodeId = EAST,
    facts: NodeFacts | None = None,
    goodbye: bool = False,
    now: datetime = NOW,
) -> ReportNode:
    """What an agent sends."""
    return ReportNode(
        node_id=node_id, now=now, facts=facts, containers=list(containers), goodbye=goodbye
    )


def slices(events: Sequence[Recorded], cuts: Iterable[int]) -> list[Sequence[Recorded]]:
    """The events in consecutive parts, cut at these places."""
    places = sorted({min(cut, len(events)) for cut in cuts} | {0, len(events)})
    return [events[start:end] for start, end in pairwise(places)]
