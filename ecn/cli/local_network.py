"""What `ecn up` sees to through the API: an administrator's token, a context, a node for here.

Everything is looked at before it is done: a second start finds all of it right and does nothing.
"""

from pathlib import Path

import msgspec
from msgspec import Struct, structs

from agent.errors import AgentError
from agent.storage.store import Folder
from ecn.api import documents as d
from ecn.cli import contexts
from ecn.cli.client import Client, client_of
from ecn.cli.contexts import Context, Contexts
from ecn.cli.errors import CliError, NotAllowed, Refused

CONTEXT = "local"


class Admin(Struct, frozen=True):
    """`admin.json`, as the controller writes it at its first start."""

    name: str
    password: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Admin({self.name!r})"


def read_admin(data: Path) -> Admin | None:
    """The administrator's credentials; None when the network was made elsewhere."""
    try:
        return msgspec.json.decode((data / "admin.json").read_bytes(), type=Admin)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as e:
        raise CliError(f"{data / 'admin.json'} can't be read: {type(e).__name__}") from None


def becomes(agent_data: Path, node: d.NodeDocument, url: str) -> bool:
    """Whether the device still has to become that node; the address it knows is put right.

    Errors: CliError when it is another node, or when another device is this one.
    """
    try:
        folder = Folder(agent_data)
        identity = folder.identity()
        if identity is None or not identity.node_id or identity.withdrawn:
            if node.state == "online":
                raise CliError(
                    f"another device is node {node.name} and online",
                    next_step="start with --node-name OTHER, or with --no-agent",
                )
            return True
        if identity.node_id != node.id:
            raise CliError(
                f"the agent in {agent_data} is node {identity.name} of {identity.controller}",
                next_step="start with --no-agent; or give that node up and start again: "
                f"rm -r {agent_data}",
            )
        if identity.controller != url:
            # --listen says something else than last time; credential and containers stay good.
            with folder.locked():
                folder.keep_identity(structs.replace(identity, controller=url))
    except AgentError as e:
        raise CliError(str(e)) from e
    return False


def context_for(known: Contexts, data: Path, url: str) -> str:
    """The name of this network's context: the one it has, else `local`, else one with its port."""
    for name, context in known.contexts.items():
        if context.data == str(data):
            return name
    taken = known.contexts.get(CONTEXT)
    # Another network of this machine, in another folder, keeps its own.
    return (
        CONTEXT if taken is None or taken.server == url else f"{CONTEXT}-{url.rpartition(':')[2]}"
    )


async def working_token(url: str, data: Path) -> str:
    """A token that may do everything, or "" when nobody left us one.

    The one at hand may have expired or been revoked; the password makes another then.
    """
    admin = read_admin(data)
    known = contexts.load(contexts.config_path())
    kept = known.contexts.get(context_for(known, data, url))
    own = kept is not None and kept.data == str(data) and kept.server == url
    candidates = [kept.token] if kept is not None and own else []
    candidates += [admin.token] if admin is not None else []
    for token in candidates:
        if token and await _is_good(url, token):
            return token
    if admin is None:
        return ""
    async with client_of(url, "") as client:
        try:
            body = d.Login(name=admin.name, password=admin.password, description="ecn up")
            return (await client.login(body)).token
        except NotAllowed:
            return ""  # the password was changed: a person knows it, we do not


def keep_context(url: str, data: Path, token: str) -> str:
    """Write this network's context. Returns its name, and how to use it where it is not in use."""
    path = contexts.config_path()
    with contexts.changing(path) as known:
        name = context_for(known, data, url)
        admin = read_admin(data)
        context = Context(server=url, user=admin.name if admin else "", token=token, data=str(data))
        if known.contexts.get(name) != context or not known.current:
            contexts.save(path, known.having(name, context, use=False))
        if known.current not in ("", name):
            return f"{name} (in use is {known.current}: ecn context use {name})"
    return name


async def key_for(client: Client, node: str, agent_data: Path, url: str) -> str:
    """A provisioning key, or "" when this device is that node already. Registers the node.

    Errors: as `becomes`.
    """
    try:
        document = await client.node(node)
    except Refused as e:
        if e.problem.status != 404:
            raise
        await client.register_node(d.RegisterNode(name=node))
        document = await client.node(node)
    if not becomes(agent_data, document, url):
        return ""
    return (await client.provisioning_key(document.id, d.IssueProvisioningKey())).key


async def _is_good(url: str, token: str) -> bool:
    async with client_of(url, token) as client:
        try:
            await client.users()
        except NotAllowed:
            return False
        return True
