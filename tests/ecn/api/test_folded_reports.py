"""What an agent folded while nobody heard it: in the log as it was told, with its counts."""

from ecn.history.glance import status_text
from events.application import ContainerReported, ContainerState, ContainerStatus, Passed
from tests.builders import NOW
from tests.ecn.api.server import Client, Controller, Network, manifest


async def test_a_run_of_the_same_is_one_event_with_its_counts(
    network: Network, controller: Controller, operator: Client
) -> None:
    agent = await controller.agent("east")
    web = {"microservices": [manifest("web")]}
    (await operator.put("/applications/shop", web)).is_good(201)
    (item,) = (await agent.desired()).items("changed")
    told = {
        "sequence": 7,
        "microservice_id": item["microservice_id"],
        "status": {
            "state": "backing-off",
            "reason": "it ended with exit code 1",
            "exit_code": 1,
            "at": "2026-03-01T12:00:00Z",
            "since": "2026-02-01T12:00:00Z",
            "repeats": 8000,
            "between": [{"state": "running", "reason": "a\x00b" + "x" * 5000}] * 20,
            "dropped": -3,
        },
    }
    (await agent.report(containers=[told])).is_good()
    (recorded,) = await network.events("container.reported.v1")
    assert isinstance(recorded.event, ContainerReported)
    status = recorded.event.status
    assert (status.repeats, status.dropped, status.restarts) == (8000, 0, 0)
    assert len(status.between) == 8
    assert status.between[0].reason == "ab" + "x" * 1998
    shown = (await operator.get("/microservices/shop/web")).json["status"]
    assert isinstance(shown, dict)
    assert (shown["repeats"], shown["since"]) == (8000, "2026-02-01T12:00:00Z")


def test_counts_are_part_of_the_words() -> None:
    status = ContainerStatus(
        state=ContainerState.BACKING_OFF,
        reason="it ended",
        at=NOW,
        since=NOW,
        repeats=288,
        between=(Passed(state=ContainerState.RUNNING),),
        dropped=5,
    )
    when = f"{NOW:%Y-%m-%d %H:%M:%SZ}"
    assert status_text(status) == (
        f"backing-off: it ended (288 times since {when}, each after running) "
        f"(after 5 transitions since {when} that the device had no room for)"
    )
