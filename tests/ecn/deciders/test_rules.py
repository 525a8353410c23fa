"""What a value must keep by itself: good ones, and bad ones with the place of what is wrong."""

from collections.abc import Callable
from itertools import product
from math import inf, nan

import hypothesis
import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.deciders import container_rules, node_rules, rules, spec_rules
from ecn.errors import Invalid
from events.application import (
    ExtraHost,
    HealthCheck,
    MicroserviceSpec,
    PortMapping,
    Protocol,
    VolumeKind,
    VolumeMount,
)
from events.node import NodeSettings
from tests.builders import port, spec

MANY = rules.MOST_ENTRIES + 1
LONG = "x" * (rules.LONGEST_TEXT + 1)
DIGEST = "@sha256:" + "0123456789abcdef" * 4


def refused(check: Callable[[], None]) -> Invalid:
    """The refusal of a check."""
    with pytest.raises(Invalid) as caught:
        check()
    assert caught.value.detail
    return caught.value


@pytest.mark.parametrize(
    "name", ["a", "0", "web", "my-shop", "v1.2", "a--b", "1.a-b.c", "x" * rules.NAME_LENGTH]
)
def test_a_name_is_a_dns_name_in_lower_case(name: str) -> None:
    rules.name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "-a",
        "a-",
        ".a",
        "a.",
        "a..b",
        "a.-b",
        "a_b",
        "a b",
        "a/b",
        "ä",
        "a\n",
        "٣",
        "x" * (rules.NAME_LENGTH + 1),
    ],
)
def test_other_names_are_refused_where_they_stand(name: str) -> None:
    assert refused(lambda: rules.name(name)).field == "$.name"
    assert refused(lambda: rules.name(name, field="$.there")).field == "$.there"


@hypothesis.given(st.text("ab0-._A ", max_size=70))
def test_whatever_passes_as_a_name_reads_as_one_path_segment_and_one_word(name: str) -> None:
    try:
        rules.name(name)
    except Invalid:
        return
    assert 1 <= len(name) <= 63
    assert name == name.strip(" -.").lower()
    assert all(label for label in name.split("."))


@pytest.mark.parametrize("name", ["east", "Dach Süd", "lamp #3", "n" * 255, "東"])
def test_a_node_may_be_named_like_people_name_devices(name: str) -> None:
    rules.node_name(name)


@pytest.mark.parametrize("name", ["", " ", " east", "east ", "a/b", "a\nb", "a\x00", "n" * 256])
def test_a_nodes_name_has_no_slash_and_nothing_unprintable(name: str) -> None:
    assert refused(lambda: rules.node_name(name)).field == "$.name"


@pytest.mark.parametrize("name", ["a", "anna", "Anna.B_c+x@example.org", "u" * 128])
def test_a_user_may_be_named_like_a_mailbox(name: str) -> None:
    rules.user_name(name)


@pytest.mark.parametrize("name", ["", ".a", "@a", "a b", "a/b", "ä", "a\n", "u" * 129])
def test_other_users_names_are_refused(name: str) -> None:
    assert refused(lambda: rules.user_name(name)).field == "$.name"


@pytest.mark.parametrize("url", ["a", "registry.example", "10.0.0.1:5000", "R-1.example:1"])
def test_a_registry_is_a_host_and_perhaps_a_port(url: str) -> None:
    rules.registry_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://registry.example",
        "registry.example/team",
        "a:",
        "a:123456",
        "-a",
        "a b",
        "a:٣",
        "x" * 256,
    ],
)
def test_other_registries_are_refused(url: str) -> None:
    assert refused(lambda: rules.registry_url(url)).field == "$.url"


