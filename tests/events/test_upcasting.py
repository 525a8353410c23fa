"""Old versions of events are read as what they mean today; the log keeps what was written."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import envelope, upcasting
from events.envelope import UnknownEvent, decode, encode, is_known
from events.event import Event
from events.ids import NodeId
from events.node import NodeRegistered, NodeSettings
from events.upcasting import UPCASTERS, Document, Upcaster, upcast
from tests.events.strategies import event_types, events

CURRENT = {str(kind.__struct_config__.tag) for kind in event_types}


def with_settings(old: Document) -> Document:
    """A node said its label itself once, if it had one."""
    return {
        "node_id": old["id"],
        "name": old["name"],
        "settings": {"labels": {"site": old["site"]}} if "site" in old else {},
    }


OLDER: Mapping[str, Upcaster] = {
    "node.added.v1": Upcaster("node.added.v2", lambda old: {**old, "id": old["node"]}),
    "node.added.v2": Upcaster("node.registered.v1", with_settings),
}
V1 = b'{"type":"node.added.v1","node":"node-1","name":"east","site":"berlin"}'
V2 = b'{"type":"node.added.v2","id":"node-1","name":"east","site":"berlin"}'
TODAY = NodeRegistered(
    node_id=NodeId("node-1"), name="east", settings=NodeSettings(labels={"site": "berlin"})
)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there had been two versions before the first."""
    monkeypatch.setattr(upcasting, "UPCASTERS", OLDER)
    monkeypatch.setattr(upcasting.upcast, "__defaults__", (OLDER,))


@pytest.mark.parametrize(("type_", "data"), [("node.added.v1", V1), ("node.added.v2", V2)])
@pytest.mark.usefixtures("older")
def test_an_old_version_is_read_as_the_newest_through_all_between(type_: str, data: bytes) -> None:
    assert decode(type_, "node/node-1", data) == TODAY
    assert is_known(type_)


def test_a_version_that_nobody_wrote_is_unknown_and_no_error() -> None:
    assert upcast("node.added.v3", b"{}", OLDER) is None
    assert decode("node.added.v3", "node/1", b"{}") == UnknownEvent(
        type="node.added.v3", subject="node/1"
    )
    assert not is_known("node.added.v3")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"node":1}', b"\xff"])
@pytest.mark.usefixtures("older")
def test_an_old_event_that_does_not_read_is_damage(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode("node.added.v1", "node/1", data)


@given(event=events, tag=st.sampled_from(["a.v1", "a.v2"]))
def test_what_is_not_changed_reads_like_the_event_itself(event: Event, tag: str) -> None:
    """Whatever an event may hold survives the way through a plain document."""
    current = str(event.__struct_config__.tag)
    same = {"a.v1": Upcaster("a.v2", dict), "a.v2": Upcaster(current, dict)}
    document = msgspec.json.decode(encode(event), type=dict[str, object])
    old = msgspec.json.encode(document | {"type": tag})
    read = upcast(tag, old, same)
    assert read is not None
    assert decode(current, event.subject, read) == event


@pytest.mark.parametrize("upcasters", [UPCASTERS, {}], ids=["ours", "none"])
def test_every_way_leads_to_a_type_of_today(upcasters: Mapping[str, Upcaster]) -> None:
    for old in upcasters:
        assert old not in CURRENT, f"{old} is written today: nothing is to be made of it"
        seen, at = {old}, upcasters[old].to
        while at in upcasters:
            assert at not in seen, f"{old} never arrives"
            seen.add(at)
            at = upcasters[at].to
        assert at in CURRENT, f"{old} is read as {at}, which there is not"


def test_todays_events_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("the hot path asked for an upcaster")

    monkeypatch.setattr(envelope, "upcast", asked)
    assert decode("node.registered.v1", "node/node-1", encode(TODAY)) == TODAY
