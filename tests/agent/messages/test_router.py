"""The edge router as those see it who use it: in a folder, on a real disk."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.messages.router import EdgeRouter
from agent.messages.routing import Delivery, EdgeRouting, MessageRefused, Outgoing, StoreFull
from agent.storage.journal import Journal
from routing.message import LARGEST, Message
from tests.agent.messages.running import known, route, running
from tests.agent.waiting import until

UP = route("up", destination="")
FAR = route("far", destination="z", here=False)


def body(text: str, **properties: str) -> Message:
    return Message(body=text.encode(), properties=properties)


async def texts(router: EdgeRouter, microservice_id: str, most: int = 100) -> list[str]:
    """What waits for it, taken."""
    inbox = router.inbox(microservice_id)
    found: list[str] = []
    while deliveries := await inbox.next(most, 0.1):
        await inbox.done(deliveries)
        found += [each.message.body.decode() for each in deliveries]
    return found


async def takes(router: EdgeRouter, message: Message) -> bool:
    try:
        await router.publish("a", message)
    except StoreFull:
        return False
    return True


async def outgoing_texts(router: EdgeRouter) -> list[str]:
    found: list[Outgoing] = []
    while True:
        try:
            async with asyncio.timeout(0.1):
                found += await router.next_outgoing(100, 10**6)
        except TimeoutError:
            await router.sent(found)
            return [each.message.body.decode() for each in found]


async def test_a_message_gets_an_id_and_a_time_and_reaches_its_receiver(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        kept = await router.publish("a", body("hello", severity="high"))
        assert len(kept.message_id) == 32
        assert kept.created > 10**12
        (delivery,) = await router.inbox("b").next(10, 1.0)
        assert delivery.message == kept
        assert (delivery.route, delivery.input) == ("ab", "")
        assert kept.publisher == "a"
        await router.inbox("b").done([delivery])
        assert await texts(router, "b") == []


def as_others_see_it(router: EdgeRouter) -> EdgeRouting:
    """Never called: a type checker's word that it is what the others ask for."""
    return router