@pytest.mark.parametrize(
    "settings",
    [
        NodeSettings(),
        NodeSettings(description="x" * rules.LONGEST_TEXT, tags=["a", "b"], labels={"a": ""}),
        NodeSettings(latitude=-90, longitude=180, host="10.0.0.1", location="roof"),
        NodeSettings(latitude=0, longitude=0),
    ],
)
def test_a_nodes_settings_may_be_empty_or_full(settings: NodeSettings) -> None:
    node_rules.settings(settings)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (NodeSettings(description=LONG), "$.settings.description"),
        (NodeSettings(description="\x00"), "$.settings.description"),
        (NodeSettings(labels={"": "x"}), "$.settings.labels"),
        (NodeSettings(labels={"ecn.mine": "x"}), "$.settings.labels"),
        (NodeSettings(labels={"a\x00": "x"}), "$.settings.labels"),
        (NodeSettings(labels={"a": LONG}), "$.settings.labels.a"),
        (NodeSettings(labels={str(n): "" for n in range(MANY)}), "$.settings.labels"),
        (NodeSettings(tags=["a"] * MANY), "$.settings.tags"),
        (NodeSettings(tags=["\x00"]), "$.settings.tags"),
        (NodeSettings(host="\x00"), "$.settings.host"),
        (NodeSettings(host=LONG), "$.settings.host"),
        (NodeSettings(location="\x00"), "$.settings.location"),
        (NodeSettings(location=LONG), "$.settings.location"),
        (NodeSettings(latitude=90.1), "$.settings.latitude"),
        (NodeSettings(latitude=nan), "$.settings.latitude"),
        (NodeSettings(longitude=-180.1), "$.settings.longitude"),
        (NodeSettings(longitude=inf), "$.settings.longitude"),
    ],
)
def test_a_nodes_settings_are_refused_by_field(settings: NodeSettings, field: str) -> None:
    assert refused(lambda: node_rules.settings(settings)).field == field


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27-alpine",
        "library/nginx",
        "registry.example:5000/team/name:Tag_1.2",
        "localhost/x",
        "[::1]:5000/x",
        "a__b/c-d.e",
        "nginx" + DIGEST,
        "nginx:1" + DIGEST,
    ],
)
def test_an_image_is_named_as_engines_name_it(image: str) -> None:
    spec_rules.spec(spec(image=image))


@pytest.mark.parametrize(
    "image",
    [
        "",
        "Nginx",
        "nginx:",
        "nginx@sha256:12",
        "nginx:a b",
        "/nginx",
        "a//b",
        "a/",
        "nginx\n",
        "https://registry.example/x",
        ":1",
        "a:٣/x",
        "a" * 513,
    ],
)
def test_other_images_are_refused(image: str) -> None:
    assert refused(lambda: spec_rules.spec(spec(image=image))).field == "$.image"


GOOD = MicroserviceSpec(image="shop/web:1")


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        replace(
            GOOD,
            entrypoint=["/bin/sh", ""],
            command=["-c", "echo ä"],
            env={"A": "", "B_2": "x=y\n", "1": "x"},
            labels={"com.example/x": "y", "ecnx": ""},
            health_check=HealthCheck(command=["true"], interval=0.1, timeout=86400, retries=1),
            memory_limit_mib=container_rules.LEAST_MEMORY_MIB,
            cpu_limit=0.01,
            pids_limit=1,
            log_limit_mib=10240,
            config='{"a": [1, null]}',
        ),
        replace(GOOD, ports=[port(1), port(65535, 65535)]),
        replace(GOOD, ports=[port(80), port(80, protocol=Protocol.UDP)]),
        replace(GOOD, ports=[port(80, address="10.0.0.1"), port(80, address="10.0.0.2")]),
        replace(GOOD, ports=[port(80, address="::1"), port(80, address="fe80::1")]),
        replace(GOOD, host_network=True),
        replace(GOOD, extra_hosts=[ExtraHost(name="db.local", address="10.0.0.1")]),
        replace(GOOD, extra_hosts=[ExtraHost(name="up", address="host-gateway")]),
        replace(GOOD, extra_hosts=[ExtraHost(name="six", address="fe80::1")]),
        replace(
            GOOD,
            volumes=[
                VolumeMount(target="/data", source="data.1"),
                VolumeMount(target="/etc/x", source="/etc/x", kind=VolumeKind.BIND),
                VolumeMount(target="/run/ecnx", kind=VolumeKind.TMPFS),
            ],
        ),
    ],
)
def test_a_spec_may_say_all_this(good: MicroserviceSpec) -> None:
    spec_rules.spec(good)


