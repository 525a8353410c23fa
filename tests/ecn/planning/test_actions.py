"""What becomes of one container when its description changes, by example."""

import pytest
from msgspec.structs import replace

from ecn.api.plan_documents import ContainerAction, Doing
from ecn.planning.actions import actions, touched
from events.application import (
    ApplicationStarted,
    ApplicationStopped,
    ContainerReported,
    ContainerState,
    Health,
    MicroserviceSpec,
    MicroserviceStarted,
    MicroserviceStopped,
    MicroserviceUpdated,
    PortMapping,
    RestartPolicy,
)
from events.catalog import RegistrySettings, RegistryUpdated
from events.envelope import KnownEvent
from events.ids import MicroserviceId
from projections.world import fold
from tests.builders import (
    EAST,
    HUB,
    SHOP,
    WEB,
    application,
    chained,
    key_issued,
    microservice,
    provisioned,
    registered,
    registry,
    spec,
    status,
    world_after,
)

STARTED, STOPPED = (
    MicroserviceStarted(microservice_id=WEB),
    MicroserviceStopped(microservice_id=WEB),
)


def changed(**fields: object) -> MicroserviceUpdated:
    """Another description, with everything else as it was."""
    return MicroserviceUpdated(microservice_id=WEB, spec=replace(spec(), **fields))


def told(state: ContainerState, **more: object) -> ContainerReported:
    """What its agent saw of a container that it made."""
    said = replace(status(state), container_id="c", **more)
    return ContainerReported(microservice_id=WEB, node_id=EAST, sequence=1, status=said)


def after(
    before: list[KnownEvent], *since: KnownEvent, of: MicroserviceSpec | None = None
) -> ContainerAction | None:
    """What is done because of the later events."""
    world = world_after(
        registered(),
        key_issued(),
        provisioned(),
        registry(),
        application(),
        microservice(made_from=of),
        *before,
    )
    now, keys = world, set[MicroserviceId]()
    for event in since:
        keys |= set(touched(event, now))
        now = fold(now, chained(now.head, event))
    found = [each.action for each in actions(world, now, keys)]
    assert len(found) < 2
    return found[0] if found else None


def doing(action: ContainerAction | None) -> object:
    """What, and because of what."""
    return None if action is None else (action.action, action.because)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"image": "shop/web:2"}, (Doing.REPLACE, ["image"])),
        ({"ports": [PortMapping(host=80, container=80)]}, (Doing.REPLACE, ["ports"])),
        ({"labels": {"a": "b"}}, (Doing.REPLACE, ["labels"])),
        ({"memory_limit_mib": 64, "env": {"A": "1"}}, (Doing.REPLACE, ["env", "memory_limit_mib"])),
        ({"config": '{"a":1}'}, (Doing.CONFIGURE, ["config"])),
        ({"restart": RestartPolicy.NEVER}, (Doing.NOTHING, ["restart"])),
        ({"registry_id": HUB}, (Doing.NOTHING, ["registry"])),
        ({}, None),
    ],
)
def test_what_a_change_does_to_a_container_that_runs(
    fields: dict[str, object], expected: object
) -> None:
    assert doing(after([], changed(**fields))) == expected


def test_starting_and_stopping() -> None:
    assert doing(after([], STOPPED)) == (Doing.STOP, ["started"])
    assert doing(after([], ApplicationStopped(application_id=SHOP))) == (Doing.STOP, ["started"])
    never_made: list[KnownEvent] = [STOPPED]
    assert doing(after(never_made, STARTED)) == (Doing.CREATE, ["started"])
    kept: list[KnownEvent] = [STOPPED, told(ContainerState.STOPPED)]
    assert doing(after(kept, STARTED)) == (Doing.START, ["started"])
    assert doing(after(kept, changed(image="shop/web:2"))) == (Doing.NOTHING, ["image"])
    assert doing(after(kept, changed(image="shop/web:2"), STARTED)) == (
        Doing.REPLACE,
        ["started", "image"],
    )


def test_one_that_was_told_to_stop_is_started_whatever_its_policy() -> None:
    never = replace(spec(), restart=RestartPolicy.NEVER)
    kept: list[KnownEvent] = [STOPPED, told(ContainerState.STOPPED)]
    assert doing(after(kept, STARTED, of=never)) == (Doing.START, ["started"])


def test_one_that_is_stopped_twice_over_stays_so() -> None:
    stopped: list[KnownEvent] = [STOPPED, ApplicationStopped(application_id=SHOP)]
    assert after(stopped, STARTED) is None
    assert after(stopped, ApplicationStarted(application_id=SHOP)) is None


def test_one_that_ended_by_itself() -> None:
    never = replace(spec(), restart=RestartPolicy.NEVER)
    ended: list[KnownEvent] = [told(ContainerState.EXITED, exit_code=1)]
    always = MicroserviceUpdated(microservice_id=WEB, spec=spec())
    assert doing(after(ended, always, of=never)) == (Doing.START, ["restart"])
    assert doing(after(ended, STOPPED, of=never)) == (Doing.NOTHING, ["started"])
    config = MicroserviceUpdated(microservice_id=WEB, spec=replace(never, config='{"a":1}'))
    assert doing(after(ended, config, of=never)) == (Doing.NOTHING, ["config"])


def test_one_that_is_unhealthy_is_restarted_once_its_policy_says_so() -> None:
    never = replace(spec(), restart=RestartPolicy.NEVER)
    unwell: list[KnownEvent] = [told(ContainerState.RUNNING, health=Health.UNHEALTHY)]
    policy = MicroserviceUpdated(
        microservice_id=WEB, spec=replace(spec(), restart=RestartPolicy.ON_UNHEALTHY)
    )
    assert doing(after(unwell, policy, of=never)) == (Doing.RESTART, ["restart"])


def test_a_registry_that_changes_is_told_to_those_who_pull_from_it() -> None:
    settings = RegistrySettings(url="other.example")
    updated = RegistryUpdated(registry_id=HUB, settings=settings)
    used = replace(spec(), registry_id=HUB)
    assert doing(after([], updated, of=used)) == (Doing.NOTHING, ["registry"])
    assert after([], updated) is None
