"""What is meant by a word, and how use is told."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import ContainerUsage
from ecn.cli.errors import CliError
from ecn.cli.targets import Target, side_by_side
from ecn.cli.top import SORTS, Row, size, table
from tests.builders import NOW
from tests.ecn.api.server import manifest
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

USE = ContainerUsage(
    microservice_id="m", application="shop", name="web", state="running", processes=3, at=NOW
)


def row(name: str, **more: object) -> Row:
    return Row(name, "east", replace(USE, **more))


def test_the_busiest_comes_first_unless_asked_otherwise() -> None:
    rows = [row("a", cpu_percent=1.0, memory_bytes=9), row("b", cpu_percent=5.0, memory_bytes=1)]
    assert [each.microservice for each in sorted(rows, key=SORTS["cpu"])] == ["b", "a"]
    assert [each.microservice for each in sorted(rows, key=SORTS["memory"])] == ["a", "b"]
    assert [each.microservice for each in sorted(rows, key=SORTS["name"])] == ["a", "b"]


def test_what_does_not_run_uses_nothing_that_could_be_told() -> None:
    _, running, stopped = table(
        [row("a", memory_bytes=3 << 20, memory_limit_bytes=64 << 20), row("b", processes=0)]
    )
    assert running.split()[:9] == ["a", "east", "running", "0.0%", "3.0", "MiB", "64.0", "MiB", "0"]
    assert stopped.split() == ["b", "east", "running", *["-"] * 8]


@given(st.integers(0, 2**60))
def test_sizes_are_short(count: int) -> None:
    assert len(size(count)) <= 13
    assert size(count).split()[1] in ("B", "KiB", "MiB", "GiB", "TiB")


def test_the_first_failure_comes_out_as_itself() -> None:
    async def fails() -> None:
        raise CliError("oh")

    async def goes_on() -> None:
        await asyncio.Event().wait()

    with pytest.raises(CliError, match="oh"):
        asyncio.run(side_by_side(goes_on(), fails()))


def test_a_target_asks_for_its_own() -> None:
    assert Target("east", ["m1", "m2"]).query == [("microservice", "m1"), ("microservice", "m2")]


async def _furnish(api: RealApi) -> None:
    await api.controller.agent("east")
    web = {"microservices": [manifest("web")]}
    await api.controller.operator.put("/applications/shop", web)
    await api.controller.operator.put("/applications/east", {"microservices": []})


def test_words_that_mean_nothing_or_too_much_are_told() -> None:
    with real_api() as api:
        api.do(lambda _: _furnish(api))
        api.log_in()
        nothing = run("top", "nope", "--once")
        assert nothing.exit_code == 1
        assert "nothing runs that is called 'nope'" in nothing.stderr
        api.do(lambda it: it.operator.put("/applications/east", {"microservices": [manifest("x")]}))
        both = run("engine-events", "east")
        assert "there is a node 'east', and an application" in both.stderr
        api.do(lambda it: it.operator.post("/nodes", {"name": "west"}))
        away = run("top", "west", "--once")
        assert away.exit_code == 1
        assert "west is registered" in away.stderr
        assert "no node that is meant is online" in away.stderr
        terminal = run("exec", "-it", "shop/web", "--", "sh")
        assert terminal.exit_code == 2
        assert "-t needs a terminal" in terminal.stderr
        gone = run("exec", "shop/nope", "--", "sh")
        assert gone.exit_code == 1
        assert "there is no microservice 'shop/nope'" in gone.stderr
