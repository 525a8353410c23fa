"""`ecn diff`, `ecn why`, `ecn blame`: what people see of a real controller's history."""

import json
from collections.abc import Iterator

import jsonpatch
import pytest
import yaml

from tests.ecn.api.server import OPERATOR, Agent, Controller
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

SHOP = """
apiVersion: ecn/v1
kind: Application
metadata: {name: shop, labels: {team: a}}
spec:
  microservices:
    - name: web
      node: kiosk
      image: shop/web:1
      env: {TITLE: Hello}
      ports: [{host: 8080, container: 80}]
    - {name: cache, node: kiosk, image: redis:7}
"""
SMALLER = SHOP.replace("shop/web:1", "shop/web:2").replace(
    "    - {name: cache, node: kiosk, image: redis:7}\n", ""
)


@pytest.fixture
def api() -> Iterator[RealApi]:
    """A network with the shop deployed on one node that is online."""
    with real_api() as running:
        running.log_in()
        running.do(lambda controller: controller.agent("kiosk"))
        assert run("deploy", "-f", "-", "--no-wait", stdin=SHOP).exit_code == 0
        yield running


def reports(api: RealApi, state: str, **more: object) -> None:
    """The device tells of the web server."""

    async def report(controller: Controller) -> None:
        key = controller.live.world.nodes.one("name", "kiosk")
        assert key is not None
        agent = Agent(controller.as_("credential-of-agent-kiosk-1-" + "x" * 32), "kiosk", key)
        items = (await agent.desired()).items("changed")
        (web,) = [each for each in items if each["name"] == "web"]
        status = {"state": state, "revision": web["revision"], "at": "2026-03-01T12:00:00Z"}
        number = (controller.live.world.reports.get(key) or 0) + 1
        told = {"sequence": number, "microservice_id": web["microservice_id"]}
        (await agent.report(containers=[told | {"status": status | more}])).is_good()

    api.do(report)


# --- diff


def test_what_differs_is_told_by_subject_and_field(api: RealApi) -> None:
    start = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    reports(api, "failed", reason="no such image")
    run("create", "node", "other", "-l", "site=berlin")
    first, *lines, last = run("diff", str(start)).output.splitlines()
    assert first.startswith(f"from {start} (")
    assert f" to {api.position} (" in first
    assert lines == [
        "+ node/other               site=berlin",
        "- microservice/shop/cache  redis:7 on kiosk",
        "~ microservice/shop/web    image: shop/web:1 -> shop/web:2",
        "                           reported state: queued -> failed",
        '                           reported reason: "" -> no such image',
    ]
    assert last == "3 things differ: 1 created, 1 changed, 1 deleted"


def test_two_positions_and_one_subject(api: RealApi) -> None:
    start = api.position
    run("move", "shop/web", "kiosk")
    run("create", "node", "other")
    run("move", "shop/web", "other")
    moved = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    result = run("diff", str(start), str(moved), "--subject", "ms/shop/web")
    assert result.output.splitlines()[1:] == [
        "~ microservice/shop/web  node: kiosk -> other",
        "1 thing differs: 1 changed",
    ]


def test_two_hours_ago_there_was_nothing(api: RealApi) -> None:
    # The controller's clock stands in 2026-03; whoever asks lives later.
    result = run("diff", "2026-03-01T11:00:00Z", "2026-03-01T13:00:00Z", "--subject", "node")
    assert result.output.splitlines()[0].startswith("from 0 (the beginning) to ")
    assert "+ node/kiosk" in result.output
    assert run("diff", "5s").output.splitlines()[-1] == "nothing differs"


def test_the_exit_code_tells_only_when_asked(api: RealApi) -> None:
    here = str(api.position)
    assert run("diff", "0").exit_code == 0
    assert run("diff", "0", "--exit-code").exit_code == 1
    assert run("diff", here, "--exit-code").exit_code == 0
    assert run("diff", "-f", "-", "--exit-code", stdin=SHOP).exit_code == 0
    assert run("diff", "-f", "-", "--exit-code", stdin=SMALLER).exit_code == 1


