"""Options as Docker's JSON; and on a real engine, made and read back."""

import json
import secrets
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from agent.contract import (
    ContainerOptions,
    ContainerSpec,
    Device,
    Gpus,
    Mount,
    Ulimit,
)
from agent.docker.documents import creation
from agent.docker.engine import DockerEngine
from agent.docker.options import Json, Present, container_config, host_config
from agent.errors import BadContainerOptions
from tests.agent.builders import new_container, spec
from tests.agent.waiting import until
from tests.docker_fixtures import IMAGE, docker

MIB = 1024 * 1024
NOTHING = Present()

EVERYTHING = ContainerOptions(
    user="1000:1000",
    groups=["7"],
    working_directory="/tmp",
    host_name="till-3",
    add_capabilities=["net_admin", "CAP_SYS_TIME"],
    drop_capabilities=["ALL"],
    security=["no-new-privileges", "seccomp=unconfined"],
    devices=[
        Device(host="/dev/zero", container="/dev/nothing", permissions="r"),
        Device(host="/dev/ecn-absent", optional=True),
        Device(host="/dev/full", optional=True),
    ],
    gpus=Gpus(optional=True),
    read_only_root=True,
    init=True,
    ipc="host",
    pid="host",
    ulimits=[Ulimit(name="nofile", soft=512, hard=1024)],
    sysctls={"net.core.somaxconn": "123"},
    dns=["10.1.2.3"],
    dns_search=["plant.example"],
    memory_reservation_mib=16,
    swap_limit_mib=8,
    cpu_shares=512,
    cpu_set="0",
    oom_score=300,
    runtime="runc",
    log_driver="local",
    log_options={"max-file": "3"},
    stop_signal="SIGINT",
    stop_within=3,
)


def host_of(options: ContainerOptions, present: Present = NOTHING, **of: object) -> dict[str, Json]:
    made_of = replace(ContainerSpec(image="a:1", options=options), **of)
    return host_config(made_of, present)


def test_what_is_not_said_is_left_to_the_engine() -> None:
    assert host_of(ContainerOptions()) == {
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "5120k", "max-file": "2"}}
    }
    assert container_config(ContainerOptions()) == {"StopTimeout": 10}


@given(st.sampled_from([each.name for each in fields(ContainerOptions)]))
def test_each_option_says_something_to_the_engine(name: str) -> None:
    """One that is added to the contract, and forgotten here, fails."""
    option = {"gpus": Gpus(), "shared_memory_mib": 8, "privileged": True}.get(
        name, getattr(EVERYTHING, name)
    )
    plain = ContainerSpec(image="a:1", memory_limit_mib=64)
    said = replace(plain, options=replace(ContainerOptions(), **{name: option}))
    assert (host_config(said, NOTHING), container_config(said.options)) != (
        host_config(plain, NOTHING),
        container_config(plain.options),
    )


