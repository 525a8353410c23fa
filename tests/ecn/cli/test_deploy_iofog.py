"""`ecn deploy -f` of ioFog's documents, and the commands of the new kinds, on a real controller."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

SITE = """
apiVersion: iofog.org/v3
kind: Application
metadata: {name: demo}
spec:
  microservices:
    - name: source
      agent: {name: edge}
      images: {x86: "busybox:1", arm: "busybox:1"}
      container:
        ports: [{internal: 80, external: 5000}]
        env: [{key: WHERE, value: '{% assign a = "edge" | findAgent %}{{ a.host }}'}]
        commands: [run]
      config: {interval: 5}
    - {name: sink, agent: {name: edge}, images: {x86: "busybox:2", arm: "busybox:2"}}
  routes: [{name: there, from: source, to: sink}]
---
apiVersion: iofog.org/v3
kind: AgentConfig
metadata: {name: edge, tags: [gpu]}
spec: {host: 10.0.0.7, diskLimit: 20, upstreamRouters: [hub]}
---
apiVersion: iofog.org/v3
kind: AgentConfig
metadata: {name: hub}
spec:
  host: 10.0.0.1
  upstreamRouters: []
  routerConfig: {routerMode: interior, edgeRouterPort: 56721, interRouterPort: 56722}
---
apiVersion: iofog.org/v3
kind: Volume
metadata: {name: conf}
spec: {agents: [edge], source: SOURCE, destination: /etc/shop, permissions: "644"}
---
apiVersion: iofog.org/v3
kind: EdgeResource
metadata: {name: camera}
spec: {version: 1.10.0, interfaceProtocol: https}
---
apiVersion: iofog.org/v3
kind: ApplicationTemplate
metadata: {name: site}
spec:
  variables: [{key: version, defaultValue: 3}]
  application:
    microservices:
      - {name: m, agent: {name: edge}, images: {x86: "busybox:{{ version }}"}}
---
apiVersion: ecn/v1
kind: CatalogItem
metadata: {name: till}
spec: {images: {x86: "till:1"}}
"""
MADE = """
apiVersion: iofog.org/v3
kind: Application
metadata: {name: made}
spec: {template: {name: site, variables: [{key: version, value: 7}]}}
"""
ABOUT = [
    "node/hub",
    "node/edge",
    "edge-resource/camera@1.10.0",
    "template/site",
    "volume/conf",
    "catalog-item/till",
    "application/demo",
]


@pytest.fixture
def site(tmp_path: Path) -> str:
    """The site's documents, with a folder for the volume."""
    source = tmp_path / "conf"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "x").write_text("deep")
    (source / "link").symlink_to("/etc/passwd")
    return SITE.replace("SOURCE", str(source))


@pytest.fixture
def api() -> Iterator[RealApi]:
    """A network in which nothing is yet."""
    with real_api() as running:
        running.log_in()
        yield running


