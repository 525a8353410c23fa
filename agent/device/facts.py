"""The device as the controller is told of it: what the engine says, else what the system says."""

import functools
import os
import platform
import time
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent.contract import Facts
from agent.images.disk import room_at
from agent.lifecycle.engine import EngineFacts


@functools.cache  # it looks through the installed packages
def agent_version() -> str:
    """Of the installed package; empty when it runs from bare files."""
    try:
        return version("ecn")
    except PackageNotFoundError:
        return ""


def device_facts(
    *,
    engine: EngineFacts | None,
    problem: str,
    volumes: str = "",
    storage: str = "",
    local_api: str = "",
    folder: Path | None = None,
) -> Facts:
    """Read now. Cheap enough to be asked before each report. folder: the agent's own."""
    return Facts(
        agent_version=agent_version(),
        architecture=platform.machine(),
        operating_system=engine.operating_system if engine else operating_system(),
        kernel=platform.release(),
        host_name=platform.node(),
        cpus=engine.cpus if engine else os.cpu_count() or 0,
        memory_mib=engine.memory_mib if engine else memory_mib(),
        disk_mib=disk_mib(folder) if folder is not None else 0,
        engine_version=engine.version if engine else "",
        engine_problem=problem,
        volume_problem=volumes,
        storage_problem=storage,
        local_api_problem=local_api,
    )


def on_own_network() -> bool:
    """Whether the agent is in a container without the device's network: it reaches no container
    then, and no engine reaches it."""
    contained = any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))
    bridges = any(
        each.name.startswith(("docker", "br-")) for each in Path("/sys/class/net").iterdir()
    )
    return contained and not bridges


def booted_at(now: datetime) -> datetime:
    """When the device was started, on the clock of `now`, wherever that was set meanwhile."""
    return now - timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


def operating_system() -> str:
    """For people: a distribution and its release."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def disk_mib(folder: Path) -> int:
    """How large the file system of that folder is; 0 where it can't be seen."""
    room = room_at(folder)
    return room.total // (1024 * 1024) if room is not None else 0


def memory_mib() -> int:
    """Of the device; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
    except (ValueError, OSError):
        return 0
