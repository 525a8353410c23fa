"""What a spec may say of its container's options, health, order and replacement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.deciders import spec_rules
from ecn.deciders.kernel_words import CAPABILITIES, USUAL_CAPABILITIES
from ecn.errors import Invalid
from events.application import (
    LAST,
    Dependency,
    HealthCheck,
    HttpProbe,
    MicroserviceSpec,
    ReplaceMode,
    VolumeKind,
    VolumeMount,
)
from events.container_options import ContainerOptions, Device, Gpus, Namespace, Ulimit
from tests.builders import port, spec
from tests.ecn.deciders.equipment import CHECKS, HARMLESS, MIGHTY

PLAIN = spec()


def optioned(**said: object) -> MicroserviceSpec:
    return replace(PLAIN, options=replace(ContainerOptions(), **said))


def field_of(bad: MicroserviceSpec) -> str:
    with pytest.raises(Invalid) as caught:
        spec_rules.spec(bad)
    assert caught.value.detail
    return caught.value.field.removeprefix("$.")


def limits(*said: tuple[str, int, int]) -> list[Ulimit]:
    return [Ulimit(name=name, soft=soft, hard=hard) for name, soft, hard in said]


@pytest.mark.parametrize("options", [*HARMLESS, *MIGHTY])
def test_what_engines_understand_is_good(options: ContainerOptions) -> None:
    """Whether a node allows it is another question."""
    spec_rules.spec(replace(PLAIN, options=options))


@pytest.mark.parametrize(
    "good",
    [
        *(replace(PLAIN, health_check=check) for check in CHECKS),
        optioned(user="app", working_directory="/srv", host_name="till-3.hall"),
        optioned(user="0:0"),
        optioned(user="www-data:4294"),
        optioned(add_capabilities=["CAP_SYS_NICE", "net_admin", "ALL"]),
        optioned(add_capabilities=["ALL"], drop_capabilities=["ALL"]),
        optioned(security=["no-new-privileges:true", "apparmor=mine", 'seccomp={"a":1}']),
        optioned(security=["label=level:s0:c1", "label:disable", "no-new-privileges=false"]),
        optioned(devices=[Device(host="/dev/a"), Device(host="/dev/b", container="/dev/c")]),
        optioned(gpus=Gpus(ids=["GPU-3a", "0"], driver="nvidia", capabilities=["gpu", "video"])),
        optioned(ulimits=limits(("nofile", 1, 1), ("core", -1, -1), ("memlock", 0, -1))),
        optioned(sysctls={"kernel.shmmax": "1", "kernel.sem": "1 2 3 4", "fs.mqueue.msg_max": "9"}),
        optioned(dns=["10.0.0.1", "fe80::1"], dns_search=[".", "plant.example"]),
        optioned(cpu_set="0"),
        optioned(cpu_set="0-3,7,9-9"),
        optioned(oom_score=-1000, cpu_shares=2, stop_within=0, stop_signal="9"),
        optioned(stop_signal="sigusr1", stop_within=3600, runtime="io.containerd.runc.v2"),
        replace(optioned(memory_reservation_mib=32, swap_limit_mib=8), memory_limit_mib=32),
        replace(PLAIN, start_order=0, depends_on=[Dependency(microservice="db")]),
        replace(PLAIN, start_order=LAST, disk_limit_mib=1),
        replace(PLAIN, replace=ReplaceMode.BLUE_GREEN),
        replace(
            PLAIN,
            replace=ReplaceMode.BLUE_GREEN,
            volumes=[VolumeMount(target="/data", source="data")],
        ),
        replace(PLAIN, volumes=[VolumeMount(target="/t", kind=VolumeKind.TMPFS, size_mib=1)]),
    ],
)
def test_all_this_may_be_said(good: MicroserviceSpec) -> None:
    spec_rules.spec(good)


BAD: list[tuple[MicroserviceSpec, str]] = [
    (replace(PLAIN, health_check=HealthCheck()), "health_check"),
    (replace(PLAIN, health_check=HealthCheck(command=["a"], tcp=1)), "health_check"),
    (replace(PLAIN, health_check=HealthCheck(tcp=1, disabled=True)), "health_check"),
    (replace(PLAIN, health_check=HealthCheck(http=HttpProbe(port=1), tcp=1)), "health_check"),
    (replace(PLAIN, health_check=HealthCheck(tcp=0)), "health_check.tcp"),
    (replace(PLAIN, health_check=HealthCheck(http=HttpProbe(port=0))), "health_check.http.port"),
    (
        replace(PLAIN, health_check=HealthCheck(http=HttpProbe(port=1, path="ready"))),
        "health_check.http.path",
    ),
    (
        replace(PLAIN, health_check=HealthCheck(http=HttpProbe(port=1, path="/a b"))),
        "health_check.http.path",
    ),
    (
        replace(PLAIN, health_check=HealthCheck(http=HttpProbe(port=1, host="a\r\nb: c"))),
        "health_check.http.host",
    ),
    (replace(PLAIN, start_order=-1), "start_order"),
    (replace(PLAIN, start_order=LAST + 1), "start_order"),
    (replace(PLAIN, disk_limit_mib=0), "disk_limit_mib"),
    (replace(PLAIN, memory_limit_mib=1 << 60), "memory_limit_mib"),
    (replace(PLAIN, depends_on=[Dependency(microservice="A")]), "depends_on[0].microservice"),
    (replace(PLAIN, depends_on=[Dependency(microservice="a")] * 2), "depends_on[1].microservice"),
    (
        replace(PLAIN, depends_on=[Dependency(microservice=f"m{n}") for n in range(101)]),
        "depends_on",
    ),
    (replace(PLAIN, replace=ReplaceMode.BLUE_GREEN, ports=[port(80)]), "replace"),
    (replace(PLAIN, replace=ReplaceMode.BLUE_GREEN, host_network=True), "replace"),
    (
        replace(PLAIN, volumes=[VolumeMount(target="/t", source="data", size_mib=1)]),
        "volumes[0].size_mib",
    ),
    (
        replace(PLAIN, volumes=[VolumeMount(target="/t", kind=VolumeKind.TMPFS, size_mib=0)]),
        "volumes[0].size_mib",
    ),
    (optioned(user="a b"), "options.user"),
    (optioned(user="a:"), "options.user"),
    (optioned(user="99999999999"), "options.user"),
    (optioned(groups=["-x"]), "options.groups"),
    (optioned(working_directory="srv"), "options.working_directory"),
    (optioned(host_name="a_b"), "options.host_name"),
    (optioned(host_name="a" * 64), "options.host_name"),
    (optioned(add_capabilities=["FLY"]), "options.add_capabilities"),
    (optioned(drop_capabilities=["CAP_"]), "options.drop_capabilities"),
    (optioned(add_capabilities=["KILL"], drop_capabilities=["kill"]), "options.drop_capabilities"),
    (optioned(security=["unconfined"]), "options.security[0]"),
    (optioned(security=["seccomp="]), "options.security[0]"),
    (optioned(security=["label=user:"]), "options.security[0]"),
    (optioned(security=["no-new-privileges=perhaps"]), "options.security[0]"),
    (optioned(devices=[Device(host="tty")]), "options.devices[0].host"),
    (optioned(devices=[Device(host="/")]), "options.devices[0].host"),
    (optioned(devices=[Device(host="/dev/a:b")]), "options.devices[0].host"),
    (optioned(devices=[Device(host="/dev/a", container="b")]), "options.devices[0].container"),
    (optioned(devices=[Device(host="/dev/a", permissions="x")]), "options.devices[0].permissions"),
    (optioned(devices=[Device(host="/dev/a", permissions="")]), "options.devices[0].permissions"),
    (optioned(devices=[Device(host="/dev/a", permissions="rr")]), "options.devices[0].permissions"),
    (optioned(devices=[Device(host="/dev/a"), Device(host="/dev//a")]), "options.devices"),
    (optioned(gpus=Gpus(count=0)), "options.gpus.count"),
    (optioned(gpus=Gpus(capabilities=[])), "options.gpus.capabilities"),
    (optioned(gpus=Gpus(ids=["a b"])), "options.gpus.ids"),
    (optioned(gpus=Gpus(driver="a b")), "options.gpus.driver"),
    (optioned(ulimits=limits(("files", 1, 1))), "options.ulimits[0].name"),
    (optioned(ulimits=limits(("nofile", 2, 1))), "options.ulimits[0].soft"),
    (optioned(ulimits=limits(("nofile", -1, 1))), "options.ulimits[0].soft"),
    (optioned(ulimits=limits(("nofile", 1, -2))), "options.ulimits[0].hard"),
    (optioned(ulimits=limits(("nofile", 1, 1), ("nofile", 2, 2))), "options.ulimits"),
    (optioned(sysctls={"vm.swappiness": "1"}), "options.sysctls"),
    (optioned(sysctls={"kernel.panic": "1"}), "options.sysctls"),
    (optioned(sysctls={"net.core.somaxconn": ""}), "options.sysctls.net.core.somaxconn"),
    (replace(optioned(sysctls={"net.a": "1"}), host_network=True), "options.sysctls"),
    (optioned(sysctls={"kernel.sem": "1"}, ipc=Namespace.HOST), "options.sysctls"),
    (optioned(dns=["dns.example"]), "options.dns"),
    (optioned(dns_search=["a b"]), "options.dns_search"),
    (optioned(shared_memory_mib=0), "options.shared_memory_mib"),
    (optioned(shared_memory_mib=8, ipc=Namespace.HOST), "options.shared_memory_mib"),
    (optioned(memory_reservation_mib=5), "options.memory_reservation_mib"),
    (
        replace(optioned(memory_reservation_mib=65), memory_limit_mib=64),
        "options.memory_reservation_mib",
    ),
    (optioned(swap_limit_mib=8), "options.swap_limit_mib"),
    (optioned(swap_limit_mib=-1), "options.swap_limit_mib"),
    (optioned(cpu_shares=1), "options.cpu_shares"),
    (optioned(cpu_set="3-1"), "options.cpu_set"),
    (optioned(cpu_set="0,"), "options.cpu_set"),
    (optioned(cpu_set="all"), "options.cpu_set"),
    (optioned(oom_score=1001), "options.oom_score"),
    (optioned(runtime="run c"), "options.runtime"),
    (optioned(log_driver="jsonfile"), "options.log_driver"),
    (optioned(log_options={"a b": "1"}), "options.log_options"),
    (optioned(log_options={f"o{n}": "1" for n in range(51)}), "options.log_options"),
    (optioned(log_driver="none", log_options={"tag": "1"}), "options.log_options"),
    (optioned(stop_signal="SIGFLY"), "options.stop_signal"),
    (optioned(stop_signal="65"), "options.stop_signal"),
    (optioned(stop_signal="0"), "options.stop_signal"),
    (optioned(stop_within=-1), "options.stop_within"),
    (optioned(stop_within=3601), "options.stop_within"),
]


@pytest.mark.parametrize(
    ("bad", "field"), BAD, ids=[f"{number}-{field}" for number, (_, field) in enumerate(BAD)]
)
def test_what_engines_would_refuse_or_misread_is_refused_by_field(
    bad: MicroserviceSpec, field: str
) -> None:
    assert field_of(bad) == field


def test_a_misspelt_word_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(Invalid, match="did you mean NET_ADMIN"):
        spec_rules.spec(optioned(add_capabilities=["NET_ADMN"]))
    with pytest.raises(Invalid, match="did you mean json-file"):
        spec_rules.spec(optioned(log_driver="jsonfile"))


@given(st.sampled_from(sorted(CAPABILITIES)), st.sampled_from(["", "CAP_", "cap_"]), st.booleans())
def test_a_capability_is_known_however_it_is_written(name: str, prefix: str, low: bool) -> None:
    said = prefix + (name.lower() if low else name)
    spec_rules.spec(optioned(add_capabilities=[said]))
    spec_rules.spec(optioned(drop_capabilities=[said]))


def test_the_usual_capabilities_are_some_of_those_there_are() -> None:
    assert USUAL_CAPABILITIES < CAPABILITIES
