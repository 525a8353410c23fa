"""What `ecn-agent info` and `config` show: the device, and how its agent is set up. Reads only."""

import os
import platform
from pathlib import Path

from msgspec import Struct, field, structs

from agent.contract import NodeConfig
from agent.device import launcher
from agent.device.facts import agent_version, device_facts
from agent.docker.engine import DockerEngine
from agent.errors import EngineError
from agent.images.disk import room_at
from agent.lifecycle.engine import EngineFacts
from agent.storage.store import Folder

DEFAULT, OPERATOR = "default", "controller"


class Information(Struct, frozen=True, kw_only=True):
    """The device and its agent."""

    node: str = ""
    node_id: str = ""
    controller: str = ""
    agent_version: str
    python: str
    architecture: str
    operating_system: str
    kernel: str
    host_name: str
    cpus: int
    memory_mib: int
    disk_mib: int
    """Of the file system that the agent's folder is on, as the next."""
    disk_free_mib: int
    engine: str = ""
    engine_problem: str = ""
    location: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str
    folder: str
    folder_kib: dict[str, int] = field(default_factory=dict)
    """What takes room in it, by name."""
    prefix: str = ""
    """Where the service's versions are, if it was installed as one."""
    versions: list[str] = field(default_factory=list)
    previous: str = ""
    """The version that a rollback goes to."""


class Setting(Struct, frozen=True):
    """One thing that can be set for the node."""

    key: str
    value: str | int | float | None
    source: str
    """controller: an operator set it; default."""


async def information(folder: Folder, engine_url: str, prefix: Path | None) -> Information:
    """Gather it. An engine that does not answer is part of the picture, no error."""
    identity, known = folder.identity(), folder.desired_state()
    config = known.node if known else NodeConfig()
    engine_facts: EngineFacts | None = None
    problem = ""
    try:
        async with DockerEngine(engine_url) as engine:
            engine_facts = await engine.facts()
    except EngineError as error:
        problem = str(error)
    facts = device_facts(engine=engine_facts, problem=problem, folder=folder.path)
    room = room_at(folder.path)
    versions = prefix / "versions" if prefix else None
    return Information(
        node=identity.name if identity else "",
        node_id=identity.node_id if identity else "",
        controller=identity.controller if identity else "",
        agent_version=agent_version(),
        python=platform.python_version(),
        architecture=facts.architecture,
        operating_system=facts.operating_system,
        kernel=facts.kernel,
        host_name=facts.host_name,
        cpus=facts.cpus,
        memory_mib=facts.memory_mib,
        disk_mib=facts.disk_mib,
        disk_free_mib=room.free // (1024 * 1024) if room else 0,
        engine=facts.engine_version,
        engine_problem=problem,
        location=config.location,
        latitude=config.latitude,
        longitude=config.longitude,
        time_zone=config.time_zone or device_time_zone(),
        folder=str(folder.path),
        folder_kib={each.name: size_kib(each) for each in sorted(folder.path.iterdir())},
        prefix=str(prefix or ""),
        versions=sorted(v.name for v in versions.iterdir() if v.is_dir()) if versions else [],
        previous=launcher.pointed(prefix, "previous") if prefix else "",
    )


def settings(folder: Folder) -> list[Setting]:
    """What operators set for the node, and the defaults of the rest."""
    known = folder.desired_state()
    config, usual = (known.node if known else NodeConfig()), NodeConfig()
    found = []
    for key, value in structs.asdict(config).items():
        source = DEFAULT if value == getattr(usual, key) else OPERATOR
        found.append(Setting(key, value, source))
    return found


def device_time_zone() -> str:
    """As the device is set; empty where it does not say."""
    link = Path("/etc/localtime")
    try:
        target = str(link.readlink())
    except OSError:
        return os.environ.get("TZ", "")
    return target.partition("zoneinfo/")[2]


def size_kib(path: Path) -> int:
    """What a file, or all below a folder, takes on the disk."""
    found = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    total = 0
    for each in found:
        try:
            total += each.lstat().st_blocks * 512
        except OSError:
            continue  # removed a moment ago
    return total // 1024
