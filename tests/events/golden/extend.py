"""Write what the story has more than the golden log: `python -m tests.events.golden.extend`.

Lines that are there stay as they are; the world behind them is told anew. Look at the difference
before you commit it: of what was there, nothing may have changed.
"""

import asyncio

import msgspec
from msgspec.structs import replace

from events.chaining import digest
from events.envelope import GENESIS, Head, Proposed, Recorded, UnknownEvent, chain, stored_of
from events.export import Header, LogWriter
from events.ids import CommandId
from tests.events.golden.reading import LOG, WORLD, documents, golden_log
from tests.events.golden.story import STORY, UNKNOWN, UNKNOWN_DATA, Told, at


def told(head: Head, number: int, what: Told) -> Recorded:
    """One event of the story in its place."""
    actor, event = what
    placeholder = next(each for _, each in STORY if each is not None)
    proposed = Proposed(
        event=event or placeholder,
        actor=actor,
        command_id=CommandId(f"{number:032x}"),
        correlation_id=f"{number // 3:032x}",
        causation_id=str(number - 1) if number % 5 == 0 else "",
    )
    (recorded,) = chain(head, [proposed], at(number))
    if event is not None:
        return recorded
    subject = "zeppelin/7"
    stored = replace(stored_of(recorded), type=UNKNOWN, subject=subject, data=UNKNOWN_DATA)
    return replace(
        recorded,
        type=UNKNOWN,
        subject=subject,
        data=UNKNOWN_DATA,
        hash=digest(
            head.hash,
            *(stored.position, stored.microseconds, subject, UNKNOWN, UNKNOWN_DATA, actor),
            *(stored.command_id, stored.correlation_id, stored.causation_id),
        ),
        event=UnknownEvent(type=UNKNOWN, subject=subject),
    )


def main() -> None:
    """See the module."""
    log = golden_log() if LOG.exists() else []
    for number, what in enumerate(STORY[len(log) :], len(log) + 1):
        log.append(told(log[-1].head if log else GENESIS, number, what))
    header = Header(first=1, last=len(log), previous_hash=GENESIS.hash.hex())
    writer = LogWriter(header)
    lines = writer.begin() + writer.go_on([stored_of(each) for each in log]) + writer.end()
    LOG.write_bytes(lines)
    world = msgspec.json.encode(asyncio.run(documents(log)))
    WORLD.write_bytes(msgspec.json.format(world, indent=1) + b"\n")
    print(f"{len(log)} events, the last with hash {log[-1].hash.hex()}")  # noqa: T201


if __name__ == "__main__":
    main()
