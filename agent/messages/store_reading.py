"""What is in the store, read without changing it. Used through `store.py`, from its thread."""

import sqlite3

import msgspec

from agent.messages.rows import Row
from routing.message import Message


class StoreReading:
    """Of the store in that database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def next_of(self, lane: int, after: int, most: int, most_bytes: int) -> tuple[list[Row], bool]:
        """The next of a lane behind that one, and whether these are all: at most so many, at least
        one if there is any."""
        rows: list[Row] = []
        size = 0
        for sequence, at, expires_at, weight, copies, content in self._database.execute(
            "SELECT message, at, expires_at, size, copies, content FROM waiting "
            "LEFT JOIN bodies USING (message) WHERE lane = ? AND message > ? "
            "ORDER BY message LIMIT ?",
            (lane, after, most),
        ):
            rows.append(Row(sequence, at, expires_at, weight, copies, _decoded(content)))
            size += weight
            if size >= most_bytes:
                return rows, False
        return rows, len(rows) < most

    def expired(
        self, now: int, after: tuple[int, int], most: int
    ) -> tuple[list[tuple[int, int, int, int]], tuple[int, int] | None, int]:
        """Of the next so many rows: (lane, sequence, size, copies) of those that are expired, the
        last that was looked at (None: there are no more), and when the next expires (0: never)."""
        rows = self._database.execute(
            "SELECT lane, message, size, copies, expires_at FROM waiting "
            "WHERE (lane, message) > (?, ?) ORDER BY lane, message LIMIT ?",
            (*after, most),
        ).fetchall()
        gone = [row[:4] for row in rows if 0 < row[4] <= now]
        soonest = min((row[4] for row in rows if row[4] > now), default=0)
        return gone, ((rows[-1][0], rows[-1][1]) if len(rows) == most else None), soonest

    def of_lane(self, lane: int, after: int, most: int) -> list[tuple[int, int, int]]:
        """(sequence, size, copies) of the next of a lane, without what they say."""
        return self._database.execute(
            "SELECT message, size, copies FROM waiting WHERE lane = ? AND message > ? "
            "ORDER BY message LIMIT ?",
            (lane, after, most),
        ).fetchall()

    def archived(
        self, publisher: str, begin: int, end: int, after: int, most: int, most_bytes: int
    ) -> tuple[list[Message], int | None]:
        """What is archived of a publisher in a time frame, the oldest first, and where to go on.

        after: what it said last to go on at; 0 at first. Looks at so many rows at most.
        """
        after = after or self._archived_before(begin)
        messages: list[Message] = []
        size = looked = 0
        for sequence, at, weight, by in self._database.execute(
            "SELECT message, at, size, publisher FROM archived WHERE message > ? "
            "ORDER BY message LIMIT ?",
            (after, most),
        ).fetchall():
            looked += 1
            if at > end:
                return messages, None
            if by == publisher and at >= begin:
                if messages and size + weight > most_bytes:
                    return messages, None
                (content,) = self._database.execute(
                    "SELECT content FROM bodies WHERE message = ?", (sequence,)
                ).fetchone() or (None,)
                if (message := _decoded(content)) is not None:
                    messages.append(message)
                    size += weight
            after = sequence
        return messages, (after if looked == most and size < most_bytes else None)

    def _archived_before(self, begin: int) -> int:
        """The last before that time, or near it: times go up with the numbers."""
        lowest, highest = self._database.execute(
            "SELECT ifnull(min(message), 0), ifnull(max(message), 0) FROM archived"
        ).fetchone()
        while lowest < highest:
            middle = (lowest + highest) // 2
            (at,) = self._database.execute(
                "SELECT at FROM archived WHERE message >= ? ORDER BY message LIMIT 1", (middle,)
            ).fetchone()
            if at < begin:
                lowest = middle + 1
            else:
                highest = middle
        return int(lowest) - 1

    def taken(self) -> list[bytes]:
        """Digests of what was taken from other nodes, the oldest first."""
        return [row[0] for row in self._database.execute("SELECT digest FROM taken ORDER BY taken")]


def _decoded(content: bytes | None) -> Message | None:
    if content is None:
        return None
    try:
        return msgspec.msgpack.decode(content, type=Message)
    except msgspec.DecodeError:
        return None
