"""How a container is confined and equipped, in Docker's JSON.

Pure; a part of what `documents.creation` makes. What is wanted only where the device has it
is told by `Present`, which the shell observes. What is wanted anyway, and is not there, the engine
refuses by name (`errors.py`): it sees the device as it is, also where the agent runs in a
container of its own and does not.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from agent.contract import ContainerOptions, ContainerSpec, Device, Gpus

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Document = dict[str, Json]

_MIB = 1024 * 1024

DEFAULT_LOG_DRIVER = "json-file"
KEEPS_FILES = (DEFAULT_LOG_DRIVER, "local")
KEEPS_NOTHING = ("none", "journald")
"""On the device: none at all, or with the system's own limits."""


class Present(Struct, frozen=True):
    """What of a microservice's optional equipment the device has."""

    devices: frozenset[str] = frozenset()
    """Paths on the host."""
    gpus: bool = False


def host_config(spec: ContainerSpec, present: Present) -> Document:
    """Those that stand in the `HostConfig`; what is as the engine has it anyway is left out."""
    said = spec.options
    devices = [_device(each) for each in said.devices if _is_there(each, present)]
    gpus = [_gpus(said.gpus)] if said.gpus and (present.gpus or not said.gpus.optional) else []
    wanted: Document = {
        "Privileged": said.privileged,
        "ReadonlyRootfs": said.read_only_root,
        "CapAdd": [_capability(each) for each in said.add_capabilities],
        "CapDrop": [_capability(each) for each in said.drop_capabilities],
        "SecurityOpt": said.security,
        "Devices": devices,
        "DeviceRequests": gpus,
        "GroupAdd": said.groups,
        "Init": said.init,
        "PidMode": said.pid,
        "IpcMode": said.ipc,
        "Ulimits": [{"Name": u.name, "Soft": u.soft, "Hard": u.hard} for u in said.ulimits],
        "Sysctls": said.sysctls,
        "Dns": said.dns,
        "DnsSearch": said.dns_search,
        "ShmSize": (said.shared_memory_mib or 0) * _MIB,
        "MemoryReservation": (said.memory_reservation_mib or 0) * _MIB,
        "CpuShares": said.cpu_shares or 0,
        "CpusetCpus": said.cpu_set,
        "OomScoreAdj": said.oom_score,
        "Runtime": said.runtime,
    }
    if spec.memory_limit_mib is not None:
        wanted["Memory"] = spec.memory_limit_mib * _MIB
        # Memory and swap together. Without swap by default: on an edge device the limit should
        # mean what it says.
        wanted["MemorySwap"] = (spec.memory_limit_mib + said.swap_limit_mib) * _MIB
    return {
        **{name: value for name, value in wanted.items() if value},
        "LogConfig": _log_config(said, spec.log_limit_mib),
    }


def container_config(said: ContainerOptions) -> Document:
    """Those that stand beside it."""
    wanted: Document = {
        "User": said.user,
        "WorkingDir": said.working_directory,
        "Hostname": said.host_name,
        "StopSignal": said.stop_signal,
    }
    # Always said, 0 too: it is read back when the container has to be stopped.
    return {
        **{name: value for name, value in wanted.items() if value},
        "StopTimeout": said.stop_within,
    }


def _is_there(device: Device, present: Present) -> bool:
    return not device.optional or device.host in present.devices


def _device(said: Device) -> Document:
    return {
        "PathOnHost": said.host,
        "PathInContainer": said.container or said.host,
        "CgroupPermissions": said.permissions,
    }


def _gpus(said: Gpus) -> Document:
    # Docker takes a count or ids, not both.
    which: Document = {"DeviceIDs": said.ids} if said.ids else {"Count": said.count}
    return {"Driver": said.driver, "Capabilities": [said.capabilities], **which}


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _log_config(said: ContainerOptions, limit_mib: int) -> Document:
    """The limit is of what the log takes on this device, whatever the driver; options that are
    given win. Two files of half the size: with one, each rotation would throw all of it away."""
    driver = said.log_driver or DEFAULT_LOG_DRIVER
    size, files = f"{max(1, limit_mib * 512)}k", "2"
    if driver in KEEPS_FILES:
        bounds = {"max-size": size, "max-file": files}
    elif driver in KEEPS_NOTHING:
        bounds = {}
    else:
        # Engine 20.10 and later keep a copy of what they send away, to be read here.
        bounds = {"cache-max-size": size, "cache-max-file": files}
    return {"Type": driver, "Config": {**bounds, **said.log_options}}
