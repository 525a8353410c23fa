"""The live feed of the log: where it begins, that nothing is lost or doubled, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
import structlog

from ecn.commands.user import IssueToken
from ecn.vault import hash_of
from events.ids import TokenId, UserId
from events.log import LogUnavailable
from tests.ecn.api.server import BASE, Client, Controller, Network, soon


class Feed:
    """The lines of an open feed, put together to events."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines
        self.last_id = 0
        self.comments: list[str] = []

    async def next(self) -> dict[str, object]:
        """The next event. Errors: StopAsyncIteration at the end."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                self.comments.append(text)
            elif text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif "data" in fields:
                self.last_id = int(fields["id"])
                event: dict[str, object] = json.loads(fields["data"])
                assert (event["position"], event["type"]) == (self.last_id, fields["event"])
                return event
            elif "id" in fields:
                self.last_id = int(fields["id"])
                return {"began": self.last_id}
        raise StopAsyncIteration

    async def take(self, count: int) -> list[object]:
        """The types of the next events."""
        async with asyncio.timeout(5):
            return [(await self.next())["type"] for _ in range(count)]


@asynccontextmanager
async def following(
    client: Client, *, headers: Mapping[str, str] | None = None, **query: str
) -> AsyncIterator[Feed]:
    """A feed that has begun."""
    asked = client.headers({"Accept": "text/event-stream"} | dict(headers or {}))
    async with client.session.get(
        client.url + BASE + "/events", headers=asked, params=query
    ) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        feed = Feed(aiter(response.content))
        async with asyncio.timeout(5):
            assert "began" in await feed.next()
        yield feed


async def nodes(client: Client, *names: str) -> None:
    for name in names:
        (await client.post("/nodes", {"name": name})).is_good(201)


async def test_a_feed_begins_now(controller: Controller, operator: Client) -> None:
    await nodes(operator, "before")
    async with following(operator) as feed:
        assert feed.last_id == controller.world_position
        await nodes(operator, "after")
        event = await feed.next()
        assert (event["subject_name"], event["actor"]) == ("after", "user/otto")


async def test_a_feed_begins_where_it_is_told(controller: Controller, viewer: Client) -> None:
    start = controller.world_position
    await nodes(controller.operator, "a", "b")
    async with following(viewer, after=str(start)) as feed:
        assert [(await feed.next())["subject_name"] for _ in "ab"] == ["a", "b"]
    async with following(viewer, headers={"Last-Event-ID": str(start + 1)}, after="0") as feed:
        assert (await feed.next())["subject_name"] == "b"
    async with following(viewer, after="0") as feed:
        assert await feed.take(1) == ["user.created.v1"]


async def test_across_reconnects_nothing_is_lost_and_nothing_doubled(
    network: Network, controller: Controller
) -> None:
    async with network.controller() as other:
        start = controller.world_position

        async def write() -> None:
            for number in range(60):
                writer = (controller, other)[number % 2].operator
                await nodes(writer, f"n{number}")

        writing = asyncio.create_task(write())
        seen: list[object] = []
        last = start
        while len(seen) < 60:
            reader = (controller, other)[len(seen) % 2].viewer
            async with following(reader, headers={"Last-Event-ID": str(last)}) as feed:
                for _ in range(min(7, 60 - len(seen))):
                    async with asyncio.timeout(5):
                        seen.append((await feed.next())["position"])
                last = feed.last_id
        await writing
    assert seen == list(range(start + 1, start + 61))


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({"subject": "node/east"}, ["node.registered.v1", "node.renamed.v1"]),
        ({"subject": "application"}, ["application.created.v1"]),
        ({"type": "node.renamed.v1"}, ["node.renamed.v1"]),
        ({"actor": "user/admin"}, ["application.created.v1"]),
    ],
)
async def test_a_feed_may_be_of_some_events_only(
    controller: Controller, query: dict[str, str], types: list[str]
) -> None:
    operator = controller.operator
    start = controller.world_position
    await nodes(operator, "east", "west")
    query = query | {"after": str(start)}
    async with following(controller.viewer, headers=None, **query) as feed:
        await operator.patch("/nodes/east", {"name": "north"})
        await controller.admin.put("/applications/shop", {})
        assert await feed.take(len(types)) == types
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await feed.next()


async def test_what_is_gone_may_be_followed_by_its_name(
    controller: Controller, operator: Client
) -> None:
    await nodes(operator, "east")
    await operator.delete("/nodes/east")
    async with following(operator, subject="node/east", after="0") as feed:
        assert await feed.take(2) == ["node.registered.v1", "node.deleted.v1"]


async def test_a_quiet_feed_says_that_it_is_there(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.events.KEEP_ALIVE", 0.02)
    async with following(operator) as feed:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await feed.next()
        assert feed.comments.count(": still here") >= 2


async def test_a_foreign_place_to_begin_is_refused(operator: Client) -> None:
    accept = {"Accept": "text/event-stream"}
    for headers in ({"Last-Event-ID": "x"}, {"Last-Event-ID": "9" * 30}):
        refused = await operator.ask("GET", "/events", headers=accept | headers)
        refused.is_problem(400, "invalid", field="Last-Event-ID")


async def test_a_reader_that_does_not_read_is_dropped_and_no_one_else_harmed(
    controller: Controller, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecn.api.events.SLOWEST_READER", 0.2)
    host, port = controller.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(
        b"GET /api/v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
        b"Authorization: Bearer token-of-viewer\r\n\r\n"
    )
    await writer.drain()
    with structlog.testing.capture_logs() as logged:
        async with following(operator) as feed:
            big = {"description": "x" * 4000, "labels": {"l": "y" * 4000}}
            for number in range(120):
                manifest = {**big, "labels": {f"l{i}": "y" * 4000 for i in range(30)}}
                await operator.put(f"/applications/a{number}", manifest)
                await feed.next()
            await soon(lambda: any(each["event"] == "stream_cut" for each in logged))
    assert [each for each in logged if each["log_level"] == "error"] == []
    writer.transport.abort()


async def test_a_log_that_goes_away_cuts_a_feed_of_the_past_and_says_nothing_false(
    network: Network, controller: Controller, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise LogUnavailable("away")

    async with following(operator) as feed:
        monkeypatch.setattr(controller.live, "events_after", away)
        await nodes(operator, "east")
        with pytest.raises(Exception, match=r"(?i)payload|connection|closed"):
            await feed.next()


async def test_a_feed_ends_with_the_token_that_opened_it(
    controller: Controller, viewer: Client, operator: Client
) -> None:
    async with following(viewer) as feed:
        await nodes(operator, "east")
        assert await feed.take(1) == ["node.registered.v1"]
        (await controller.admin.delete("/users/vera")).is_good()
        await nodes(operator, "west")
        with pytest.raises(aiohttp.ClientError):
            await feed.take(1)


async def test_a_feed_ends_when_the_token_expires(
    network: Network, controller: Controller, operator: Client
) -> None:
    expires_at = network.clock.now() + timedelta(seconds=60)
    await controller.execute(
        IssueToken(
            user_id=UserId("user-vera"),
            token_id=TokenId("short"),
            token_hash=hash_of("short-lived"),
            expires_at=expires_at,
        )
    )
    async with following(controller.as_("short-lived")) as feed:
        network.clock.advance(61)
        await nodes(operator, "east")
        with pytest.raises(aiohttp.ClientError):
            await feed.take(1)
