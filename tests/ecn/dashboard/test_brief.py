"""Events in brief: fields of the event itself, never others, and never much."""

import msgspec

from ecn.dashboard.brief import LONGEST, Brief, brief
from events.envelope import Recorded
from events.node import NodeWentOffline, OfflineReason
from tests.builders import EAST, history
from tests.events.golden.reading import golden_log

LARGEST = 700
"""Bytes."""


def _within(part: object, whole: object) -> bool:
    """Whether all that the part says is said so by the whole; texts may be cut."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and _within(value, whole[name]) for name, value in part.items()
        )
    if isinstance(part, str) and len(part) == LONGEST:
        return isinstance(whole, str) and whole.startswith(part)
    return part == whole


def test_whatever_happens_is_told_in_its_own_words_and_briefly() -> None:
    told = 0
    for recorded in golden_log():
        said = brief(recorded)
        if said is None:
            continue
        told += 1
        encoded = msgspec.json.encode(said)
        assert _within(msgspec.json.decode(encoded), msgspec.json.decode(recorded.data))
        assert len(encoded) <= LARGEST
        assert "hash" not in encoded.decode()
    assert told


def test_a_node_that_went_away_says_why() -> None:
    (recorded,) = history(NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT))
    assert brief(recorded) == Brief(reason="silent")


def test_data_of_another_shape_says_nothing() -> None:
    (recorded,) = history(NodeWentOffline(node_id=EAST, reason=OfflineReason.SILENT))
    for data in (b'{"reason": 7}', b'{"status": "well"}', b"[]"):
        odd: Recorded = msgspec.structs.replace(recorded, data=data)
        assert brief(odd) is None
