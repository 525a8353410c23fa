"""What every event log promises: the one in memory and the one in Postgres alike."""

import asyncio
from datetime import timedelta
from random import Random

import msgspec
import pytest

from events.application import ApplicationCreated, ApplicationStarted
from events.envelope import GENESIS, Head, KnownEvent, Proposed, Recorded, bare, chain, verify
from events.filter import EventFilter, Text
from events.ids import START, ApplicationId, CommandId, NodeId, Position, UserId
from events.log import EventLog, HeadMoved, MemoryLog
from events.node import NodeRegistered, NodeSettings
from events.user import Role, UserCreated
from tests.events.builders import NOON, batch, minutes_apart, started
from tests.events.future import from_the_future


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def log(request: pytest.FixtureRequest) -> EventLog:
    if request.param == "memory":
        return MemoryLog()
    postgres_log: EventLog = request.getfixturevalue("postgres_log")
    return postgres_log


async def test_an_empty_log_ends_at_genesis(log: EventLog) -> None:
    assert await log.head() == GENESIS
    assert await log.read(START) == []


async def test_what_is_read_is_exactly_what_was_appended(log: EventLog) -> None:
    events = batch(GENESIS, 3)
    await log.append(events, expected=GENESIS)
    read = await log.read(START)
    assert read == events
    assert await log.head() == events[-1].head
    assert verify(GENESIS, read) == events[-1].head


async def test_reading_goes_on_behind_a_position_up_to_the_limit(log: EventLog) -> None:
    events = batch(GENESIS, 10)
    await log.append(events, expected=GENESIS)
    assert await log.read(Position(4), limit=3) == events[4:7]
    assert await log.read(Position(9)) == events[9:]
    assert await log.read(Position(10)) == []


async def test_what_is_read_bare_is_the_same_without_who_caused_it(log: EventLog) -> None:
    events = batch(GENESIS, 10)
    await log.append(events, expected=GENESIS)
    read = await log.read_bare(Position(4), limit=3)
    assert list(read) == [bare(each) for each in events[4:7]]
    assert [each.head for each in read] == [each.head for each in events[4:7]]
    assert list(await log.read_bare(Position(10))) == []


async def test_an_append_to_an_end_that_is_past_writes_nothing(log: EventLog) -> None:
    first = batch(GENESIS, 2)
    await log.append(first, expected=GENESIS)
    with pytest.raises(HeadMoved) as moved:
        await log.append(batch(GENESIS, 1, first=7), expected=GENESIS)
    assert moved.value.expected == START
    assert await log.read(START) == first


async def test_an_append_to_an_end_that_never_was_writes_nothing(log: EventLog) -> None:
    await log.append(batch(GENESIS, 2), expected=GENESIS)
    for other in (
        Head(Position(2), bytes(range(32)), NOON),
        Head(Position(5), bytes(32), NOON),
    ):
        with pytest.raises(HeadMoved):
            await log.append(batch(other, 1), expected=other)
    assert (await log.head()).position == 2


async def test_appending_nothing_asks_whether_the_log_still_ends_there(log: EventLog) -> None:
    await log.append([], expected=GENESIS)
    events = batch(GENESIS, 1)
    await log.append(events, expected=GENESIS)
    await log.append([], expected=events[-1].head)
    with pytest.raises(HeadMoved):
        await log.append([], expected=GENESIS)


async def test_a_batch_that_does_not_follow_is_a_mistake_of_the_caller(log: EventLog) -> None:
    events = batch(GENESIS, 3)
    for wrong in (events[1:], [events[0], events[2]], batch(events[-1].head, 1)):
        with pytest.raises(ValueError, match="does not follow"):
            await log.append(wrong, expected=GENESIS)
    assert await log.head() == GENESIS


@pytest.mark.parametrize("field", ["actor", "command_id", "correlation_id", "causation_id"])
async def test_text_that_postgres_can_not_hold_is_refused_by_every_log(
    log: EventLog, field: str
) -> None:
    events = chain(GENESIS, [started(1, **{field: "a\0b"})], NOON)
    with pytest.raises(ValueError, match="NUL"):
        await log.append(events, expected=GENESIS)


async def test_concurrent_writers_leave_one_gapless_chain_with_all_they_wrote(
    log: EventLog,
) -> None:
    async def write(writer: int) -> None:
        written = 0
        while written < 10:
            head = await log.head()
            try:
                await log.append(batch(head, 2, first=writer * 100 + written), expected=head)
            except HeadMoved:
                continue
            written += 2

    async with asyncio.TaskGroup() as tasks:
        for writer in range(5):
            tasks.create_task(write(writer))
    events = await log.read(START)
    assert [event.position for event in events] == list(range(1, 51))
    verify(GENESIS, events)
    assert len({event.subject for event in events}) == 50


async def test_a_wait_ends_when_something_was_appended(log: EventLog) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(log.wait(at_most=60, beyond=START))
        await asyncio.sleep(0.2)
        await log.append(batch(GENESIS), expected=GENESIS)
        await waiting