def said(*words: str, stdin: str = "") -> str:
    """What a command that works says."""
    result = run(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def deploy(documents: str) -> list[str]:
    return said("deploy", "-f", "-", "--no-wait", stdin=documents).splitlines()


@pytest.mark.usefixtures("api")
def test_all_of_a_site_is_planned_deployed_and_then_nothing_is_left_to_do(site: str) -> None:
    plan = said("deploy", "-f", "-", "--dry-run", stdin=site)
    assert "env.WHERE 10.0.0.7" in plan
    assert "+ route/demo/there" in plan
    assert deploy(site) == [f"{each} created" for each in ABOUT]
    assert deploy(site) == [f"{each} unchanged" for each in ABOUT]
    assert said("plan", "-f", "-", stdin=site).rstrip().endswith("nothing to do")
    differences = run("diff", "-f", "-", stdin=site)
    assert differences.stdout.rstrip().endswith("nothing differs")
    assert "application/demo is not compared" in differences.stderr
    changed = site.replace("host: 10.0.0.7", "host: 10.0.0.8")
    assert deploy(changed) == [
        f"{each} {'updated' if each in ('node/edge', 'application/demo') else 'unchanged'}"
        for each in ABOUT
    ]
    assert "disk_limit_gib: 20" in said("get", "node", "edge", "-o", "manifest")


@pytest.mark.usefixtures("api")
def test_what_is_there_as_manifests_deploys_as_unchanged(site: str) -> None:
    deploy(site)
    for kind in ("nodes", "templates", "edge-resources", "volumes", "applications"):
        manifests = said("get", kind, "-o", "manifest")
        assert manifests.startswith("apiVersion: ecn/v1\n")
        assert {line.rpartition(" ")[2] for line in deploy(manifests)} == {"unchanged"}


@pytest.mark.usefixtures("api")
def test_an_application_is_made_of_a_template(site: str) -> None:
    deploy(site)
    assert "image" in said("plan", "-f", "-", stdin=MADE)
    assert deploy(MADE) == ["application/made created"]
    assert "busybox:7" in said("get", "ms", "made/m", "-o", "json")
    again = deploy(MADE.replace("7", "8"))
    assert again == ["application/made updated"]


@pytest.mark.usefixtures("api")
def test_a_microservice_and_a_route_by_themselves(site: str) -> None:
    deploy(site)
    more = (
        "apiVersion: iofog.org/v3\nkind: Microservice\nmetadata: {name: demo/extra}\n"
        "spec: {agent: {name: edge}, images: {x86: busybox}, container: {}}\n---\n"
        "apiVersion: iofog.org/v3\nkind: Route\nmetadata: {name: demo/more}\n"
        "spec: {from: extra, to: sink}\n"
    )
    assert deploy(more) == ["microservice/demo/extra created", "route/demo/more created"]
    assert deploy(more) == ["microservice/demo/extra unchanged", "route/demo/more unchanged"]
    assert said("get", "routes", "-o", "name") == "route/demo/more\nroute/demo/there\n"
    assert said("delete", "-f", "-", "-y", stdin=more).splitlines() == [
        "route/demo/more deleted",
        "microservice/demo/extra deleted",
    ]


@pytest.mark.usefixtures("api")
def test_what_the_controller_refuses_is_said_of_its_document() -> None:
    lost = MADE.replace("site", "nowhere")
    result = run("deploy", "-f", "-", stdin=lost)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: made: there is no template 'nowhere'")


@pytest.mark.usefixtures("api")
def test_a_volume_that_is_too_large_is_refused_before_anything_is_sent(
    site: str, tmp_path: Path
) -> None:
    (tmp_path / "conf" / "big").write_bytes(b"x" * (256 << 10))
    result = run("deploy", "-f", "-", stdin=site)
    assert result.exit_code == 2
    assert "volume 'conf': its source holds more than 256 KiB" in result.stderr
    assert said("get", "nodes", "-o", "name") == ""


@pytest.mark.usefixtures("api")
def test_the_commands_of_the_new_kinds(site: str) -> None:
    deploy(site)
    attach = ("edge-resource", "camera", "1.10.0", "edge")
    assert said("attach", *attach) == "edge-resource/camera@1.10.0 attached to node/edge\n"
    assert "was attached already" in said("attach", *attach)
    assert "detached from node/edge" in said("detach", *attach)
    assert said("rename", "application", "demo", "shop") == "application/demo is shop now\n"
    assert said("rename", "shop/source", "origin") == "microservice/shop/source is origin now\n"
    assert said("rename", "route", "shop/there", "thither") == "route/shop/there is thither now\n"
    assert said("rename", "node", "edge", "rim") == "node/edge is rim now\n"
    assert said("rebuild", "shop/origin") == "microservice/shop/origin is made anew\n"
    for word in ("reboot", "prune", "upgrade", "rollback"):
        told = said(word, "node", "rim", "--no-wait")
        assert told == f"node/rim: its agent is told to {word}\n"
    assert said("update", "network", "default-proxy-host=p", "--router-host", "r").splitlines() == [
        "network/default-router updated",
        "network/default-proxy-host updated",
    ]
    assert "Default router: r (ports 5672, 56722, 56721)" in said("get", "network")
    for what in ("route shop/thither", "volume conf", "template site", "catalog-item till"):
        assert "Id:" in said("describe", *what.split())
    assert "renamed" in said("audit", "--subject", "application/shop")
    for kind in ("catalog", "edge-resources", "volumes", "templates", "routes", "registries"):
        assert run("get", kind).exit_code == 0
