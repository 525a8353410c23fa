"""The commands that tell agents to do something wait for what became of it."""

import asyncio
from collections.abc import Iterator

import pytest
from click.testing import Result

from tests.ecn.api.server import Agent, Controller
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

AT = "2026-03-01T12:00:00Z"


@pytest.fixture
def api() -> Iterator[RealApi]:
    with real_api() as running:
        running.log_in()
        yield running


def answered(api: RealApi, outcome: str, detail: str, *words: str) -> Result:
    """What the command says while an agent carries it out so."""

    async def agent(controller: Controller) -> Agent:
        return await controller.agent("east")

    async def obey() -> None:
        while not (told := (await east.desired()).items("instructions")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        word = {"sequence": 1, "told_at": told[0]["told_at"], "outcome": outcome}
        word |= {"detail": detail, "at": AT}
        await east.report(outcomes=[word])

    east = api.do(agent)
    obeying = api.begin(obey())
    result = run(*words)
    obeying.result(10)
    return result


def test_an_upgrade_that_is_done(api: RealApi) -> None:
    words = ("upgrade", "node", "east", "--version", "1.4.2")
    result = answered(api, "done", "version 1.4.2 runs", *words)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "node/east: its agent is told to upgrade",
        "node/east: upgrade done: version 1.4.2 runs",
    ]
    described = run("describe", "node", "east").stdout
    assert "Upgrade:" in described
    assert "version 1.4.2 runs" in described
    events = run("get", "events").stdout
    assert "upgrade 1.4.2\n" in events
    assert "upgrade done: version 1.4.2 runs" in events


@pytest.mark.parametrize("outcome", ["failed", "undone"])
def test_one_that_is_not_ends_with_1(api: RealApi, outcome: str) -> None:
    result = answered(api, outcome, "it crashed", "upgrade", "node", "east")
    assert result.exit_code == 1
    assert f"node/east: upgrade {outcome}: it crashed" in result.stdout
    assert "1 of 1 could not upgrade" in result.stderr


def test_no_word_in_time_ends_with_5_and_the_instruction_stands(api: RealApi) -> None:
    assert run("create", "node", "away").exit_code == 0
    result = run("prune", "node", "away", "--timeout", "1s")
    assert result.exit_code == 5
    assert "node/away is registered: waiting for it" in result.stdout
    assert "ecn describe node away" in result.stderr
    assert "Told to:" in run("describe", "node", "away").stdout
    assert run("prune", "node", "away", "--no-wait").exit_code == 0