def test_differences_as_documents_and_as_a_patch(api: RealApi) -> None:
    start = str(api.position)
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    found = json.loads(run("diff", start, "-o", "json").output)
    assert [each["name"] for each in found["items"]] == ["shop/cache", "shop/web"]
    assert yaml.safe_load(run("diff", start, "-o", "yaml").output)["items"] == found["items"]
    operations = json.loads(run("diff", "0", start, "-o", "patch").output)
    kinds = ("node", "application", "microservice", "registry", "user")
    tree = jsonpatch.apply_patch({kind: {} for kind in kinds}, operations)
    (web,) = [each for each in tree["microservice"].values() if each["name"] == "web"]
    assert web["image"] == "shop/web:1"
    operations = json.loads(run("diff", start, "-o", "patch").output)
    assert {each["op"] for each in operations} == {"remove", "replace"}


def test_what_deploying_would_change_is_what_it_changes(api: RealApi) -> None:
    foretold = run("diff", "-f", "-", stdin=SMALLER).output.splitlines()[1:]
    assert foretold == [
        "- microservice/shop/cache  redis:7 on kiosk",
        "~ microservice/shop/web    image: shop/web:1 -> shop/web:2",
        "2 things differ: 1 changed, 1 deleted",
    ]
    start = api.position
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    assert run("diff", str(start)).output.splitlines()[1:] == foretold


def test_what_is_deployed_does_not_differ_from_its_manifest(api: RealApi) -> None:
    assert run("diff", "-f", "-", stdin=SHOP).output.splitlines()[-1] == "nothing differs"
    for kind, name in (("application", "shop"), ("node", "kiosk")):
        text = run("get", kind, name, "-o", "manifest").output
        assert run("diff", "-f", "-", stdin=text).output.splitlines()[-1] == "nothing differs"


def test_nodes_and_registries_may_be_meant_by_id(api: RealApi) -> None:
    registry = (
        "apiVersion: ecn/v1\nkind: Registry\nmetadata: {name: hub}\nspec: {url: hub.example}\n"
    )
    run("deploy", "-f", "-", stdin=registry)
    ids = {
        name: json.loads(run("get", kind, name, "-o", "json").output)["id"]
        for kind, name in (("node", "kiosk"), ("registry", "hub"))
    }
    text = SHOP.replace("image: shop", f"registry: {ids['hub']}\n      image: shop")
    text = text.replace("node: kiosk", f"node: {ids['kiosk']}")
    assert run("deploy", "-f", "-", "--no-wait", stdin=text).exit_code == 0
    assert run("diff", "-f", "-", stdin=text).output.splitlines()[-1] == "nothing differs"


def test_what_is_not_there_yet_would_be_created(api: RealApi) -> None:
    more = """---
apiVersion: ecn/v1
kind: Node
metadata: {name: new, labels: {site: x}}
---
apiVersion: ecn/v1
kind: Registry
metadata: {name: hub}
spec: {url: hub.example, password: secret}
"""
    text = SHOP.replace("name: shop,", "name: bank,").replace("host: 8080", "host: 8081")
    result = run("diff", "-f", "-", stdin=text + more)
    assert result.stdout.splitlines()[1:] == [
        "+ node/new                 site=x",
        "+ registry/hub             hub.example",
        "+ application/bank",
        "+ microservice/bank/cache  redis:7 on kiosk",
        "+ microservice/bank/web    shop/web:1 on kiosk",
        "5 things differ: 5 created",
    ]
    assert "registry/hub: passwords can't be compared" in result.stderr
    assert "secret" not in result.output


