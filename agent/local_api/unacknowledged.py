"""What was sent to a microservice by its message socket and is not acknowledged yet.

Pure: the clock comes in, seconds that do not jump. ioFog's acknowledgement is one byte that does
not say of what; its SDKs send one for each message, and one for each receipt, in the order in which
they read them. So the n-th acknowledgement is of the n-th frame that went out, sent again or not:
no message is taken for acknowledged that was not, and a receiver that leaves one out gets some a
second time. Our own SDK names the message (`named`), and need not be counted.

Some do not acknowledge receipts. Which kind this one is shows at its first receipt: nothing else is
sent until that is acknowledged, or was long enough out.
"""

from collections import deque
from dataclasses import dataclass

from agent.messages.routing import Delivery

AGAIN_AFTER = 20.0
"""Seconds without an acknowledgement after which a message is sent once more."""
TIMES = 10
"""So often; then its socket is as good as dead."""
SILENT_AFTER = 2.0
"""Seconds without an acknowledgement of the first receipt: receipts are not acknowledged here."""

RECEIPT = ""
"""Among the ids of messages."""


@dataclass
class _Sent:
    """A message that is out, and when it was sent last."""

    delivery: Delivery
    size: int
    at: float
    times: int = 1


class Unacknowledged:
    """Of one socket."""

    def __init__(self) -> None:
        self._frames: deque[str] = deque()
        """Of each frame that went out and had no answer, the id of its message."""
        self._out: dict[str, _Sent] = {}
        self._answers_receipts: bool | None = None
        self._asked_at: float | None = None
        """When the first receipt went out."""
        self.bytes = 0
        """Of all messages that are out."""

    def __len__(self) -> int:
        return len(self._out)

    def sent(self, delivery: Delivery, now: float) -> None:
        """A message went out."""
        size = delivery.message.size
        self._frames.append(delivery.message.message_id)
        self._out[delivery.message.message_id] = _Sent(delivery, size, now)
        self.bytes += size

    def receipt(self, now: float) -> None:
        """A receipt went out."""
        if self._asked_at is None:
            self._asked_at = now
        if self._answers_receipts is not False:
            self._frames.append(RECEIPT)

    def holds(self, now: float) -> float:
        """Seconds for which no message is to be sent, until it shows how receipts are answered."""
        if self._answers_receipts is not None or self._asked_at is None:
            return 0.0
        left = self._asked_at + SILENT_AFTER - now
        if left <= 0 and not self._out:
            self._answers_receipts = False
            self._frames.clear()
        return max(left, 0.0)

    def acknowledged(self) -> Delivery | None:
        """One byte came: the message that it is of, if it is the first word of it."""
        if not self._frames:
            self._answers_receipts = True  # late, but it does: there is nothing else it could mean
            return None
        frame = self._frames.popleft()
        if frame == RECEIPT:
            self._answers_receipts = True
        return self._taken(frame)

    def named(self, message_id: str) -> Delivery | None:
        """It was acknowledged by its id: whoever does so does not acknowledge receipts."""
        self._answers_receipts = False
        while self._frames and self._frames[0] == RECEIPT:
            self._frames.popleft()
        if message_id in self._frames:
            self._frames.remove(message_id)
        return self._taken(message_id)

    def overdue(self, now: float) -> list[Delivery]:
        """Those to be sent again, in their order; they count as sent now."""
        late = [each for each in self._out.values() if now - each.at >= AGAIN_AFTER]
        for each in late:
            each.at = now
            each.times += 1
            self._frames.append(each.delivery.message.message_id)
        return [each.delivery for each in late]

    @property
    def hopeless(self) -> bool:
        """Whether one was sent as often as it is worth."""
        return any(each.times > TIMES for each in self._out.values())

    def all(self) -> list[Delivery]:
        """What is out, in its order."""
        return [each.delivery for each in self._out.values()]

    def _taken(self, message_id: str) -> Delivery | None:
        sent = self._out.pop(message_id, None)
        if sent is None:
            return None
        self.bytes -= sent.size
        return sent.delivery
