"""The agent as a service of systemd: its unit and its environment as texts. Pure.

`installation.py` writes them, `ecn-agent install --print` shows them. What is confined and what is
not is said in the unit itself, where whoever changes it reads it.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

NAME = "ecn-agent"
STATE_FOLDERS = Path("/var/lib")


class Service(Struct, frozen=True, kw_only=True):
    """What an installation is to be like."""

    prefix: Path
    data: Path
    engine_url: str
    python: str
    """The interpreter that runs the launcher."""
    environment_file: Path
    memory_max_mib: int = 512
    """Of the agent with all that it starts, pip too; 0: no limit."""
    cpu_quota_percent: int = 0
    """Of one core; 0: no limit."""
    allow_reboot: bool = False


def command(service: Service) -> list[str]:
    """What a supervisor has to start, and to start again unless it ends with 3."""
    launcher = str(service.prefix / "launcher.py")
    engine = ["--docker-host", service.engine_url]
    return [service.python, "-I", launcher, "run", "--data", str(service.data), *engine]


def unit(service: Service) -> str:
    """The text of ecn-agent.service."""
    limits = []
    if service.memory_max_mib:
        limits.append(f"MemoryMax={service.memory_max_mib}M")
    if service.cpu_quota_percent:
        limits.append(f"CPUQuota={service.cpu_quota_percent}%")
    # systemd makes and keeps it, where it is the usual one.
    state = []
    if service.data.parent == STATE_FOLDERS:
        state = [f"StateDirectory={service.data.name}", "StateDirectoryMode=0700"]
    lines = [
        "# Written by `ecn-agent install`, which writes it anew. Changes of yours belong into",
        f"# {NAME}.service.d/*.conf (systemctl edit {NAME}).",
        "[Unit]",
        "Description=ECN agent: runs this node's microservices",
        "# Not network-online.target: a device that starts without a network starts its",
        "# microservices all the same.",
        "After=docker.service",
        "Wants=docker.service",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={' '.join(_escaped(word) for word in command(service))}",
        f"EnvironmentFile=-{service.environment_file}",
        "# The agent's own watchdog ends it after a minute; this one is for where that hangs too.",
        "WatchdogSec=120",
        "Restart=always",
        "RestartSec=2",
        "# 3: the node was taken from this device. 75: it asks to be started again.",
        "RestartPreventExitStatus=3",
        "SuccessExitStatus=3 75",
        "TimeoutStopSec=40",
        "# Containers are not its children: they run on.",
        "KillMode=mixed",
        *state,
        *limits,
        "",
        "# It writes to its folder, its prefix, and where volumes of the network are to be.",
        f"ReadWritePaths={_quoted(str(service.prefix))}",
        "ProtectSystem=true",
        "ProtectHome=read-only",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "NoNewPrivileges=yes",
        "RestrictRealtime=yes",
        "RestrictNamespaces=yes",
        "LockPersonality=yes",
        "SystemCallArchitectures=native",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID",
        "# Not PrivateTmp: what it writes below /tmp for a volume has to be there for Docker.",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def environment(service: Service, before: str = "") -> str:
    """The environment file: ours as asked for; what somebody added to it stays as it was."""
    ours = {"ECN_AGENT_ALLOW_REBOOT": "1"} if service.allow_reboot else {}
    kept = [
        line
        for line in before.splitlines()
        if line.partition("=")[0].strip() not in OURS and line not in HEADER
    ]
    lines = [*HEADER, *kept, *(f"{key}={value}" for key, value in ours.items())]
    return "\n".join(lines) + "\n"


OURS = frozenset({"ECN_AGENT_ALLOW_REBOOT"})
HEADER = (
    "# Of the ECN agent's service. Where `ecn upgrade` gets packages from is pip's own matter:",
    "# PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS and so on may stand here.",
)


def by_hand(service: Service, extra: Mapping[str, str]) -> str:
    """For supervisors other than systemd."""
    words = " ".join(_quoted(word) for word in command(service))
    settings = "".join(f"{key}={value} " for key, value in extra.items())
    return (
        "There is no systemd here. Let your supervisor run, as root, this very command, and start "
        "it again\nwhenever it ends, unless with exit code 3:\n\n"
        f"  {settings}{words}\n"
    )


def shim(service: Service) -> str:
    """A script for the people of the device: the agent's commands, of the present version."""
    python = service.prefix / "current" / "bin" / "python"
    return (
        "#!/bin/sh\n# Written by `ecn-agent install`.\n"
        f': "${{ECN_AGENT_DATA:={service.data}}}" "${{DOCKER_HOST:={service.engine_url}}}"\n'
        "export ECN_AGENT_DATA DOCKER_HOST\n"
        f'exec {_quoted(str(python))} -P -m agent "$@"\n'
    )


def _escaped(word: str) -> str:
    """As systemd reads it in a unit, where % and $ mean something."""
    return _quoted(word).replace("%", "%%").replace("$", "$$")


def _quoted(word: str) -> str:
    """As systemd and a shell both read it."""
    plain = all(c.isalnum() or c in "/._-:=+@" for c in word)
    return word if plain and word else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
