"""How far pulls are, and what devices use, on a terminal. Pure."""

from datetime import timedelta

from ecn.api import documents as d
from ecn.cli import tables
from ecn.cli.describe import _node_lines
from events.application import ContainerState, ContainerStatus
from tests.ecn.cli.fake_documents import NOW, microservice_document, node_document

USAGE = d.NodeUsage(
    at=NOW,
    cpu_percent=12.4,
    memory_available_mib=700,
    disk_free_mib=9216,
    agent_cpu_percent=0.3,
    agent_memory_mib=41.5,
)
WEB = d.MicroserviceManifest(name="web", node="east", image="a/b:1")


def cells(node: d.NodeDocument, seconds: float = 0) -> list[str]:
    row = tables.node_row(node, NOW + timedelta(seconds=seconds))
    titles = [column.title for column in tables.NODES]
    assert len(row) == len(titles)
    return [row[titles.index(title)] for title in ("CPU %", "FREE MEMORY", "FREE DISK")]


def test_a_pull_says_how_far_it_is() -> None:
    pulling = ContainerStatus(state=ContainerState.PULLING, at=NOW)
    shown = microservice_document("shop", WEB, status=pulling, pull_percent=43.2)
    assert tables.state_of(shown) == "pulling 43 %"
    assert tables.state_of(microservice_document("shop", WEB, status=pulling)) == "pulling"


def test_usage_has_its_age_once_it_is_old() -> None:
    east = node_document("east", usage=USAGE)
    assert cells(east) == ["12", "700 MiB", "9.0 GiB"]
    assert cells(east, 3600) == ["12", "700 MiB", "9.0 GiB (60m ago)"]
    assert cells(node_document("east")) == ["", "", ""]
    full = d.NodeUsage(at=NOW, disk_free_mib=0)
    assert cells(node_document("east", usage=full)) == ["", "", "0 MiB"]


def test_a_description_says_what_is_free_and_what_the_agent_takes() -> None:
    lines = dict(_node_lines(node_document("east", usage=USAGE), NOW + timedelta(seconds=7)))
    assert lines["In use"] == "CPU 12.4 %, free: memory 700 MiB, disk 9.0 GiB (7s ago)"
    assert lines["By its agent"] == "CPU 0.3 % of a core, memory 41.5 MiB"
    assert "In use" not in dict(_node_lines(node_document("east"), NOW))