async def test_a_wait_beyond_what_the_log_has_outgrown_returns_at_once(log: EventLog) -> None:
    await log.append(batch(GENESIS), expected=GENESIS)
    async with asyncio.timeout(10):
        await log.wait(at_most=60, beyond=START)
        await log.wait(at_most=60, beyond=START)


async def test_a_wait_ends_after_its_time(log: EventLog) -> None:
    async with asyncio.timeout(10):
        await log.wait(at_most=0.01)
        await log.wait(at_most=0.01, beyond=START)


AUDITED = minutes_apart(
    GENESIS,
    [
        started(1),
        started(2, actor="user/bob"),
        started(1, command_id="again", correlation_id="other"),
        started(3),
        started(1, actor="controller"),
    ],
)


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        (EventFilter(), [1, 2, 3, 4, 5]),
        (EventFilter(subject=AUDITED[0].subject), [1, 3, 5]),
        (EventFilter(subject="application/%"), []),
        (EventFilter(subject_prefix="application/"), [1, 2, 3, 4, 5]),
        (EventFilter(subject_prefix="applicatio_/"), []),
        (EventFilter(subject_prefix="node/"), []),
        (EventFilter(type="application.started.v1"), [1, 2, 3, 4, 5]),
        (EventFilter(type="application.stopped.v1"), []),
        (EventFilter(subjects={AUDITED[0].subject, AUDITED[1].subject, "x"}), [1, 2, 3, 5]),
        (EventFilter(subjects=frozenset()), []),
        (EventFilter(type_prefix="application."), [1, 2, 3, 4, 5]),
        (EventFilter(type_prefix="application.started."), [1, 2, 3, 4, 5]),
        (EventFilter(type_prefix="application.start%"), []),
        (EventFilter(type_prefix="node."), []),
        (EventFilter(but_types=("node.", "application.started.")), []),
        (EventFilter(but_types=("node.",)), [1, 2, 3, 4, 5]),
        (EventFilter(actors={"user/bob"}), [2]),
        (EventFilter(actors={"user/bob", "controller"}), [2, 5]),
        (EventFilter(actors={"user/ada"}, subject=AUDITED[0].subject), [1, 3]),
        (EventFilter(text=Text(word=f"{3:032x}"[-5:])), [4]),
        (EventFilter(text=Text(word="APPLICATION_id")), [1, 2, 3, 4, 5]),
        (EventFilter(text=Text(word="application%id")), []),
        (EventFilter(text=Text(word='":"')), []),
        (EventFilter(text=Text(word="nowhere", named={AUDITED[1].subject})), [2]),
        (EventFilter(command_id="again"), [3]),
        (EventFilter(correlation_id="other"), [3]),
        (EventFilter(since=NOON + timedelta(minutes=1)), [2, 3, 4, 5]),
        (EventFilter(until=NOON + timedelta(minutes=1)), [1]),
        (EventFilter(since=NOON + timedelta(seconds=1), until=NOON + timedelta(minutes=3)), [2, 3]),
        (EventFilter(since=NOON + timedelta(days=1)), []),
    ],
)
async def test_a_search_finds_what_its_filter_matches(
    log: EventLog, wanted: EventFilter, positions: list[int]
) -> None:
    await log.append(AUDITED, expected=GENESIS)
    assert [event.position for event in await log.search(wanted)] == positions
    newest_first = await log.search(wanted, descending=True)
    assert [event.position for event in newest_first] == positions[::-1]
    assert [event.position for event in AUDITED if wanted.matches(event)] == positions


async def test_a_search_goes_page_by_page_in_either_direction(log: EventLog) -> None:
    await log.append(AUDITED, expected=GENESIS)
    everything = EventFilter()
    assert await log.search(everything, after=Position(1), limit=2) == AUDITED[1:3]
    assert await log.search(everything, before=Position(3)) == AUDITED[:2]
    assert await log.search(everything, before=Position(0)) == []
    assert await log.search(everything, before=Position(1)) == []
    assert await log.search(everything, after=Position(9)) == []
    newest = await log.search(everything, before=Position(4), limit=2, descending=True)
    assert newest == [AUDITED[2], AUDITED[1]]
    between = await log.search(everything, after=Position(1), before=Position(4), descending=True)
    assert between == [AUDITED[2], AUDITED[1]]


async def test_an_instant_names_the_last_position_at_or_before_it(log: EventLog) -> None:
    assert await log.position_at(NOON) == START
    # Two of one batch share their time: the later of them is meant.
    events = [*AUDITED, *batch(AUDITED[-1].head, 2, now=AUDITED[-1].time)]
    await log.append(events, expected=GENESIS)
    instants = {
        NOON - timedelta(microseconds=1): 0,
        NOON: 1,
        NOON + timedelta(seconds=59): 1,
        NOON + timedelta(minutes=1): 2,
        NOON + timedelta(minutes=4): 7,
        NOON + timedelta(days=9): 7,
    }
    assert {instant: await log.position_at(instant) for instant in instants} == instants


LETTERS = 'aBkK\u212asSßẞiIİıéÉ日_%\\"\n\0/ 1'
"""Letters that know cases, or two of them, or none; what patterns and JSON have a meaning for."""


