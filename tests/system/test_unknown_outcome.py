"""Over HTTP: a request whose append is interrupted, and its retry, which is answered as the first
time. Instants are drawn from the whole of a request to Postgres and of its answer."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.ecn.controller_process import ControllerProcess
from tests.fault_proxy import Cut, FaultProxy

pytestmark = [pytest.mark.postgres, pytest.mark.system]

REQUEST, ANSWER = 1500, 28
"""Bytes that an append has at most, on a connection in use."""
PATIENCE = aiohttp.ClientTimeout(total=40)


async def test_each_request_takes_effect_once_and_says_so(
    postgres_dsn: str, open_folder: Path
) -> None:
    (open_folder / "proxy").mkdir()
    async with FaultProxy.before(postgres_dsn, open_folder / "proxy") as proxy:
        controller = ControllerProcess(
            open_folder / "data", environment={"ECN_DATABASE_URL": proxy.dsn}
        )
        try:
            await asyncio.to_thread(controller.start)
            async with aiohttp.ClientSession(timeout=PATIENCE) as session:
                unknown = 0
                for number in range(30):
                    share = number / 30
                    await ask(session, controller, f"warm-{number}")
                    if number % 2:
                        proxy.cut_request = Cut(round(share * REQUEST))
                    else:
                        proxy.cut_answer = Cut(round(share * ANSWER))
                    answers = [await ask(session, controller, f"node-{number}")]
                    while answers[-1][0] == 503:
                        unknown += 1
                        answers.append(await ask(session, controller, f"node-{number}"))
                    proxy.cut_request = proxy.cut_answer = None
                    answers.append(await ask(session, controller, f"node-{number}"))
                    first, again = answers[-2:]
                    assert first == again
                    assert first[0] == 201
                    url = f"{controller.url}/api/v1/events?command_id={first[1]['command_id']}"
                    async with session.get(url, headers=controller.authorization()) as response:
                        (event,) = (await response.json())["items"]
                    assert event["position"] == first[1]["position"]
                    if [status for status, _ in answers] == [503, 201, 201]:
                        assert answers[0][1]["code"] in ("log-unavailable", "outcome-unknown")
                assert unknown > 5
            assert "Traceback" not in controller.output()
        finally:
            controller.end()


async def ask(
    session: aiohttp.ClientSession, controller: ControllerProcess, name: str
) -> tuple[int, dict[str, object]]:
    """Register a node, with a key that is made of its name."""
    async with session.post(
        f"{controller.url}/api/v1/nodes",
        json={"name": name},
        headers={**controller.authorization(), "Idempotency-Key": name},
    ) as response:
        return response.status, await response.json()
