"""Whether this agent can work on this device: `ecn-agent check`, and an upgrade's first question.

Reads only; the running agent, of another version perhaps, is not disturbed.
"""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from agent.docker.engine import DockerEngine
from agent.errors import EngineError
from agent.storage.desired_state import Known
from agent.storage.journal import Journal
from agent.storage.store import Folder, Identity

MOST = 10_000
"""Undelivered rows of the journal that are tried."""


def folder_problems(folder: Folder) -> dict[str, str]:
    """By file, why this version can't read it. Nothing of what it holds is told."""
    problems: dict[str, str] = {}
    for name, kind in (("identity.json", Identity), ("desired-state.json", Known)):
        try:
            msgspec.json.decode((folder.path / name).read_bytes(), type=kind)
        except FileNotFoundError:
            continue
        except (OSError, msgspec.DecodeError) as error:
            problems[name] = f"can't be read ({type(error).__name__})"
    if folder.journal.exists():
        try:
            _try_journal(folder.journal)
        except (OSError, sqlite3.Error, msgspec.DecodeError, ValueError) as error:
            problems[folder.journal.name] = f"can't be read ({type(error).__name__})"
    return problems


def _try_journal(path: Path) -> None:
    """Open a copy of it: opening the journal itself could change it."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".check-") as room:
        copied = Path(room) / path.name
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copied)) as copy,
        ):
            source.backup(copy)
        with Journal(copied) as journal:
            journal.pending(MOST)
        if copied.with_name(f"{copied.name}.broken").exists():
            raise ValueError("it had to be begun anew")


async def problems(folder: Folder, engine_url: str) -> list[str]:
    """Why this agent could not work here; none when it can."""
    found = [f"{name} {why}" for name, why in folder_problems(folder).items()]
    try:
        async with DockerEngine(engine_url) as engine:
            await engine.facts()
    except EngineError as error:
        found.append(f"the container engine: {error}")
    return found
