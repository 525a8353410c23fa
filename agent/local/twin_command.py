"""`ecn-agent twin`: for who stands before the device. Asks the running agent, no controller.

It comes in by the microservice's own socket, which only root and the agent's account can reach from
outside its container, so that there is one way only in which a twin is changed here.
"""

import http.client
import os
import socket
from pathlib import Path

import click
import msgspec

from agent.errors import AgentError
from agent.local.merge_patch import Document, assignment, together
from agent.local.socket import SOCKET_FILE
from agent.options import failing_politely, folder_option
from agent.storage.store import Folder

ANSWER_WITHIN = 15.0
"""Seconds."""


@click.group("twin")
def twin_group() -> None:
    """What a microservice should be, and what it says that it is."""


@twin_group.command("get")
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@folder_option
def get_command(microservice: str, path: Path) -> None:
    """Show both sections, as JSON. `edits` is how many changes wait for the controller."""
    with failing_politely():
        twin = _asked(Folder(path), microservice, "GET", "/v1/twin")
    click.echo(msgspec.json.format(twin, indent=2))


@twin_group.command("set")
@click.argument("microservice", metavar="APPLICATION/MICROSERVICE")
@click.argument("properties", nargs=-1, required=True, metavar="NAME=VALUE...")
@folder_option
def set_command(microservice: str, properties: tuple[str, ...], path: Path) -> None:
    """Set desired properties here. A value is JSON, else text; null removes the property.

    It counts at once. The controller hears of it when it can, and decides where it was changed
    there, too.
    """
    patch: Document = {}
    for each in properties:
        try:
            patch = together(patch, assignment(each))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    with failing_politely():
        answer = _asked(
            Folder(path), microservice, "PATCH", "/v1/twin/desired", msgspec.json.encode(patch)
        )
    changed = msgspec.json.decode(answer, type=dict[str, object])["changed"]
    click.echo(f"{microservice}: desired properties {'changed' if changed else 'are so already'}")


def _asked(folder: Folder, name: str, method: str, path: str, body: bytes | None = None) -> bytes:
    """What the agent answers. Errors: AgentError."""
    known = folder.desired_state()
    names = {
        f"{each.application}/{each.name}": key
        for key, each in (known.microservices if known is not None else {}).items()
    }
    if name not in names:
        there = ", ".join(sorted(names)) or "none"
        raise AgentError(f"this device has no microservice {name!r}; it has: {there}")
    connection = _Connection(folder.microservices / names[name])
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AgentError(
            f"the agent does not answer ({error}); does it run? ecn-agent status"
        ) from error
    finally:
        connection.close()
    if answer.status >= 400:
        problem = msgspec.json.decode(content, type=dict[str, object])
        raise AgentError(f"{problem.get('detail')}; {problem.get('next_step', '')}".rstrip("; "))
    return content


class _Connection(http.client.HTTPConnection):
    """HTTP over a microservice's socket."""

    def __init__(self, directory: Path) -> None:
        super().__init__("agent", timeout=ANSWER_WITHIN)
        self._directory = directory

    def connect(self) -> None:
        """By way of the folder's descriptor: a socket's path has 107 bytes at most."""
        descriptor = os.open(self._directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(ANSWER_WITHIN)
            self.sock.connect(f"/proc/self/fd/{descriptor}/{SOCKET_FILE}")
        finally:
            os.close(descriptor)
