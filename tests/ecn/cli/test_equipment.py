"""All that a manifest can say of a container and of a node: written, fetched, planned, compared."""

from collections.abc import Iterator

import pytest
import yaml

from events.application import MicroserviceSpec
from events.container_options import ContainerOptions
from tests.ecn.api.server import OPERATOR
from tests.ecn.cli.conftest import run
from tests.ecn.cli.real_api import RealApi, real_api

NODE = """
apiVersion: ecn/v1
kind: Node
metadata: {name: gate}
spec:
  agent: {pull_limit_kib: 512}
  access: {privileged: true, exec: admin}
"""
SHOP = """
apiVersion: ecn/v1
kind: Application
metadata: {name: shop}
spec:
  microservices:
    - name: db
      node: gate
      image: shop/db:1
      health_check: {command: [/bin/check], retries: 5}
    - name: cache
      node: gate
      image: shop/cache:1
      health_check: {tcp: 6379}
      start_order: 1
    - name: web
      node: gate
      image: shop/web:1
      health_check: {http: {port: 80, path: /ready}, interval: 5}
      depends_on: [cache, {microservice: db, condition: healthy}]
      replace: blue-green
      disk_limit_mib: 256
      twin_conflicts: edge-wins
      memory_limit_mib: 128
      volumes: [{kind: tmpfs, target: /t, size_mib: 16}]
      options:
        user: "1000:1000"
        groups: [video]
        working_directory: /srv
        host_name: till-3
        privileged: true
        add_capabilities: [NET_ADMIN]
        drop_capabilities: [MKNOD]
        security: [no-new-privileges]
        devices: [{host: /dev/ttyUSB0, container: /dev/scanner, permissions: rw, optional: true}]
        gpus: {count: 1, optional: true}
        read_only_root: true
        init: true
        pid: host
        ipc: host
        ulimits: [{name: nofile, soft: 1024, hard: 4096}]
        sysctls: {net.core.somaxconn: "1024"}
        dns: [10.0.0.1]
        dns_search: [plant.example]
        memory_reservation_mib: 64
        swap_limit_mib: 32
        cpu_shares: 512
        cpu_set: 0-2,5
        oom_score: -500
        runtime: runc
        log_driver: local
        log_options: {max-file: "3"}
        stop_signal: SIGINT
        stop_within: 60
"""
PLAIN = """
apiVersion: ecn/v1
kind: Application
metadata: {name: plain}
spec:
  microservices:
    - {name: web, node: gate, image: shop/web:1}
"""


@pytest.fixture
def api() -> Iterator[RealApi]:
    """A network with a node that allows all, and the shop on it."""
    with real_api() as running:
        running.log_in()
        assert run("deploy", "-f", "-", stdin=NODE).exit_code == 0
        result = run("deploy", "-f", "-", "--no-wait", stdin=SHOP)
        assert result.exit_code == 0, result.stderr
        yield running


def test_the_manifest_says_all_that_there_is() -> None:
    """An option that is added has to be in the manifest here, and so in all tests of it."""
    web = yaml.safe_load(SHOP)["spec"]["microservices"][2]
    said = set(web["options"]) | {"shared_memory_mib"}  # which ipc: host has none of
    assert said == set(ContainerOptions.__struct_fields__)
    of_spec = {"disk_limit_mib", "options", "replace", "depends_on", "twin_conflicts"}
    assert of_spec <= set(web) & set(MicroserviceSpec.__struct_fields__)


@pytest.mark.parametrize("kind", ["application", "node"])
def test_what_is_fetched_deploys_again_without_a_change(api: RealApi, kind: str) -> None:
    name = {"application": "shop", "node": "gate"}[kind]
    fetched = run("get", kind, name, "-o", "manifest")
    assert fetched.exit_code == 0, fetched.stderr
    written = {"application": SHOP, "node": NODE}[kind]
    spec = yaml.safe_load(written)["spec"]
    if kind == "application":
        spec["microservices"][2]["depends_on"][0] = {"microservice": "cache"}
        spec["microservices"].sort(key=lambda each: str(each["name"]))
    assert yaml.safe_load(fetched.stdout)["spec"] == spec
    position = api.position
    assert "unchanged" in run("deploy", "-f", "-", "--no-wait", stdin=fetched.stdout).stdout
    assert api.position == position
    assert "nothing differs" in run("diff", "-f", "-", stdin=fetched.stdout).stdout
    assert "nothing differs" in run("diff", "-f", "-", stdin=written).stdout


def test_what_is_not_said_is_not_shown(api: RealApi) -> None:
    assert run("deploy", "-f", "-", "--no-wait", stdin=PLAIN).exit_code == 0
    fetched = yaml.safe_load(run("get", "application", "plain", "-o", "manifest").stdout)
    assert fetched["spec"] == yaml.safe_load(PLAIN)["spec"]
    described = run("describe", "microservice", "plain/web").stdout
    assert not {"Options", "Waits for", "Start order", "Disk limit"} & {
        line.partition(":")[0] for line in described.splitlines()
    }


