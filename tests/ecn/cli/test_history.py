"""`ecn audit`, `ecn events`, and `--at`: what happened, and how things were."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import yaml

from ecn.cli.at import Moment
from ecn.cli.event_output import COLUMNS
from ecn.cli.wording import moment
from tests.ecn.cli.conftest import Ecn
from tests.ecn.cli.fake_api import FakeApi
from tests.ecn.cli.fake_documents import NOW
from tests.ecn.cli.test_manifests import DEMO


@pytest.fixture
def deployed(ecn: Ecn) -> Ecn:
    """The demo runs."""
    assert ecn("deploy", "-f", "-", stdin=DEMO).exit_code == 0
    return ecn


def happened(api: FakeApi, times: int) -> None:
    """So many nodes were registered."""
    for number in range(1, times + 1):
        api.event("node.registered.v1", f"node/{number}", f"n{number}")


def positions(output: str) -> list[int]:
    """The first column of a table."""
    return [int(line.split()[0]) for line in output.splitlines()[1:]]


# --- audit --------------------------------------------------------------------------------------


def test_audit_leaves_out_what_devices_report(deployed: Ecn) -> None:
    shown = deployed("audit").output
    assert "application/demo" in shown
    assert "container.reported" not in shown
    assert "container.reported" in deployed("audit", "--all").output


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], {"changes": "true"}),
        (["--all"], {}),
        (["--type", "microservice"], {"type": "microservice"}),
        (["--actor", "user/anna"], {"actor": "user/anna", "changes": "true"}),
        (["--actor", "node/kiosk"], {"actor": "node/kiosk"}),
        (["--command", "c"], {"command_id": "c"}),
        (["--correlation", "r"], {"correlation_id": "r"}),
        (["--text", "a%_\\"], {"text": "a%_\\", "changes": "true"}),
        (["--subject", "application/shop"], {"subject": "application/shop", "changes": "true"}),
        (
            ["--since", "2026-05-01T00:00:00Z", "--until", "2026-06-01T00:00:00Z", "--all"],
            {"since": "2026-05-01T00:00:00+00:00", "until": "2026-06-01T00:00:00+00:00"},
        ),
    ],
)
def test_each_filter_is_asked_of_the_controller(
    ecn: Ecn, api: FakeApi, arguments: list[str], asked: dict[str, str]
) -> None:
    assert ecn("audit", *arguments).exit_code == 0
    (request,) = api.requests("GET", "/events")
    assert request.query == asked | {"limit": "100", "order": "desc"}


def test_the_latest_are_shown_last_and_the_way_to_the_earlier_ones_is_told(
    ecn: Ecn, api: FakeApi
) -> None:
    happened(api, 250)
    shown = ecn("audit")
    assert positions(shown.stdout) == list(range(151, 251))
    assert shown.stderr == "there are earlier ones: --before 151\n"
    shown = ecn("audit", "--before", "151", "--limit", "3")
    assert positions(shown.stdout) == [148, 149, 150]
    assert ecn("audit", "--before", "3").stderr == ""


def test_behind_a_position_it_goes_forward(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 120)
    shown = ecn("audit", "--after", "10", "--limit", "5")
    assert positions(shown.stdout) == [11, 12, 13, 14, 15]
    assert shown.stderr == "there are more: --after 15\n"
    shown = ecn("audit", "--after", "10", "--before", "14")
    assert positions(shown.stdout) == [11, 12, 13]
    assert ecn("events", "--after", "0").stderr == "there are more: --after 100\n"


@pytest.mark.parametrize("limit", ["1500", "all"])
def test_as_many_pages_are_asked_for_as_it_takes(ecn: Ecn, api: FakeApi, limit: str) -> None:
    happened(api, 2100)
    shown = positions(ecn("audit", "--limit", limit).stdout)
    assert shown == list(range(601 if limit == "1500" else 1, 2101))
    assert len(api.requests("GET", "/events")) == (2 if limit == "1500" else 3)


@pytest.mark.parametrize("limit", ["0", "-1", "some", "1.5"])
def test_what_is_no_limit_is_refused(ecn: Ecn, limit: str) -> None:
    assert ecn("audit", "--limit", limit).exit_code == 2


def test_nothing_found_is_said(ecn: Ecn) -> None:
    result = ecn("audit", "--type", "user")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no events like that\n")


def test_an_audit_as_a_document_has_its_position_and_how_to_go_on(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 5)
    document = json.loads(ecn("audit", "--limit", "2", "-o", "json").stdout)
    assert [each["position"] for each in document["items"]] == [4, 5]
    assert (document["position"], document["next"]) == (5, 4)
    assert yaml.safe_load(ecn("audit", "-o", "yaml").stdout)["next"] is None


def test_an_audit_as_csv_has_all_columns_and_no_formula(ecn: Ecn, api: FakeApi) -> None:
    api.event("node.registered.v1", "node/a", "=cmd()", data={"name": 'a "b",\nc', "x": 1})
    happened(api, 1200)
    for limit, count in (("all", 1201), ("1100", 1100)):
        rows = list(csv.reader(StringIO(ecn("audit", "-o", "csv", "--limit", limit).stdout)))
        assert rows[0] == list(COLUMNS)
        assert len(rows) == count + 1
        assert [int(row[0]) for row in rows[1:]] == list(range(1202 - count, 1202))
    (_, row) = list(
        csv.reader(StringIO(ecn("audit", "-o", "csv", "--after", "0", "--limit", "1").stdout))
    )
    told = dict(zip(COLUMNS, row, strict=True))
    assert told["subject_name"] == "'=cmd()"
    assert told["time"] == "2026-01-02T03:04:05+00:00"
    assert json.loads(told["data"]) == {"name": 'a "b",\nc', "x": 1}


# --- following ----------------------------------------------------------------------------------


@pytest.fixture
def ending(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """Nobody answers any more once the last stream was cut: a follower ends by that alone."""
    monkeypatch.setattr("ecn.cli.client.RECONNECTS", (0.0, 0.0))
    api.away_after_cut = True
    return api


@pytest.mark.parametrize("form", ["table", "json", "yaml", "csv"])
def test_what_is_to_come_is_followed_with_the_same_filters(
    ecn: Ecn, ending: FakeApi, form: str
) -> None:
    happened(ending, 3)
    ending.streams_to_cut = 1
    result = ecn("audit", "--follow", "--after", "2", "--text", "n", "-o", form)
    assert result.exit_code == 1
    first = ending.requests("GET", "/events")[0]
    assert first.query == {"text": "n", "changes": "true", "after": "2"}
    match form:
        case "json":
            assert json.loads(result.stdout)["position"] == 3
        case "yaml":
            assert yaml.safe_load(result.stdout)["position"] == 3
        case "csv":
            rows = list(csv.reader(StringIO(result.stdout)))
            assert [row[0] for row in rows] == ["position", "3"]
        case _:
            assert result.stdout.split()[0] == "3"


def test_following_since_a_time_begins_with_what_happened_since(ecn: Ecn, ending: FakeApi) -> None:
    happened(ending, 4)
    ending.streams_to_cut = 2
    result = ecn("audit", "-f", "--since", "2026-01-01T00:00:00Z", "-o", "json")
    (status,) = ending.requests("GET", "/status")
    assert status.query == {"at": "2025-12-31T23:59:59.999999+00:00"}
    assert [json.loads(line)["position"] for line in result.stdout.splitlines()] == [3, 4]


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "--follow", "--at", "3"),
        ("audit", "--follow", "--until", "1h"),
        ("audit", "--follow", "--before", "0"),
        ("audit", "--follow", "--limit", "all"),
        ("events", "--follow", "--at", "3"),
        ("events", "--follow", "--before", "3"),
        ("get", "nodes", "--watch", "--at", "3"),
    ],
)
def test_the_past_can_not_be_followed(ecn: Ecn, api: FakeApi, arguments: tuple[str, ...]) -> None:
    result = ecn(*arguments)
    assert result.exit_code == 2
    assert arguments[2] in result.stderr
    assert not api.asked


# --- looking back -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("get", "nodes"), "/nodes"),
        (("get", "applications"), "/applications"),
        (("get", "ms", "--application", "demo"), "/microservices"),
        (("get", "users"), "/users"),
        (("get", "events"), "/events"),
        (("describe", "node", "local"), "/nodes/local"),
        (("describe", "app", "demo"), "/applications/demo"),
        (("describe", "ms", "demo/web"), "/microservices/demo/web"),
        (("describe", "user", "anna"), "/users"),
        (("audit",), "/events"),
        (("events",), "/events"),
        (("status",), "/status"),
    ],
)
def test_every_look_can_be_a_look_back_at_one_position(
    deployed: Ecn, api: FakeApi, command: tuple[str, ...], path: str
) -> None:
    api.asked.clear()
    result = deployed(*command, "--at", "2")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == f"as of position 2, {moment(NOW)}"
    assert all(each.query["at"] == "2" for each in api.asked)
    assert api.requests("GET", path)


def test_a_time_is_one_position_for_all_that_a_command_asks(deployed: Ecn, api: FakeApi) -> None:
    api.asked.clear()
    result = deployed("describe", "ms", "demo/web", "--at", "2026-05-01T12:00:00+02:00")
    half = str(len(api.log) // 2)
    assert [each.query["at"] for each in api.asked] == ["2026-05-01T10:00:00+00:00", half, half]
    assert result.stderr.startswith(f"as of position {half}, ")


def test_ages_are_counted_from_then(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 2)
    later = (NOW + timedelta(hours=3)).isoformat()
    assert ecn("get", "nodes", "--at", later).stdout.splitlines()[1].split()[2] == "3h"
    assert ecn("get", "nodes", "--at", "2").stdout.splitlines()[1].split()[2] == "0s"
    assert "for 3h" in ecn("describe", "node", "local", "--at", later).stdout


def test_documents_and_manifests_of_then_are_told_alone(deployed: Ecn) -> None:
    for form in ("json", "yaml", "name", "manifest"):
        result = deployed("get", "application", "demo", "-o", form, "--at", "2")
        assert (result.exit_code, result.stderr) == (0, ""), form
    text = deployed("get", "application", "demo", "-o", "manifest", "--at", "2").stdout
    assert yaml.safe_load(text) == yaml.safe_load(DEMO)
    for command in (("describe", "app", "demo"), ("status",), ("audit",), ("events",)):
        assert deployed(*command, "-o", "json", "--at", "2").stderr in (
            "",
            "there are earlier ones: --before 1\n",
        )


def test_of_the_status_of_then_only_the_network_is_told(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 2)
    labels = [line.split()[0] for line in ecn("status", "--at", "1").stdout.splitlines()]
    assert labels == ["controller", "position", "nodes", "microservices"]


def test_before_the_first_event_there_is_a_position_too(ecn: Ecn) -> None:
    result = ecn("get", "nodes", "--at", "0")
    assert result.stderr == "as of position 0, before the first event\n"


def test_beyond_the_end_it_says_where_the_log_ends(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 2)
    result = ecn("get", "nodes", "--at", "9")
    assert result.exit_code == 1
    assert "the log ends at 2" in result.stderr


def test_what_was_not_there_is_said_of_then(ecn: Ecn, api: FakeApi) -> None:
    happened(api, 2)
    result = ecn("get", "node", "lokal", "--at", "1")
    assert "there was no node 'lokal'" in result.stderr


@pytest.mark.parametrize(
    ("text", "ago"),
    [("2h", 7200), ("2h ago", 7200), ("1d", 86400), ("90m", 5400), ("0s", 0)],
)
def test_a_moment_may_be_so_long_ago(text: str, ago: int) -> None:
    at = datetime.fromisoformat(Moment().convert(text, None, None))
    wanted = datetime.now(UTC) - timedelta(seconds=ago)
    assert abs((at - wanted).total_seconds()) < 5


def test_a_number_is_a_position_and_a_time_has_a_zone() -> None:
    assert Moment().convert(" 1204 ", None, None) == "1204"
    assert Moment().convert("2026-05-01T12:00:00Z", None, None) == "2026-05-01T12:00:00+00:00"
    here = datetime(2026, 5, 1).astimezone()
    assert datetime.fromisoformat(Moment().convert("2026-05-01", None, None)) == here


@pytest.mark.parametrize("text", ["-1", "yesterday", "9" * 40 + "d", "0001-01-01", "1.5.2026"])
def test_what_is_no_moment_is_refused(ecn: Ecn, api: FakeApi, text: str) -> None:
    result = ecn("get", "nodes", f"--at={text}")
    assert result.exit_code == 2, result.output
    assert not api.asked
