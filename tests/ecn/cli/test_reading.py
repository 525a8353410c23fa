"""`ecn get`, `describe`, `logs`: what people and programs see."""

import json

import pytest
import yaml

from ecn.cli.output import Column, table_text
from tests.ecn.cli.conftest import Ecn
from tests.ecn.cli.fake_api import FakeApi
from tests.ecn.cli.fake_documents import fails, node_document
from tests.ecn.cli.test_manifests import DEMO


@pytest.fixture
def deployed(ecn: Ecn) -> Ecn:
    """The demo runs."""
    assert ecn("deploy", "-f", "-", stdin=DEMO).exit_code == 0
    return ecn


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell for cell in line.split("  ") if cell.strip()]


def test_nodes_are_shown_as_a_table(ecn: Ecn) -> None:
    header, row = ecn("get", "nodes").output.splitlines()
    assert header.split() == ["NAME", "STATE", "SINCE", "RUNNING"]
    assert row.split()[:2] == ["local", "online"]


def test_why_a_node_is_offline_stands_beside_it(ecn: Ecn, api: FakeApi) -> None:
    api.nodes["local"] = node_document("local", state="offline", offline_reason="silent")
    assert ecn("get", "no").output.splitlines()[1].endswith("silent")


def test_microservices_are_named_with_their_application(deployed: Ecn) -> None:
    row = deployed("get", "ms").output.splitlines()[1]
    assert row.split()[:3] == ["demo/web", "local", "running"]


def test_what_failed_says_why(ecn: Ecn, api: FakeApi) -> None:
    api.device = fails
    ecn("deploy", "-f", "-", "--timeout", "0.2s", stdin=DEMO)
    assert "no such image: shop:1" in ecn("get", "microservices").output


def test_one_that_is_named_is_a_document_and_all_are_a_list(deployed: Ecn) -> None:
    one = json.loads(deployed("get", "ms", "demo/web", "-o", "json").output)
    assert one["name"] == "web"
    everything = yaml.safe_load(deployed("get", "ms", "-o", "yaml").output)
    assert [item["name"] for item in everything["items"]] == ["web"]
    assert everything["position"] > 0


def test_names_can_be_given_to_other_commands(deployed: Ecn) -> None:
    assert deployed("get", "ms", "-o", "name").output == "microservice/demo/web\n"
    assert deployed("stop", "microservice/demo/web").output.startswith("microservice/demo/web")


def test_a_manifest_comes_out_as_it_could_go_in(deployed: Ecn, api: FakeApi) -> None:
    text = deployed("get", "application", "demo", "-o", "manifest").output
    assert yaml.safe_load(text) == yaml.safe_load(DEMO)
    assert deployed("deploy", "-f", "-", stdin=text).output.startswith("application/demo unchanged")


def test_labels_filter(ecn: Ecn) -> None:
    result = ecn("get", "nodes", "-l", "site=berlin")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no nodes like that\n")


def test_a_name_that_is_not_there_is_refused_with_those_that_are(ecn: Ecn) -> None:
    result = ecn("get", "node", "lokal")
    assert result.exit_code == 1
    assert result.stderr == ("error: there is no node 'lokal'\n  next:  did you mean local?\n")


def test_a_filter_that_a_kind_does_not_have_is_refused(ecn: Ecn) -> None:
    result = ecn("get", "users", "--node", "local")
    assert result.exit_code == 2
    assert "users can't be filtered by node" in result.stderr


def test_a_kind_that_is_misspelt_is_guessed(ecn: Ecn) -> None:
    assert "did you mean microservices?" in ecn("get", "microservice5").stderr


def test_describe_shows_fields_state_and_events(deployed: Ecn) -> None:
    lines = deployed("describe", "ms", "demo/web").output.splitlines()
    assert lines[0] == "Microservice:   demo/web"
    assert lines[1].startswith("State:          running for ")
    assert "Image:          busybox" in lines
    assert "Events:" in lines


def test_logs_come_out_byte_for_byte(deployed: Ecn, api: FakeApi) -> None:
    result = deployed("logs", "demo/web", "--tail", "5", "-f", "--since", "2026-01-01T00:00:00Z")
    assert result.stdout_bytes == b"first line\nsecond line\n\xff"
    [asked] = api.requests("GET", "/microservices/demo/web/logs")
    assert asked.query == {
        "tail": "5",
        "follow": "true",
        "since": "2026-01-01T00:00:00+00:00",
        "timestamps": "true",
    }


def test_a_reason_can_not_command_the_terminal() -> None:
    [_, line] = table_text(
        [Column("NOTE")], [["\x1b]0;gotcha\x07 \x1b[31mred"]], wide=False, width=None
    )
    assert line == "\\x1b]0;gotcha\\x07 \x1b[31mred"


def test_a_narrow_terminal_shortens_reasons_but_no_names() -> None:
    columns = [Column("NAME"), Column("NOTE", flexible=True)]
    lines = table_text(columns, [["a-rather-long-name", "because " * 20]], wide=False, width=40)
    assert lines[1].startswith("a-rather-long-name  because")
    assert lines[1].endswith("…")
    assert len(lines[1]) <= 40


def test_wide_characters_take_two_cells() -> None:
    lines = table_text(
        [Column("NAME"), Column("X")], [["日本", "1"], ["abcd", "2"]], wide=False, width=None
    )
    assert [line[-1] for line in lines[1:]] == ["1", "2"]
    assert lines[1] == "日本  1"
