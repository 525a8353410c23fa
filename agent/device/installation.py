"""Puts the agent onto a device as a service, and takes it off again.

For `ecn-agent install` and `uninstall`. The layout and who starts what is explained in
`launcher.py`, the texts are made by `service.py`. Doing it again repairs, changes the options, or
brings another version; the agent's folder is never touched.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec
from msgspec import Struct

import agent.device.launcher as launcher_file
from agent.device import launcher, service
from agent.device.environments import REQUIREMENT, build, version_in
from agent.device.facts import agent_version
from agent.device.service import Service
from agent.device.upgrade import prefix_of_this
from agent.errors import CannotInstall
from agent.storage.store import write_whole

PREFIX = Path("/opt/ecn-agent")
SYSTEMCTL_WITHIN = 150.0


class Places(Struct, frozen=True):
    """Where the files of a service go. root: / but in tests."""

    root: Path = Path("/")

    @property
    def unit(self) -> Path:
        """For systemd."""
        return self.root / "etc/systemd/system" / f"{service.NAME}.service"

    @property
    def environment(self) -> Path:
        """Settings of the service; may hold passwords of package indexes."""
        return self.root / "etc" / service.NAME / "environment"

    @property
    def shim(self) -> Path:
        """The command for the people of the device."""
        return self.root / "usr/local/bin" / service.NAME

    @property
    def systemd(self) -> bool:
        """Whether it runs this device (sd_booted(3))."""
        return (self.root / "run/systemd/system").is_dir()


class _DirectUrl(Struct, frozen=True):
    """PEP 610: what a package was installed from, if from no index."""

    url: str = ""


def installed_prefix() -> Path | None:
    """Where this device's agent is installed; None where it is not, as a service."""
    found = prefix_of_this()
    if found is None and (PREFIX / "launcher.py").exists():
        return PREFIX
    return found


def base_python() -> str:
    """The interpreter that outlives all versions."""
    return str(getattr(sys, "_base_executable", sys.executable))


def source() -> str:
    """A requirement for what runs now: from where it was installed, else by its version."""
    try:
        said = distribution("ecn").read_text("direct_url.json")
        url = msgspec.json.decode(said, type=_DirectUrl).url if said else ""
    except (PackageNotFoundError, msgspec.DecodeError):
        url = ""
    if url.startswith("file://") and Path(url.removeprefix("file://")).exists():
        return f"{REQUIREMENT} @ {url}"
    return f"{REQUIREMENT}=={agent_version()}"


def requirement(said: str) -> str:
    """What somebody gave as `--from`: a wheel, a folder with the source, or a requirement."""
    path = Path(said)
    if path.exists():
        return f"{REQUIREMENT} @ {path.absolute().as_uri()}"
    return said


def lay_out(prefix: Path, wanted: str, *, shares: bool) -> str:
    """Install that requirement at the prefix and let it be the current one; its version.

    Errors: CannotUpgrade, CannotInstall; what ran before is the current one still.
    """
    try:
        (prefix / "versions").mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotInstall(f"{prefix} can't be made: {error.strerror}") from error
    versions = prefix / "versions"
    built = asyncio.run(build(prefix, wanted, shares=shares))
    version = asyncio.run(version_in(built))
    home, old = versions / version, versions / ".old"
    shutil.rmtree(old, ignore_errors=True)
    if home.exists():
        home.rename(old)
    built.rename(home)
    write_whole(prefix / "launcher.py", Path(launcher_file.__file__).read_bytes(), mode=0o644)
    with launcher.exclusive(prefix):
        launcher.keep(prefix, None)
        before = launcher.pointed(prefix, "current")
        launcher.point(prefix, "current", version)
        if before and before != version:
            launcher.point(prefix, "previous", before)
    shutil.rmtree(old, ignore_errors=True)
    return version


def set_up(wanted: Service, places: Places) -> bool:
    """Write the service's files, and start it; False where there is no systemd to start it.

    Errors: CannotInstall.
    """
    try:
        before = places.environment.read_text() if places.environment.exists() else ""
        places.environment.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        text = service.environment(wanted, before)
        write_whole(places.environment, text.encode(), mode=0o600)
        places.shim.parent.mkdir(parents=True, exist_ok=True)
        if not places.shim.exists() or _ours(places.shim):
            write_whole(places.shim, service.shim(wanted).encode(), mode=0o755)
        if not places.systemd:
            return False
        places.unit.parent.mkdir(parents=True, exist_ok=True)
        write_whole(places.unit, service.unit(wanted).encode(), mode=0o644)
    except OSError as error:
        raise CannotInstall(f"{error.filename} can't be written: {error.strerror}") from error
    _systemctl("daemon-reload")
    _systemctl("enable", service.NAME)
    _systemctl("restart", service.NAME)
    return True


def take_off(prefix: Path, places: Places) -> list[str]:
    """Stop the service and remove all that an installation wrote; what was there."""
    removed = []
    if places.unit.exists():
        if places.systemd:
            _systemctl("disable", "--now", service.NAME)
        places.unit.unlink()
        removed.append(str(places.unit))
        if places.systemd:
            _systemctl("daemon-reload")
    if places.shim.exists() and _ours(places.shim):
        places.shim.unlink()
        removed.append(str(places.shim))
    for folder in (places.environment.parent, prefix):
        if folder.exists():
            shutil.rmtree(folder)
            removed.append(str(folder))
    return removed


def _ours(path: Path) -> bool:
    return b"Written by `ecn-agent install`" in path.read_bytes()[:200]


def _systemctl(*words: str) -> None:
    """Errors: CannotInstall."""
    try:
        done = subprocess.run(
            ["systemctl", *words],  # noqa: S607 - the one of this device
            capture_output=True, text=True, timeout=SYSTEMCTL_WITHIN, check=False,
            env=os.environ,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"systemctl {' '.join(words)} failed: {error}") from error
    if done.returncode != 0:
        raise CannotInstall(
            f"systemctl {' '.join(words)} failed: {done.stderr.strip()[-300:]}; "
            f"see: journalctl -u {service.NAME} -n 50"
        )