def _word(random: Random, length: int) -> str:
    return "".join(random.choice(LETTERS) for _ in range(length))


def _anything(random: Random) -> Proposed:
    """Something with a few words, in places that are shown and in places that are hidden."""
    number = f"{random.randrange(4):032x}"
    event: KnownEvent
    match random.randrange(4):
        case 0:
            event = ApplicationCreated(
                application_id=ApplicationId(number),
                name=_word(random, 4),
                labels={_word(random, 2): _word(random, 3)},
            )
        case 1:
            event = UserCreated(
                user_id=UserId(number),
                name=_word(random, 3),
                role=Role.VIEWER,
                password_hash=_word(random, 8),
            )
        case 2:
            event = NodeRegistered(
                node_id=NodeId(number),
                name=_word(random, 3),
                settings=NodeSettings(tags=[_word(random, 5)], latitude=random.random()),
            )
        case _:
            event = ApplicationStarted(application_id=ApplicationId(number))
    return Proposed(
        event=event,
        actor=random.choice(["user/ada", "user/bob", "controller"]),
        command_id=CommandId(f"command-{random.randrange(9)}"),
        correlation_id=f"request-{random.randrange(5)}",
    )


def _some_filter(random: Random, events: list[Recorded]) -> EventFilter:
    """Asks for one to three things that some event has, or nearly has."""
    one = random.choice(events)
    values: dict[str, object] = {
        "subject": one.subject,
        "subjects": {random.choice(events).subject for _ in range(3)},
        "subject_prefix": one.subject[: random.randrange(3, len(one.subject))],
        "type": one.type,
        "type_prefix": one.type[: random.randrange(3, len(one.type))],
        "but_types": tuple({random.choice(events).type[:9] for _ in range(2)}),
        "actors": {one.actor, "user/eve"},
        "command_id": one.command_id,
        "correlation_id": one.correlation_id,
        "since": one.time,
        "until": one.time,
        "text": Text(word=_word(random, random.choice([1, 1, 1, 2]))),
    }
    if random.random() < 0.2:
        values["text"] = Text(word="q" + _word(random, 2), named={one.subject})
    wanted = random.sample(sorted(values), random.choice([1, 1, 2, 3]))
    return msgspec.structs.replace(EventFilter(), **{name: values[name] for name in wanted})


@pytest.mark.parametrize("seed", range(3))
async def test_every_log_finds_exactly_what_the_filter_matches(log: EventLog, seed: int) -> None:
    random = Random(seed)
    events = minutes_apart(GENESIS, [_anything(random) for _ in range(120)])
    await log.append(events, expected=GENESIS)
    hits = 0
    for _ in range(300):
        wanted = _some_filter(random, events)
        right = [event.position for event in events if wanted.matches(event)]
        descending = random.random() < 0.5
        limit = random.choice([1, 3, 1000])
        found = await log.search(wanted, descending=descending, limit=limit)
        ordered = right[::-1] if descending else right
        assert [event.position for event in found] == ordered[:limit], wanted
        hits += wanted.text is not None and bool(right)
    assert hits > 10, "hardly any word was found"


async def test_a_search_for_a_word_looks_beyond_what_only_seemed_to_have_it(log: EventLog) -> None:
    hidden = [
        Proposed(
            event=UserCreated(
                user_id=UserId(f"{n:032x}"),
                name="a" if n % 600 else "Needle",
                role=Role.VIEWER,
                password_hash="needle",
            ),
            actor="controller",
            command_id=CommandId("c"),
            correlation_id="c",
        )
        for n in range(1201)
    ]
    await log.append(chain(GENESIS, hidden, NOON), expected=GENESIS)
    wanted = EventFilter(text=Text(word="nEEdle"))
    for descending in (False, True):
        found = [e.position for e in await log.search(wanted, descending=descending, limit=2)]
        assert found == ([1201, 601] if descending else [1, 601])
    assert len(await log.search(wanted)) == 3
    assert await log.search(EventFilter(text=Text(word="password_hash"))) == []


async def test_words_are_found_in_what_is_no_json_too(log: EventLog) -> None:
    head = GENESIS
    for data in (b"no JSON: Needle", b"\xff\x00 needle \xe9", b"[1,2]", '["Überall"]'.encode()):
        event = from_the_future(head, data)
        await log.append([event], expected=head)
        head = event.head
    for word, positions in (("NEEDLE", [1, 2]), ("JSON:", [1]), ("2", [3]), ("überALL", [4])):
        found = await log.search(EventFilter(text=Text(word=word)))
        assert [event.position for event in found] == positions, word


async def test_the_times_of_events_are_found_by_their_positions(log: EventLog) -> None:
    assert await log.times([Position(1)]) == []
    await log.append(AUDITED, expected=GENESIS)
    wanted = [Position(3), Position(1), Position(len(AUDITED)), Position(99), Position(0)]
    assert await log.times(wanted) == [
        (each.position, each.time) for each in (AUDITED[0], AUDITED[2], AUDITED[-1])
    ]
    assert await log.times([]) == []