def mounted(target: str, source: str = "data", kind: VolumeKind = VolumeKind.VOLUME) -> VolumeMount:
    return VolumeMount(target=target, source=source, kind=kind)


def checked(**limits: float) -> MicroserviceSpec:
    """With a health check that has these limits."""
    check = HealthCheck(
        command=["true"],
        interval=limits.get("interval", 30),
        timeout=limits.get("timeout", 30),
        retries=int(limits.get("retries", 3)),
        start_period=limits.get("start_period", 0),
    )
    return replace(GOOD, health_check=check)


DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"

BAD: list[tuple[MicroserviceSpec, str]] = [
    (replace(GOOD, entrypoint=["\x00"]), "entrypoint"),
    (replace(GOOD, command=[LONG]), "command"),
    (replace(GOOD, command=["x"] * MANY), "command"),
    (replace(GOOD, env={"": "x"}), "env"),
    (replace(GOOD, env={"A=B": "x"}), "env"),
    (replace(GOOD, env={"A\x00": "x"}), "env"),
    (replace(GOOD, env={"A": "\x00"}), "env.A"),
    (replace(GOOD, env={"A": "x" * (128 * 1024 + 1)}), "env.A"),
    (replace(GOOD, env={str(n): "" for n in range(MANY)}), "env"),
    (replace(GOOD, labels={"ecn.microservice": "x"}), "labels"),
    (replace(GOOD, labels={"a": "\x00"}), "labels.a"),
    (replace(GOOD, ports=[port(0)]), "ports[0].host"),
    (replace(GOOD, ports=[port(65536)]), "ports[0].host"),
    (replace(GOOD, ports=[port(80), port(81, 0)]), "ports[1].container"),
    (replace(GOOD, ports=[port(80, address="east")]), "ports[0].address"),
    (replace(GOOD, ports=[port(80, address="1.2.3")]), "ports[0].address"),
    (replace(GOOD, ports=[port(80, address="....")]), "ports[0].address"),
    (replace(GOOD, ports=[port(80, address=" ::1")]), "ports[0].address"),
    (replace(GOOD, ports=[port(80, address="fe80::1%eth0")]), "ports[0].address"),
    (replace(GOOD, ports=[port(80), port(80)]), "ports[1]"),
    (replace(GOOD, ports=[port(80), port(80, 81, address="10.0.0.1")]), "ports[1]"),
    (replace(GOOD, ports=[port(80, address="0.0.0.0"), port(80, address="::")]), "ports[1]"),
    (replace(GOOD, ports=[port(80, address="::1"), port(80, address="0::1")]), "ports[1]"),
    (replace(GOOD, ports=[port(n) for n in range(1, MANY + 1)]), "ports"),
    (replace(GOOD, ports=[port(54321)]), "ports[0].host"),
    (replace(GOOD, volumes=[mounted("data")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/a\x00")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/run/ecn")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/run/ecn/x")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/run//ecn/")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/run/x/../ecn")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("//")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("//run/ecn")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("///run/ecn")]), "volumes[0].target"),
    (replace(GOOD, volumes=[mounted("/a"), mounted("/a", "other")]), "volumes[1]"),
    (replace(GOOD, volumes=[mounted("/a"), mounted("/a/", "other")]), "volumes[1]"),
    (replace(GOOD, volumes=[mounted("/a", "d")]), "volumes[0].source"),
    (replace(GOOD, volumes=[mounted("/a", "/data")]), "volumes[0].source"),
    (replace(GOOD, volumes=[mounted("/a", "data", VolumeKind.BIND)]), "volumes[0].source"),
    (replace(GOOD, volumes=[mounted("/a", "/a:b", VolumeKind.BIND)]), "volumes[0].source"),
    (replace(GOOD, volumes=[mounted("/a", "data", VolumeKind.TMPFS)]), "volumes[0].source"),
    (replace(GOOD, volumes=[mounted(f"/{n}") for n in range(MANY)]), "volumes"),
    (replace(GOOD, extra_hosts=[ExtraHost(name="", address="::1")]), "extra_hosts[0]"),
    (replace(GOOD, extra_hosts=[ExtraHost(name="a b", address="::1")]), "extra_hosts[0]"),
    (replace(GOOD, extra_hosts=[ExtraHost(name="a", address="b")]), "extra_hosts[0]"),
    (replace(GOOD, extra_hosts=[ExtraHost(name="a", address="::::")]), "extra_hosts[0]"),
    (replace(GOOD, extra_hosts=[ExtraHost(name="a", address="::1")] * MANY), "extra_hosts"),
    (replace(GOOD, health_check=HealthCheck(command=[])), "health_check"),
    (replace(GOOD, health_check=HealthCheck(command=["\x00"])), "health_check.command"),
    (replace(GOOD, health_check=HealthCheck(command=["x"] * MANY)), "health_check.command"),
    (checked(interval=0), "health_check.interval"),
    (checked(interval=nan), "health_check.interval"),
    (checked(timeout=86401), "health_check.timeout"),
    (checked(start_period=-1), "health_check.start_period"),
    (checked(retries=0), "health_check.retries"),
    (replace(GOOD, memory_limit_mib=5), "memory_limit_mib"),
    (replace(GOOD, cpu_limit=0), "cpu_limit"),
    (replace(GOOD, cpu_limit=nan), "cpu_limit"),
    (replace(GOOD, pids_limit=0), "pids_limit"),
    (replace(GOOD, log_limit_mib=0), "log_limit_mib"),
    (replace(GOOD, log_limit_mib=10241), "log_limit_mib"),
    (replace(GOOD, config="a\x00"), "config"),
    (replace(GOOD, config='{"a": "' + "x" * rules.LONGEST_CONFIG + '"}'), "config"),
    (replace(GOOD, config=DEEP), "config"),
]


@pytest.mark.parametrize(
    ("bad", "field"), BAD, ids=[f"{number}-{field}" for number, (_, field) in enumerate(BAD)]
)
def test_a_spec_is_refused_by_field(bad: MicroserviceSpec, field: str) -> None:
    assert refused(lambda: spec_rules.spec(bad)).field == f"$.{field}"
    within = refused(lambda: spec_rules.spec(bad, field="$.microservices[3]"))
    assert within.field == f"$.microservices[3].{field}"


ADDRESSES = ["", "0.0.0.0", "::", "0::0", "10.0.0.1", "10.0.0.2", "::1", "0:0:0:0:0:0:0:1"]
EVERY = {"", "0.0.0.0", "::", "0::0"}
SAME = [{"::1", "0:0:0:0:0:0:0:1"}]


@pytest.mark.parametrize(("one", "other"), list(product(ADDRESSES, ADDRESSES)))
def test_ports_overlap_when_one_device_cannot_listen_on_both(one: str, other: str) -> None:
    clash = one == other or bool({one, other} & EVERY) or {one, other} in SAME
    assert spec_rules.overlap(port(80, address=one), port(80, 81, address=other)) == clash


@pytest.mark.parametrize(
    ("one", "other"),
    [(port(80), port(81)), (port(80), port(80, protocol=Protocol.UDP))],
)
def test_other_ports_never_overlap(one: PortMapping, other: PortMapping) -> None:
    assert not spec_rules.overlap(one, other)
    assert not spec_rules.overlap(other, one)


@hypothesis.given(st.text(max_size=20))
def test_any_free_text_without_nul_is_taken(value: str) -> None:
    if "\x00" in value:
        assert refused(lambda: rules.text(value, field="$.x")).field == "$.x"
    else:
        rules.text(value, field="$.x")