def test_one_subject_of_many_manifests(api: RealApi) -> None:
    result = run("diff", "-f", "-", "--subject", "microservice/shop/web", stdin=SMALLER)
    assert result.output.splitlines()[-1] == "1 thing differs: 1 changed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say since when"),
        (("1", "-f", "-"), "say since when"),
        (("yesterday",), "is no moment"),
        (("1", "--subject", "planet"), "is no kind"),
    ],
)
def test_what_is_asked_in_a_wrong_way_is_explained(
    api: RealApi, arguments: tuple[str, ...], says: str
) -> None:
    result = run("diff", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_value_can_not_command_the_terminal(api: RealApi) -> None:
    start = api.position
    reports(api, "failed", reason="\x1b]0;gotcha\x07")
    assert "\x1b]0" not in run("diff", str(start)).output
    assert "\x1b]0" not in run("why", "shop/web").output


# --- why


def test_why_is_a_chain_to_be_read(api: RealApi) -> None:
    made = api.position
    api.log_in(OPERATOR)
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    reports(api, "pulling")
    reports(api, "failed", reason="no such image", exit_code=1)
    lines = [line.strip() for line in run("why", "shop/web").output.splitlines()]
    assert lines[0] == "microservice/shop/web is failed: no such image"
    assert "last exit code 1" in lines[1]
    assert lines[2].startswith(f"event {api.position}, ")
    assert "← before that" in lines
    revision = lines.index(f"← made from revision {made + 2}: updated")
    assert lines[revision + 1] == "image: shop/web:1 -> shop/web:2"
    assert lines[revision + 2].endswith("by user/otto")
    assert lines[revision + 3].startswith("← command ")
    assert lines[revision + 4] == "which also led to"
    assert lines[revision + 5].endswith("microservice/shop/cache  deleted")
    assert lines[revision + 6] == "← user/otto"


def test_why_of_a_node_of_an_application_and_of_what_is_gone(api: RealApi) -> None:
    assert run("why", "node", "kiosk").output.startswith("node/kiosk is online\n")
    shown = run("why", "app/shop").output
    assert shown.startswith(
        "application/shop is progressing: 2 of 2 microservices keep it from running\n"
    )
    assert "← shop/web on kiosk: queued; the agent of node kiosk has not reported it yet" in shown
    run("delete", "application", "shop", "-y")
    shown = run("why", "microservice/shop/web").output
    assert shown.startswith("microservice/shop/web is gone: it was deleted with its application")


def test_why_as_a_document(api: RealApi) -> None:
    document = json.loads(run("why", "shop/web", "-o", "json").output)
    assert document["name"] == "shop/web"
    assert document["chain"]["what"] == "state"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("why", "shop/none"), 1, "there is no microservice 'shop/none'"),
        (("why", "user/admin"), 2, "is no kind"),
        (("why", "shop"), 2, "is no kind"),
        (("why", "node"), 2, "say which node"),
        (("blame", "node/none"), 1, "there is no node 'none'"),
        (("blame", "node", "a", "b"), 2, "say which one"),
    ],
)
def test_what_can_not_be_told_is_explained(
    api: RealApi, arguments: tuple[str, ...], code: int, says: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr


# --- blame


def cells(text: str) -> list[list[str]]:
    """The cells of a table, without those of its heading."""
    return [[cell.strip() for cell in line.split("  ") if cell] for line in text.splitlines()][1:]


def test_blame_is_a_table_of_fields(api: RealApi) -> None:
    made = api.position
    api.log_in(OPERATOR)
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    rows = {row[0]: row[1:] for row in cells(run("blame", "shop/web").output)}
    assert rows["image"][:2] == ["shop/web:2", str(api.position)]
    assert rows["image"][3] == "user/otto"
    assert rows["env.TITLE"][:2] == ["Hello", str(made - 1)]
    assert rows["ports"][0] == "[8080:80]"
    assert rows["node"][0] == "kiosk"
    assert "restart" not in rows
    assert "restart" in run("blame", "shop/web", "--all").output


def test_blame_of_other_kinds(api: RealApi) -> None:
    rows = {row[0]: row[1] for row in cells(run("blame", "application", "shop").output)}
    assert rows["labels.team"] == "a"
    assert rows["microservices.web.image"] == "shop/web:1"
    assert "name" in run("blame", "node/kiosk").output
    assert "(sealed)" in run("blame", "user/admin").output
    document = json.loads(run("blame", "shop/web", "-o", "json").output)
    assert {"/image", "/restart"} <= {each["path"] for each in document["fields"]}


def test_reasons_and_blame_of_then(api: RealApi) -> None:
    then = str(api.position)
    run("deploy", "-f", "-", "--no-wait", stdin=SMALLER)
    run("delete", "application", "shop", "-y")
    of_then = run("why", "shop/cache", "--at", then)
    assert of_then.stdout.startswith("microservice/shop/cache is queued;")
    assert f"as of position {then}" in of_then.stderr
    assert run("why", "shop/cache").output.startswith("microservice/shop/cache is gone")
    rows = {row[0]: row[1] for row in cells(run("blame", "shop/web", "--at", then).stdout)}
    assert rows["image"] == "shop/web:1"
    assert "there is no microservice" in run("blame", "shop/web").stderr
