"""The device as the controller is told of it: what the engine says, else what the system says."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from agent.contract import Facts
from agent.engine import EngineFacts


def agent_version() -> str:
    """Of the installed package; empty when it runs from bare files."""
    try:
        return version("ecn")
    except PackageNotFoundError:
        return ""


def device_facts(*, engine: EngineFacts | None, problem: str, volumes: str = "") -> Facts:
    """Read now. Cheap enough to be asked before each report."""
    return Facts(
        agent_version=agent_version(),
        architecture=platform.machine(),
        operating_system=engine.operating_system if engine else _operating_system(),
        cpus=engine.cpus if engine else os.cpu_count() or 0,
        memory_mib=engine.memory_mib if engine else _memory_mib(),
        engine_version=engine.version if engine else "",
        engine_problem=problem,
        volume_problem=volumes,
    )


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _memory_mib() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
    except (ValueError, OSError):
        return 0
