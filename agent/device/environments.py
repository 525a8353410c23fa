"""Environments with a version of the agent each: made with venv and pip, and asked what they are.

For `upgrade.py` and `installation.py`. Everything runs in processes of its own, bounded in time, at
low priority where it is long, and without what is secret in this agent's environment.
"""

import asyncio
import os
import re
import secrets
import shutil
import sys
from pathlib import Path

import msgspec
from msgspec import Struct, field

from agent.errors import CannotUpgrade

VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,62}(?:\+[0-9A-Za-z.]{1,30})?")
INSTALL_WITHIN, CHECK_WITHIN = 1800.0, 90.0
"""Seconds: a slow link and a slow disk, and a device that swaps."""
REQUIREMENT = "ecn[agent]"
NEW = ".new-"


class _Metadata(Struct, frozen=True):
    version: str


class _Candidate(Struct, frozen=True):
    metadata: _Metadata


class _PipReport(Struct, frozen=True):
    """What `pip install --report` says, as far as we read it."""

    install: list[_Candidate] = field(default_factory=list)


async def newest(prefix: Path) -> str:
    """What the package index has."""
    said = await _pip(
        prefix / "current", "--dry-run", "--ignore-installed", "--no-deps", "--quiet",
        "--report", "-", REQUIREMENT, within=CHECK_WITHIN * 2,
    )  # fmt: skip
    try:
        found = msgspec.json.decode(said[said.index("{") :], type=_PipReport).install
    except (ValueError, msgspec.DecodeError) as error:
        raise CannotUpgrade("pip did not say which version is the newest") from error
    if not found:
        raise CannotUpgrade("the package index of this device has no version of ecn")
    return found[0].metadata.version


def complete(prefix: Path, version: str) -> bool:
    """Whether that version was built to its end."""
    return (prefix / "versions" / version / "complete").exists()


async def build_version(prefix: Path, version: str) -> None:
    """An environment with that version; one that is whole is used as it is."""
    if complete(prefix, version):
        return
    built = await build(prefix, f"{REQUIREMENT}=={version}", shares=shares_packages(prefix))
    home = prefix / "versions" / version
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    built.rename(home)


async def build(prefix: Path, requirement: str, *, shares: bool) -> Path:
    """An environment made of that requirement, beside the versions: whoever asked moves it.

    It may be moved, as long as nobody calls its scripts, which name their interpreter. Each has a
    name of its own: what an agent that was killed had begun may still write to another one.

    shares: whether it sees the packages of the system. Errors: CannotUpgrade; what was half built
    is removed now, or by the next attempt.
    """
    versions = prefix / "versions"
    for left in versions.glob(f"{NEW}*"):
        await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
    home = versions / f"{NEW}{secrets.token_hex(4)}"
    base = str(getattr(sys, "_base_executable", sys.executable))
    shared = ("--system-site-packages",) if shares else ()
    try:
        await ran(base, "-m", "venv", *shared, home, within=CHECK_WITHIN * 2)
        await _pip(home, requirement, within=INSTALL_WITHIN)
        await asyncio.to_thread((home / "complete").write_text, "")
        await asyncio.to_thread(os.sync)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
        raise
    return home


async def version_in(environment: Path) -> str:
    """What the agent there says that it is. Errors: CannotUpgrade."""
    python = environment / "bin" / "python"
    said = await ran(python, "-P", "-m", "agent", "--version", within=CHECK_WITHIN)
    version = said.split()[-1] if said.split() else ""
    if not VERSION.fullmatch(version):
        raise CannotUpgrade(f"what was installed says no version: {said[:100]!r}")
    return version


def shares_packages(prefix: Path) -> bool:
    """Whether the current version sees the packages of the system: then the next does, too."""
    try:
        said = (prefix / "current" / "pyvenv.cfg").read_text()
    except OSError:
        return False
    return re.search(r"(?m)^include-system-site-packages\s*=\s*true", said) is not None


async def _pip(environment: Path, *arguments: str, within: float) -> str:
    pip = ("-m", "pip", "install", "--no-input", "--disable-pip-version-check")
    nice = ("nice", "-n", "19") if shutil.which("nice") else ()
    return await ran(*nice, environment / "bin" / "python", *pip, *arguments, within=within)


async def ran(*command: str | Path, within: float) -> str:
    """What it wrote to standard output. Errors: CannotUpgrade with the last it said."""
    words = [str(each) for each in command]
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("NOTIFY_", "WATCHDOG_", "ECN_"))
    }
    process = await asyncio.create_subprocess_exec(
        *words, env=kept, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    what = "pip" if "pip" in words else " ".join(words[words.index("-m") + 1 :][:2])
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise CannotUpgrade(f"{what} did not end within {within:.0f} s") from error
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            await process.wait()
    if process.returncode != 0:
        raise CannotUpgrade(f"{what} failed: {last_words(err.decode(errors='replace'))}")
    return out.decode(errors="replace")


def last_words(said: str) -> str:
    """The end of a program's complaint, bounded, without what may be a password in an address."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.lower().startswith("error")] or lines
    return re.sub(r"//[^/@\s]+@", "//***@", " ".join(telling[-2:]))[-500:] or "it said nothing"
