"""While the log is away every answer about now says that there may be news; the past does not."""

import pytest

from tests.ecn.api.server import Controller


@pytest.mark.parametrize("path", ["/nodes", "/nodes/east", "/nodes/nobody", "/status", "/events"])
async def test_each_read_is_marked_as_long_as_the_log_is_away(
    controller: Controller, path: str
) -> None:
    await controller.agent("east")
    assert "ECN-Stale" not in (await controller.viewer.get(path)).headers
    controller.live.stale = True
    assert (await controller.viewer.get(path)).headers["ECN-Stale"] == "true"
    controller.live.stale = False
    assert "ECN-Stale" not in (await controller.viewer.get(path)).headers


async def test_a_long_poll_is_marked_too(controller: Controller) -> None:
    agent = await controller.agent("east")
    have = await agent.revision()
    controller.live.stale = True
    for answer in (await agent.desired(), await agent.desired(have, wait=1)):
        assert answer.headers["ECN-Stale"] == "true"
        controller.live.stale = True


async def test_the_past_is_never_stale(controller: Controller) -> None:
    await controller.agent("east")
    controller.live.stale = True
    answer = await controller.viewer.get("/nodes", at=str(controller.world_position - 1))
    assert answer.is_good()["stale"] is False
    assert "ECN-Stale" not in answer.headers


async def test_what_is_not_found_says_as_of_when(controller: Controller) -> None:
    refused = (await controller.viewer.get("/nodes/nobody")).is_problem(404, "not-found")
    assert refused.headers["ECN-Position"] == str(controller.world_position)