async def test_what_is_stored_is_delivered_after_a_restart_in_its_order(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        for n in range(30):
            await router.publish("a", body(str(n)))
        first = await router.inbox("b").next(10, 1.0)
        await router.inbox("b").done(first)
        await router.inbox("b").next(5, 1.0)  # taken, and never acknowledged
    async with running(tmp_path) as router:
        assert await texts(router, "b") == [str(n) for n in range(10, 30)]
    async with running(tmp_path) as router:
        assert await texts(router, "b") == []


async def test_who_does_not_wait_gets_what_is_on_the_disk_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        await router.publish("a", body("kept"))
    async with running(tmp_path) as router:
        inbox = router.inbox("b")

        async def at_once() -> list[Delivery] | None:
            return await inbox.next(1, 0) or None

        kept = await until(at_once)
        await router.inbox("b").done(kept)
        assert await router.inbox("b").next(1, 0) == []


async def test_nothing_is_gone_before_it_is_known_what_is_here(tmp_path: Path) -> None:
    """The store is open before the conditions are understood, or the controller was heard."""
    path = tmp_path / "messages.sqlite"
    async with running(tmp_path) as router:
        await router.publish("a", body("kept"))
    with Journal(tmp_path / "journal.sqlite") as journal:
        router = EdgeRouter(path, journal)
        task = asyncio.create_task(router.run())
        await asyncio.sleep(0.3)
        assert router.measures().dropped == {}
        router.wish(known(route(), route("when", condition="x = 'y'")))
        (delivery,) = await router.inbox("b").next(1, 10.0)
        assert delivery.message.body == b"kept"
        task.cancel()
        await asyncio.wait([task])


async def test_what_is_given_back_is_offered_again_in_its_place(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        for n in range(6):
            await router.publish("a", body(str(n)))
        inbox = router.inbox("b")
        taken = await inbox.next(4, 1.0)
        await inbox.done([taken[1]])
        inbox.give_back([taken[3], taken[0]])
        assert await texts(router, "b") == ["0", "3", "4", "5"]
        inbox.give_back([taken[2]])
        assert await texts(router, "b") == ["2"]


async def test_priorities_come_first_and_what_expired_comes_not_at_all(tmp_path: Path) -> None:
    """Link down at 12:00, up at 12:30: which go up, in which order."""
    clock = [0]
    p0 = route("p0", destination="", output="urgent", priority=0, ttl=3600)
    short = route("p5s", destination="", output="short", priority=5, ttl=600)
    long = route("p5l", destination="", output="long", priority=5, ttl=7200)
    minute = 60_000
    async with running(tmp_path, known(p0, short, long), lambda: clock[0]) as router:
        for at, output in ((1, "urgent"), (2, "short"), (3, "long"), (20, "urgent")):
            clock[0] = at * minute
            if at == 20:  # a changed route does not touch what waits
                router.wish(known(p0, short, route("p5l", destination="", output="long", ttl=60)))
            await router.publish("a", Message(output=output, body=f"12:{at:02}".encode()))
        clock[0] = 30 * minute
        assert await outgoing_texts(router) == ["12:01", "12:20", "12:03"]
        assert router.measures().dropped == {"expired": 1}


async def test_routes_of_one_priority_take_turns(tmp_path: Path) -> None:
    desired = known(route("x", source="a"), route("y", source="c"), here=("a", "b", "c"))
    async with running(tmp_path, desired) as router:
        for n in range(6):
            await router.publish("a", body(f"a{n}"))
        for n in range(3):
            await router.publish("c", body(f"c{n}"))
        assert await texts(router, "b", 1) == ["a0", "c0", "a1", "c1", "a2", "c2", "a3", "a4", "a5"]


async def test_conditions_choose_and_undefined_ones_are_counted(tmp_path: Path) -> None:
    hot = route("hot", condition="as_number(t) > 70", input="alarms")
    cold = route("cold", condition="as_number(t) <= 70", destination="")
    async with running(tmp_path, known(hot, cold)) as router:
        for t in ("71", "3"):
            await router.publish("a", body(t, t=t))
        await router.publish("a", body("none"))
        assert await texts(router, "b") == ["71"]
        assert await outgoing_texts(router) == ["3"]
        assert {s.route_id: s.undefined for s in router.statuses()} == {"hot": 1, "cold": 1}
        assert router.measures().unrouted == 1


async def test_a_message_goes_to_each_sink_once_by_its_most_urgent_route(tmp_path: Path) -> None:
    desired = known(
        route("rest", destination="", priority=5), route("alarms", destination="", priority=0),
        route("b1", input="x"), route("b2", input="y"), route("any", source="", input="x"),
    )  # fmt: skip
    async with running(tmp_path, desired) as router:
        await router.publish("a", body("1"))
        deliveries = await router.inbox("b").next(10, 1.0)
        assert sorted(each.input for each in deliveries) == ["x", "y"]
        (up,) = await router.next_outgoing(10, 10**6)
        assert (up.route, up.priority, up.key) == ("alarms", 0, "upstream.app.alarms")


async def test_a_receiver_that_moves_takes_its_messages_with_it_and_back(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        for n in range(3):
            await router.publish("a", body(str(n)))
        router.wish(known(route(here=False), here=("a",)))
        (one, two, three) = await router.next_outgoing(10, 10**6)
        assert one.key == "route.ab"
        await router.sent([one])
        router.give_back_outgoing([two, three])
        router.wish(known(route()))
        assert await texts(router, "b") == ["1", "2"]


async def test_what_leads_nowhere_any_more_is_dropped_and_counted(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        for n in range(700):
            await router.publish("a", body(str(n)))
        taken = await router.inbox("b").next(2, 1.0)
        router.wish(known(here=("a",)))
        await router.inbox("b").done(taken)
        await asyncio.sleep(0.3)
        assert router.measures().dropped == {"gone": 698}
        assert router.measures().waiting == 0
    async with running(tmp_path, known()) as router:
        assert await texts(router, "b") == []


async def test_a_removed_route_does_not_take_from_its_receiver_what_waits(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        await router.publish("a", body("before"))
        router.wish(known())
        await router.publish("a", body("after"))
        assert await texts(router, "b") == ["before"]


async def test_what_was_to_go_upstream_goes_by_its_routes_new_name_or_with_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, known(UP)) as router:
        await router.publish("a", body("x"))
        renamed = replace(UP, name="renamed")
        router.wish(known(renamed))
        (out,) = await router.next_outgoing(1, 10**6)
        assert out.key == "upstream.app.renamed"
        router.give_back_outgoing([out])
        router.wish(known())
        assert await outgoing_texts(router) == []
        assert router.measures().dropped == {"gone": 1}


async def test_who_is_not_here_and_what_is_too_large_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as router:
        with pytest.raises(MessageRefused, match="does not belong"):
            await router.publish("nobody", body("x"))
        with pytest.raises(MessageRefused, match="262144"):
            await router.publish("a", Message(body=bytes(LARGEST + 1)))


async def test_a_full_store_refuses_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    large = Message(body=bytes(100_000))
    async with running(tmp_path, known(route(), mib=2)) as router:
        kept = 0
        while await takes(router, large):
            kept += 1
        with pytest.raises(StoreFull, match="as many messages"):
            await router.publish("a", large)
        assert 10 < kept < 21
        (status,) = router.statuses()
        assert status.state == "refusing"
        assert (tmp_path / "messages.sqlite").stat().st_size < 2.2 * 1024 * 1024
        assert status.accepted == kept
        inbox = router.inbox("b")
        await inbox.done(await inbox.next(1, 1.0))
        await inbox.done(await inbox.next(1, 1.0))
        assert router.statuses()[0].state != "refusing"
        await router.publish("a", large)
        assert len(await texts(router, "b")) == kept - 1


async def test_a_full_store_may_drop_the_oldest_of_the_least_urgent(tmp_path: Path) -> None:
    urgent = route("urgent", output="u", priority=0)
    rest = route("rest", output="r", input="rest")
    filler = "x" * 20_000
    desired = known(urgent, rest, mib=2, when_full="drop-oldest")
    async with running(tmp_path, desired) as router:
        for n in range(200):
            output = "u" if n % 10 == 0 else "r"
            message = Message(output=output, body=f"{output}{n} {filler}".encode())
            await router.publish("a", message)
        left = [text.split()[0] for text in await texts(router, "b")]
        assert left[:20] == [f"u{n}" for n in range(0, 200, 10)]
        assert left[20:] == [f"r{n}" for n in range(200) if n % 10][-len(left[20:]) :]
        assert len(left) > 60
        assert router.measures().dropped == {"full": 200 - len(left)}


async def test_what_is_not_durable_is_bounded_and_said_to_be_lost(tmp_path: Path) -> None:
    async with running(tmp_path, known(route(durable=False))) as router:
        large = Message(body=bytes(250_000))
        while await takes(router, large):
            assert router.measures().memory_bytes < 17 * 1024 * 1024
        with pytest.raises(StoreFull, match="in memory"):
            await router.publish("a", large)
        assert not (tmp_path / "messages.sqlite").exists()
        kept = router.measures().waiting
    async with running(tmp_path, known(route(durable=False))) as router:
        assert await texts(router, "b") == []
        assert router.measures().dropped == {}
    with Journal(tmp_path / "journal.sqlite") as journal:
        (drop,) = journal.pending().drops
        assert (drop.route_id, drop.reason, drop.messages) == ("ab", "lost", kept)


async def test_one_from_another_node_returns_when_its_receiver_has_it(tmp_path: Path) -> None:
    message = Message(message_id="1" * 32, publisher="far", body=b"hi")
    async with running(tmp_path) as router:
        received = asyncio.create_task(router.receive("b", message, "in"))
        (delivery,) = await router.inbox("b").next(1, 1.0)
        assert (delivery.message, delivery.input, delivery.route) == (message, "in", "")
        await asyncio.sleep(0.05)
        assert not received.done()
        await router.inbox("b").done([delivery])
        await received
        await router.receive("b", message, "in")  # it had it before
    async with running(tmp_path) as router:
        await router.receive("b", message, "in")
        again = asyncio.create_task(router.receive("b", message, "another input"))
        assert len(await router.inbox("b").next(1, 1.0)) == 1
        again.cancel()


async def test_one_for_a_microservice_that_is_not_here_yet_waits_for_it(tmp_path: Path) -> None:
    message = Message(message_id="1" * 32, body=b"hi")
    async with running(tmp_path) as router:
        received = asyncio.create_task(router.receive("c", message, ""))
        await asyncio.sleep(0.05)
        router.wish(known(here=("a", "b", "c")))
        (delivery,) = await router.inbox("c").next(1, 5.0)
        await router.inbox("c").done([delivery])
        await received


async def test_what_the_link_calls_off_is_not_offered_unless_it_is_taken(tmp_path: Path) -> None:
    messages = [Message(message_id=f"{n:032}", body=str(n).encode()) for n in range(3)]
    async with running(tmp_path) as router:
        calls = [asyncio.create_task(router.receive("b", each, "")) for each in messages]
        inbox = router.inbox("b")
        (zero,) = await inbox.next(1, 1.0)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert await inbox.next(1, 0.05) == []
        # The link is there again, and brings all of them again, while the receiver has the first.
        calls = [asyncio.create_task(router.receive("b", each, "")) for each in messages]
        (one,) = await inbox.next(1, 1.0)
        assert one.message == messages[1]
        inbox.give_back([one])
        await inbox.done([zero])
        assert await texts(router, "b") == ["1", "2"]
        await asyncio.gather(*calls)


async def test_what_was_is_found_in_the_archive_by_whom_a_route_leads_to(tmp_path: Path) -> None:
    async with running(tmp_path, known(route(), UP)) as router:
        kept = [await router.publish("a", body(str(n))) for n in range(1200)]
        await router.publish("b", body("no route"))
        assert len(await texts(router, "b")) == 1200
        begin, end = kept[700].created, kept[1150].created
        found = await router.archived("a", "b", begin, end, 10**9)
        assert found == [each for each in kept if begin <= each.created <= end]
        few = await router.archived("a", "b", begin, end, 20)
        assert few == found[: len(few)]
        assert sum(each.size for each in few) <= 20
        assert await router.archived("a", "c", begin, end, 10**9) == []
        assert await router.archived("a", "b", end + 10**6, end + 10**7, 10**9) == []


async def test_a_changed_twin_is_told_by_the_routes_that_look_at_twins(tmp_path: Path) -> None:
    async with running(tmp_path, known(route(twin_changes=True), UP)) as router:
        router.twin_changed("a", b'{"s":1}')
        router.twin_changed("b", b'{"s":2}')
        (told,) = await router.inbox("b").next(1, 10.0)
        assert told.message.body == b'{"s":1}'
        assert told.message.twin_change
        assert await texts(router, "b") == []
        assert await outgoing_texts(router) == []


async def test_a_call_that_is_cancelled_has_taken_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, known(route(), UP)) as router:
        waits = asyncio.create_task(router.next_outgoing(1, 10**6))
        asks = asyncio.create_task(router.inbox("b").next(1, 60.0))
        await asyncio.sleep(0)
        waits.cancel()
        asks.cancel()
        await router.publish("a", body("x"))
        assert await texts(router, "b") == ["x"]
        assert await outgoing_texts(router) == ["x"]


async def test_some_routes_may_wait_while_others_go(tmp_path: Path) -> None:
    async with running(tmp_path, known(UP, FAR)) as router:
        await router.publish("a", body("x"))
        (only,) = await router.next_outgoing(10, 10**6, without=["far"])
        assert only.route_id == "up"
        waits = asyncio.create_task(router.next_outgoing(10, 10**6, without=["far"]))
        await router.publish("a", body("y"))
        (only,) = await waits
        assert (only.route_id, only.message.body) == ("up", b"y")
        router.linked("up", "")
        router.stalled("far", "its queue is full")
        states = {s.route_id: (s.state, s.reason, s.stored) for s in router.statuses()}
        assert states == {"up": ("up", "", 2), "far": ("waiting", "its queue is full", 2)}
