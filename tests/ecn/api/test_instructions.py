"""What an agent is told to do once stands open until it says what became of it."""

import pytest

from tests.ecn.api.server import Agent, Client, Controller, Network

AT = "2026-03-01T12:00:00Z"


@pytest.fixture
async def east(controller: Controller) -> Agent:
    return await controller.agent("east")


async def told(operator: Client, instruction: str, body: object = None) -> int:
    changed = (await operator.post(f"/nodes/east/{instruction}", body)).is_good()
    return changed.number("position")


def word(sequence: int, told_at: int, outcome: str = "done", detail: str = "") -> dict[str, object]:
    return {
        "sequence": sequence, "told_at": told_at, "outcome": outcome, "detail": detail, "at": AT
    }  # fmt: skip


async def test_an_instruction_stands_open_until_its_outcome_is_told(
    operator: Client, east: Agent, network: Network
) -> None:
    before = await east.revision()
    upgrade = await told(operator, "upgrade", {"version": "1.4.2"})
    prune = await told(operator, "prune")
    assert (await east.desired(before)).items("instructions") == [
        {"told_at": upgrade, "kind": "upgrade", "version": "1.4.2"},
        {"told_at": prune, "kind": "prune", "version": ""},
    ]
    shown = (await operator.get("/nodes/east")).is_good()
    assert [each["told_at"] for each in shown.items("instructions")] == [upgrade, prune]

    words = [word(1, upgrade, "undone", "it crashed"), word(2, prune)]
    for _ in range(2):
        assert (await east.report(outcomes=words)).is_good()["accepted_through"] == 2
    assert (await east.desired()).items("instructions") == []
    shown = (await operator.get("/nodes/east")).is_good()
    assert shown.items("instructions") == []
    assert shown.items("outcomes") == [
        {"told_at": upgrade, "instruction": "upgrade", "outcome": "undone", "detail": "it crashed",
         "at": AT},
        {"told_at": prune, "instruction": "prune", "outcome": "done", "detail": "", "at": AT},
    ]  # fmt: skip
    assert len(await network.events("node.instruction-carried-out.v1")) == 2

    again = await told(operator, "prune")
    await east.report(outcomes=[word(3, again, "failed", "no")])
    shown = (await operator.get("/nodes/east")).is_good()
    assert [(each["instruction"], each["outcome"]) for each in shown.items("outcomes")] == [
        ("upgrade", "undone"),
        ("prune", "failed"),
    ]


async def test_told_twice_the_last_one_counts(operator: Client, east: Agent) -> None:
    first, second = await told(operator, "reboot"), await told(operator, "reboot")
    listed = (await east.desired()).items("instructions")
    assert [each["told_at"] for each in listed] == [second]
    await east.report(outcomes=[word(1, first)])
    assert len((await east.desired()).items("instructions")) == 1


@pytest.mark.parametrize("version", ["", "1", "1.2.3rc1", "1.0+local.7"])
@pytest.mark.usefixtures("east")
async def test_versions_that_may_be_asked_for(operator: Client, version: str) -> None:
    await told(operator, "upgrade", {"version": version})


@pytest.mark.parametrize(
    "version", ["latest", "1.0 --index-url=http://evil", "1.0;x", "../1", "-1", "1.0@http://x"]
)
@pytest.mark.usefixtures("east")
async def test_what_is_no_version_is_refused(operator: Client, version: str) -> None:
    answer = await operator.post("/nodes/east/upgrade", {"version": version})
    answer.is_problem(400, "invalid")


@pytest.mark.usefixtures("east")
async def test_another_device_is_not_told_what_the_former_one_was(operator: Client) -> None:
    await told(operator, "reboot")
    (await operator.post("/nodes/east/deprovision")).is_good()
    shown = (await operator.get("/nodes/east")).is_good()
    assert shown.items("instructions") == []


async def test_a_device_gives_its_node_up_itself(
    network: Network, operator: Client, east: Agent
) -> None:
    assert (await east.client.post("/agent/deprovision")).is_good()["events"] == [
        "node.deprovisioned.v1"
    ]
    (event,) = await network.events("node.deprovisioned.v1")
    assert event.actor == f"node/{east.node_id}"
    (await east.client.post("/agent/deprovision")).is_problem(410, "node-deprovisioned")
    assert (await operator.get("/nodes/east"))["state"] == "registered"
    (await operator.post("/agent/deprovision")).is_problem(401, "bad-credentials")


async def test_a_device_changes_its_settings_only_where_operators_let_it(
    network: Network, controller: Controller, east: Agent
) -> None:
    wish = {"log_level": "DEBUG", "location": "hall 3"}
    answer = await east.client.ask("PATCH", "/agent/settings", wish)
    answer.is_problem(403, "not-allowed")
    allowed = {"settings": {"access": {"settings": True}}}
    (await controller.admin.ask("PATCH", "/nodes/east", allowed)).is_good()
    (await east.client.ask("PATCH", "/agent/settings", wish)).is_good()
    config = (await east.desired())["node"]
    assert isinstance(config, dict)
    assert (config["log_level"], config["location"]) == ("DEBUG", "hall 3")
    assert config["memory_limit_mib"] == 4096
    (event, *_) = reversed(await network.events("node.updated.v1"))
    assert event.actor == f"node/{east.node_id}"
    wrong: list[dict[str, object]] = [{"log_limit_gib": 1}, {"memory_limit_mib": -1}]
    for bad in (*wrong, {"access": {}}):
        (await east.client.ask("PATCH", "/agent/settings", bad)).is_problem(400, "invalid")