def test_describe_shows_what_was_said(api: RealApi) -> None:
    shown = run("describe", "microservice", "shop/web").stdout
    for line in (
        "Health:         none: GET /ready on port 80",
        "Volumes:        tmpfs 16 MiB -> /t",
        "Waits for:      cache",
        "                db (healthy)",
        "Replaced:       beside the old one",
        "Disk limit:     256 MiB",
        "Options:        user: 1000:1000",
        '                cpu_set: "0-2,5"',
        "Twin conflicts: edge-wins",
    ):
        assert line in shown.splitlines(), shown
    assert "connecting to port 6379" in run("describe", "microservice", "shop/cache").stdout
    node = run("describe", "node", "gate").stdout
    assert "Access:         containers may have power over the device, exec for admins" in node
    assert "Pull limit:     512 KiB/s" in node


def test_a_plan_tells_each_field_and_a_revert_brings_it_back(api: RealApi) -> None:
    position = api.position
    other = SHOP.replace("stop_within: 60", "stop_within: 5").replace("retries: 5", "retries: 6")
    planned = run("plan", "-f", "-", stdin=other).stdout
    assert "options.stop_within: 60 -> 5" in planned
    assert "health_check.retries: 5 -> 6" in planned
    assert run("deploy", "-f", "-", "--no-wait", stdin=other).exit_code == 0
    assert "options.stop_within: 60 -> 5" in run("diff", str(position)).stdout
    blamed = run("blame", "microservice", "shop/web").stdout
    assert "options.stop_within" in blamed
    assert "options.working_directory" in blamed
    assert "health_check.tcp" not in blamed  # as the check is none of that kind
    assert (
        run("revert", "application/shop", "--to", str(position), "--yes", "--no-wait").exit_code
        == 0
    )
    assert "nothing differs" in run("diff", "-f", "-", stdin=SHOP).stdout


def test_a_misspelt_option_is_named_with_what_was_meant(api: RealApi) -> None:
    wrong = SHOP.replace("read_only_root", "readonly_root")
    refused = run("deploy", "-f", "-", stdin=wrong)
    assert refused.exit_code == 2
    assert "did you mean read_only_root?" in refused.stderr
    wrong = SHOP.replace("replace: blue-green", "replace: blue-gren")
    assert "did you mean blue-green?" in run("deploy", "-f", "-", stdin=wrong).stderr


def test_power_over_a_device_is_withdrawn_only_when_nobody_has_it(api: RealApi) -> None:
    refused = run("update", "node", "gate", "--not-privileged")
    assert refused.exit_code != 0
    assert "shop/web" in refused.stderr
    assert run("delete", "application", "shop", "--yes").exit_code == 0
    assert run("update", "node", "gate", "--not-privileged").exit_code == 0
    refused = run("deploy", "-f", "-", stdin=SHOP)
    assert "node 'gate' does not allow what microservice 'web' wants" in refused.stderr
    assert "access.privileged" in refused.stderr


def test_only_admins_change_what_may_be_done_to_a_node(api: RealApi) -> None:
    api.log_in(OPERATOR)
    refused = run("update", "node", "gate", "--exec", "operator")
    assert refused.exit_code != 0
    assert "admin" in refused.stderr
    planned = run("plan", "-f", "-", stdin=NODE.replace("exec: admin", "exec: operator"))
    assert "admin" in planned.stdout + planned.stderr
    assert run("create", "node", "other", "--privileged").exit_code != 0
    assert run("update", "node", "gate", "--pull-limit", "256").exit_code == 0
    assert run("create", "node", "other").exit_code == 0


def test_who_waits_for_what_is_elsewhere_is_told(api: RealApi) -> None:
    assert run("create", "node", "hall").exit_code == 0
    moved = SHOP.replace("- name: db\n      node: gate", "- name: db\n      node: hall")
    planned = run("plan", "-f", "-", stdin=moved).stdout
    assert "it does not wait for db, which is on another node, hall" in planned
    deployed = run("deploy", "-f", "-", "--no-wait", stdin=moved)
    assert "web does not wait for db, which is on another node (hall)" in deployed.stderr


def test_a_renaming_is_followed_and_a_circle_is_refused(api: RealApi) -> None:
    assert run("rename", "microservice", "shop/db", "store").exit_code == 0
    assert "store (healthy)" in run("describe", "microservice", "shop/web").stdout
    refused = run("delete", "microservice", "shop/store", "--yes")
    assert refused.exit_code != 0
    assert "shop/web" in refused.stderr
    circle = SHOP.replace("start_order: 1\n", "start_order: 1\n      depends_on: [web]\n")
    refused = run("deploy", "-f", "-", stdin=circle)
    assert "web -> cache -> web" in refused.stderr or "cache -> web -> cache" in refused.stderr
