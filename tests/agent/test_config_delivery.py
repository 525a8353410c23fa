"""What containers see of their configuration: the last one that could be written, never half."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from agent.contract import EdgeResource, Microservice
from agent.errors import BadContainerOptions
from agent.local.config_delivery import ConfigDelivery
from agent.storage.desired_state import Known
from tests.agent.builders import microservice


def known(*wanted: Microservice, edge_resources: list[EdgeResource] | None = None) -> Known:
    return Known(
        revision=1,
        microservices={each.microservice_id: each for each in wanted},
        edge_resources=edge_resources or [],
    )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["m1", "m2", "m3"]), st.text(max_size=8), max_size=3),
        min_size=1,
        max_size=6,
    )
)
def test_after_any_sequence_of_wishes_each_file_is_the_last_that_was_wished(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("microservices")
    delivery, last = ConfigDelivery(folder), dict[str, str]()
    for wanted in sequence:
        delivery.wish(known(*(microservice(m, config=text) for m, text in wanted.items())))
        last |= wanted
        # Also an agent that was started anew leaves what is right alone.
        for m, text in wanted.items():
            assert not ConfigDelivery(folder).deliver(microservice(m, config=text))
        found = {m: (folder / m / "config.json").read_bytes().decode() for m in last}
        assert found == last
        assert delivery.present() == last.keys()


def test_a_file_that_somebody_damaged_is_right_at_the_agents_next_start(tmp_path: Path) -> None:
    ConfigDelivery(tmp_path).wish(known(microservice(config="{}")))
    (tmp_path / "m1" / "config.json").write_text("")
    ConfigDelivery(tmp_path).wish(known(microservice(config="{}")))
    assert (tmp_path / "m1" / "config.json").read_text() == "{}"


def test_a_full_disk_leaves_the_file_before_is_told_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    delivery = ConfigDelivery(tmp_path, on_facts=lambda: told.append(delivery.problem))
    delivery.wish(known(microservice(config="1")))

    def full(descriptor: int, mode: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fchmod", full)
        for _ in range(2):
            delivery.wish(known(microservice(config="2")))
    assert told == ["configuration of app/m1: No space left on device"]
    assert (tmp_path / "m1" / "config.json").read_text() == "1"
    assert sorted(each.name for each in (tmp_path / "m1").iterdir()) == [
        "config.json",
        "edge-resources.json",
    ]
    delivery.wish(known(microservice(config="2")))
    assert told[1:] == [""]
    assert (tmp_path / "m1" / "config.json").read_text() == "2"


def test_the_site_is_told_to_all_sorted_and_alone(tmp_path: Path) -> None:
    camera = EdgeResource(edge_resource_id="1", name="camera", version="1")
    door = EdgeResource(edge_resource_id="2", name="door", version="1", custom=Raw(b'{"a":1}'))
    delivery = ConfigDelivery(tmp_path)
    delivery.wish(known(microservice(), microservice("m2"), edge_resources=[door, camera]))
    one, other = ((tmp_path / m / "edge-resources.json").read_text() for m in ("m1", "m2"))
    assert one == other
    assert one.index("camera") < one.index("door")
    assert '"custom":{"a":1}' in one
    config = (tmp_path / "m1" / "config.json").stat().st_ino
    delivery.wish(known(microservice(), edge_resources=[replace(camera, version="2")]))
    assert '"version":"2"' in (tmp_path / "m1" / "edge-resources.json").read_text()
    assert (tmp_path / "m1" / "config.json").stat().st_ino == config


@pytest.mark.parametrize("m", ["..", "a/b", ""])
def test_an_id_names_one_directory_here(tmp_path: Path, m: str) -> None:
    with pytest.raises(BadContainerOptions):
        ConfigDelivery(tmp_path / "x").deliver(microservice(m or "..", config="1"))
    assert not (tmp_path / "x").exists()