def test_what_is_optional_is_there_where_the_device_has_it() -> None:
    def paths(present: Present) -> list[object]:
        devices = host_of(EVERYTHING, present)["Devices"]
        assert isinstance(devices, list)
        return [each["PathOnHost"] for each in devices if isinstance(each, Mapping)]

    assert paths(NOTHING) == ["/dev/zero"]
    assert paths(Present(frozenset({"/dev/full"}))) == ["/dev/zero", "/dev/full"]
    assert "DeviceRequests" not in host_of(EVERYTHING)
    assert host_of(EVERYTHING, Present(gpus=True))["DeviceRequests"] == [
        {"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}
    ]
    required = replace(EVERYTHING, gpus=Gpus(ids=["GPU-1"], driver="nvidia"))
    assert host_of(required)["DeviceRequests"] == [
        {"Driver": "nvidia", "DeviceIDs": ["GPU-1"], "Capabilities": [["gpu"]]}
    ]


def test_swap_comes_on_top_of_memory() -> None:
    limited = host_of(replace(EVERYTHING, swap_limit_mib=8), memory_limit_mib=64)
    assert (limited["Memory"], limited["MemorySwap"]) == (64 * MIB, 72 * MIB)
    assert host_of(ContainerOptions(), memory_limit_mib=64)["MemorySwap"] == 64 * MIB
    assert "MemorySwap" not in host_of(EVERYTHING)


@pytest.mark.parametrize(
    ("driver", "options", "config"),
    [
        ("", {}, {"max-size": "2048k", "max-file": "2"}),
        ("local", {"max-size": "1m"}, {"max-size": "1m", "max-file": "2"}),
        ("journald", {"tag": "x"}, {"tag": "x"}),
        ("none", {}, {}),
        (
            "syslog",
            {"syslog-address": "udp://10.0.0.1:514"},
            {
                "cache-max-size": "2048k",
                "cache-max-file": "2",
                "syslog-address": "udp://10.0.0.1:514",
            },
        ),
    ],
)
def test_the_logs_limit_holds_for_what_any_driver_keeps_here(
    driver: str, options: dict[str, str], config: dict[str, str]
) -> None:
    said = ContainerOptions(log_driver=driver, log_options=options)
    assert host_of(said, log_limit_mib=4)["LogConfig"] == {
        "Type": driver or "json-file",
        "Config": config,
    }


def test_a_tmpfs_has_its_size() -> None:
    sized = replace(spec(), volumes=[Mount(target="/t", kind="tmpfs", size_mib=8)])
    host = creation(new_container("n1", of=sized), "net")["HostConfig"]
    assert isinstance(host, dict)
    assert host["Mounts"] == [
        {
            "Type": "tmpfs",
            "Target": "/t",
            "ReadOnly": False,
            "TmpfsOptions": {"SizeBytes": 8 * MIB},
        }
    ]


async def made(engine: DockerEngine, node: str, of: ContainerSpec) -> str:
    return await engine.create(
        replace(new_container(node, of=of), name=f"ecn-test-{secrets.token_hex(4)}")
    )


@pytest.mark.docker
async def test_a_real_engine_makes_a_container_with_nearly_all_of_it(
    docker_engine: DockerEngine, docker_node: str, image: str
) -> None:
    options = replace(EVERYTHING, ipc="", pid="", shared_memory_mib=12)
    options = replace(options, add_capabilities=["net_admin"], security=["no-new-privileges"])
    of = replace(
        spec(IMAGE, ("sh", "-c", "touch /t/it; touch /no; id -u; ulimit -n; exec sleep 60")),
        volumes=[Mount(target="/t", kind="tmpfs", size_mib=8)],
        memory_limit_mib=64,
        options=options,
    )
    key = await made(docker_engine, docker_node, of)
    await docker_engine.start(key)
    (shown,) = json.loads(docker("inspect", key))
    host, config = shown["HostConfig"], shown["Config"]
    assert [each.removeprefix("CAP_") for each in host["CapAdd"]] == ["NET_ADMIN"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert {each["PathOnHost"]: each["CgroupPermissions"] for each in host["Devices"]} == {
        "/dev/zero": "r",
        "/dev/full": "rwm",
    }
    assert not host["DeviceRequests"]
    assert (host["ReadonlyRootfs"], host["Init"], host["Privileged"]) == (True, True, False)
    assert host["Ulimits"] == [{"Name": "nofile", "Hard": 1024, "Soft": 512}]
    assert host["Sysctls"] == {"net.core.somaxconn": "123"}
    assert (host["Dns"], host["DnsSearch"]) == (["10.1.2.3"], ["plant.example"])
    assert (host["Memory"], host["MemorySwap"], host["MemoryReservation"]) == (
        64 * MIB,
        72 * MIB,
        16 * MIB,
    )
    assert (host["CpuShares"], host["CpusetCpus"], host["OomScoreAdj"]) == (512, "0", 300)
    assert (host["ShmSize"], host["Runtime"], host["GroupAdd"]) == (12 * MIB, "runc", ["7"])
    assert host["LogConfig"] == {
        "Type": "local",
        "Config": {"max-size": "5120k", "max-file": "3"},
    }
    assert (config["User"], config["WorkingDir"], config["Hostname"]) == (
        "1000:1000",
        "/tmp",
        "till-3",
    )
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGINT", 3)

    async def printed() -> str | None:
        text = docker("logs", key)
        return text if "512" in text else None

    assert (await until(printed)).split() == ["1000", "512"]
    # What it may write is what it was given: the root is read-only.
    assert docker("exec", key, "ls", "/t") == "it"
    assert docker("exec", key, "cat", "/proc/sys/net/core/somaxconn") == "123"
    assert docker("exec", key, "hostname") == "till-3"
    assert docker("exec", key, "head", "-c", "1", "/dev/nothing") in ("", "\x00")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ContainerOptions(devices=[Device(host="/dev/ecn-absent")]), "no /dev/ecn-absent"),
        (ContainerOptions(gpus=Gpus()), "offers no such GPU"),
        (ContainerOptions(runtime="ecn-absent"), "ecn-absent"),
        (ContainerOptions(security=["no-such-thing=1"]), "no-such-thing"),
        (ContainerOptions(log_driver="json-file", log_options={"fly": "1"}), "fly"),
    ],
)
async def test_what_a_real_engine_can_not_give_is_named(
    docker_engine: DockerEngine,
    docker_node: str,
    image: str,
    options: ContainerOptions,
    says: str,
) -> None:
    of = replace(spec(IMAGE, ("sleep", "60")), options=options)
    with pytest.raises(BadContainerOptions, match=says):
        await docker_engine.start(await made(docker_engine, docker_node, of))
