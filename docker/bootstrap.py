"""Gives the compose file's own agent its place: a node, and a key to become it.

`compose.yaml` runs it in the controller's image at each start, before the agent. It speaks the
HTTP API as the administrator, whose credentials the controller left in its data folder. The key
is good for one use and 20 minutes, and goes into a volume that only the agent mounts besides; it
is never printed. A node that has its device already is left alone (`--again` gives a new key,
for an agent that lost its data folder).
"""

import asyncio
import json
import os
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

ADMIN = Path(os.environ.get("ECN_DATA", "/var/lib/ecn")) / "admin.json"
KEY = Path(os.environ.get("ECN_KEY_FILE", "/run/ecn-key/key"))


async def asked(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    body: object = None,
    allowed: tuple[HTTPStatus, ...] = (),
) -> tuple[int, Any]:
    """Status and document. Errors: SystemExit with its words, but for the allowed ones."""
    async with session.request(method, f"/api/v1{path}", json=body) as answer:
        document = await answer.json(content_type=None)
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in allowed:
            raise SystemExit(f"{method} {path}: {answer.status} {document.get('detail')}")
        return answer.status, document


async def log_in(session: aiohttp.ClientSession) -> None:
    """As the administrator: by the token of `admin.json`, or by the password once it expired."""
    admin = json.loads(ADMIN.read_text())
    session.headers["Authorization"] = f"Bearer {admin['token']}"
    status, _ = await asked(session, "GET", "/nodes", allowed=(HTTPStatus.UNAUTHORIZED,))
    if status == HTTPStatus.UNAUTHORIZED:
        body = {"name": admin["name"], "password": admin["password"], "valid_for": 600}
        _, token = await asked(session, "POST", "/login", {**body, "description": "bootstrap"})
        session.headers["Authorization"] = f"Bearer {token['token']}"


async def issue_key(server: str, node: str, *, again: bool) -> str | None:
    """See that the node is there. Returns a key if it has no device yet, or if asked again."""
    async with aiohttp.ClientSession(server) as session:
        await log_in(session)
        status, found = await asked(
            session, "GET", f"/nodes/{node}", allowed=(HTTPStatus.NOT_FOUND,)
        )
        if status == HTTPStatus.NOT_FOUND:
            await asked(session, "POST", "/nodes", {"name": node})
        elif found["state"] != "registered" and not again:
            return None
        _, issued = await asked(session, "POST", f"/nodes/{node}/provisioning-key", {})
        return str(issued["key"])


def main() -> str:
    """Do it; the answer is for people."""
    node = os.environ["ECN_NODE"]
    key = asyncio.run(issue_key(os.environ["ECN_SERVER"], node, again="--again" in sys.argv))
    if key is None:
        return f"node {node} has its device"
    KEY.unlink(missing_ok=True)
    descriptor = os.open(KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return f"a key for node {node} lies ready"


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")
