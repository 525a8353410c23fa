"""Routers as `ecn get routers` and `ecn describe router` show them."""

from datetime import timedelta

import pytest

from ecn.api.topology_documents import RouterDocument, RouterKind
from ecn.cli.offer_tables import size
from ecn.cli.routers import COLUMNS, lines, row
from tests.builders import NOW

KIOSK = RouterDocument(
    name="kiosk-7",
    kind=RouterKind.EDGE,
    node="kiosk-7",
    upstreams=["hub", "interior-router"],
    state="waiting",
    reason="the interior router is away",
    heard_at=NOW,
    stored_messages=812,
    stored_bytes=3 << 20,
)


def test_a_line_has_a_cell_for_each_column() -> None:
    cells = dict(zip((each.title for each in COLUMNS), row(KIOSK), strict=True))
    assert cells["NAME"] == "kiosk-7"
    assert (cells["HOST"], cells["PORTS"]) == ("-", "-")
    assert cells["UPSTREAMS"] == "hub interior-router"
    assert cells["STORED"] == "812 (3.0 MiB)"
    assert cells["NOTE"] == "the interior router is away"


def test_all_about_one_says_what_it_is_and_when_it_was_heard() -> None:
    said = dict(lines(KIOSK, NOW + timedelta(seconds=9)))
    assert said["Kind"] == "edge: a node's own"
    assert said["Last heard"].endswith("(9s ago)")
    assert said["Upstreams"] == "hub\ninterior-router"
    assert said["Connections"] == ""


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 40, "3072.0 GiB"),
    ],
)
def test_sizes_are_said_in_the_largest_unit_that_fits(count: int, text: str) -> None:
    assert size(count) == text
