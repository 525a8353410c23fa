"""`ecn deploy`: nothing half done, said in words, waited for."""

from pathlib import Path

import pytest

from ecn.cli import progress
from tests.ecn.cli.conftest import Ecn, run
from tests.ecn.cli.fake_api import FakeApi
from tests.ecn.cli.fake_documents import fails, node_document
from tests.ecn.cli.test_manifests import DEMO, REGISTRY


@pytest.fixture
def demo(tmp_path: Path) -> str:
    """A file with the demo."""
    file = tmp_path / "demo.yaml"
    file.write_text(DEMO)
    return str(file)


def test_it_creates_and_waits_until_all_runs(ecn: Ecn, demo: str) -> None:
    result = ecn("deploy", "-f", demo)
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "application/demo created"
    assert "demo/web on local running" in lines
    assert lines[-1].startswith("1 microservice as wanted after ")


def test_progress_follows_events_and_not_a_timer(
    ecn: Ecn, demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOOK_AGAIN", 60.0)
    result = ecn("deploy", "-f", demo, "--timeout", "20s")
    assert result.exit_code == 0


def test_twice_changes_nothing_the_second_time(ecn: Ecn, demo: str) -> None:
    ecn("deploy", "-f", demo)
    result = ecn("deploy", "-f", demo)
    assert result.output.splitlines()[0] == "application/demo unchanged"


def test_a_change_is_an_update(ecn: Ecn, demo: str) -> None:
    ecn("deploy", "-f", demo)
    result = ecn("deploy", "-f", "-", stdin=DEMO.replace("busybox", "busybox:2"))
    assert result.output.splitlines()[0] == "application/demo updated"


def test_what_never_runs_ends_with_5_and_says_why(ecn: Ecn, api: FakeApi, demo: str) -> None:
    api.device = fails
    result = ecn("deploy", "-f", demo, "--timeout", "0.5s")
    assert result.exit_code == 5
    assert result.stderr == (
        "error: not as wanted after 0.5 s:\n"
        "  demo/web on local: failed: no such image: shop:1; tried again in 10 s\n"
        "  next:  ecn describe microservice demo/web; ecn logs demo/web\n"
    )


def test_without_waiting_it_ends_at_once(ecn: Ecn, api: FakeApi, demo: str) -> None:
    api.device = fails
    result = ecn("deploy", "-f", demo, "--no-wait")
    assert (result.exit_code, result.output) == (0, "application/demo created\n")


def test_one_bad_document_keeps_all_from_being_sent(ecn: Ecn, api: FakeApi, demo: str) -> None:
    result = ecn("deploy", "-f", demo, "-f", "-", stdin="kind: Nothing\n")
    assert result.exit_code == 2
    assert "<stdin>:1:1: apiVersion is missing" in result.stderr
    assert "nothing was sent" in result.stderr
    assert api.asked == []


def test_a_missing_password_keeps_all_from_being_sent(ecn: Ecn, api: FakeApi, demo: str) -> None:
    result = ecn("deploy", "-f", demo, "-f", "-", stdin=REGISTRY)
    assert result.exit_code == 2
    assert api.asked == []


def test_a_refusal_names_the_thing_the_field_and_the_next_step(ecn: Ecn) -> None:
    result = ecn("deploy", "-f", "-", stdin=DEMO.replace("node: local", "node: moon"))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: demo: there is no node moon\n"
        "  field: $.microservices[0].node\n"
        "  next:  ecn get nodes\n"
    )


def test_a_folder_means_the_manifests_in_it(ecn: Ecn, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(DEMO.replace("demo", "second"))
    (tmp_path / "a.yml").write_text(DEMO)
    (tmp_path / "notes.txt").write_text("not a manifest")
    result = ecn("deploy", "-f", str(tmp_path), "--no-wait")
    assert result.output.splitlines() == ["application/demo created", "application/second created"]


def test_a_registry_gets_its_password_without_showing_it(ecn: Ecn, api: FakeApi) -> None:
    result = ecn("deploy", "-f", "-", stdin=REGISTRY, OUR_PASSWORD="s3cret")
    assert result.output == "registry/ours created\n"
    assert api.registries["ours"].password == "s3cret"


NODE = """\
apiVersion: ecn/v1
kind: Node
metadata: {name: kiosk, labels: {site: berlin}}
spec: {tags: [gpu]}
"""


def test_a_node_is_registered_then_left_alone_then_patched(ecn: Ecn, api: FakeApi) -> None:
    assert ecn("deploy", "-f", "-", stdin=NODE).output == "node/kiosk created\n"
    assert ecn("deploy", "-f", "-", stdin=NODE).output == "node/kiosk unchanged\n"
    changed = NODE.replace("site: berlin", "floor: '3'")
    assert ecn("deploy", "-f", "-", stdin=changed).output == "node/kiosk updated\n"
    [patch] = api.requests("PATCH")
    assert patch.body == b'{"settings":{"labels":{"site":null,"floor":"3"}}}'


def test_a_node_that_is_offline_is_named_as_the_reason(ecn: Ecn, api: FakeApi, demo: str) -> None:
    api.device = lambda _: iter(())
    api.nodes["local"] = node_document("local", state="offline")
    result = ecn("deploy", "-f", demo, "--timeout", "0.4s")
    assert result.exit_code == 5
    assert "demo/web on local: queued: node local is offline" in result.stderr


def test_a_lost_answer_costs_nothing_and_the_change_happens_once(
    ecn: Ecn, api: FakeApi, demo: str
) -> None:
    api.lost = 1
    result = ecn("deploy", "-f", demo, "--no-wait")
    assert (result.exit_code, result.output) == (0, "application/demo created\n")
    first, second = api.requests("PUT")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert [e.type for e in api.log].count("application.created.v1") == 1


def test_a_controller_that_is_away_for_a_moment_is_asked_again(
    ecn: Ecn, api: FakeApi, demo: str
) -> None:
    api.away = 2
    assert ecn("deploy", "-f", demo, "--no-wait").exit_code == 0


def test_a_broken_stream_is_taken_up_again(ecn: Ecn, api: FakeApi, demo: str) -> None:
    api.streams_to_cut = 2
    assert ecn("deploy", "-f", demo).exit_code == 0


def test_validate_needs_no_controller(demo: str) -> None:
    result = run("validate", "-f", demo)
    assert (result.exit_code, result.output) == (
        0,
        "application/demo reads well (1 microservice)\n",
    )


@pytest.mark.parametrize("name", ["missing.yaml", "binary.yaml"])
def test_what_is_no_text_is_refused_politely(ecn: Ecn, tmp_path: Path, name: str) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    result = ecn("deploy", "-f", str(tmp_path / name))
    assert result.exit_code == 2
    assert name in result.stderr
