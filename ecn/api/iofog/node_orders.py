"""What operators let a node do: become a device's, upgrade itself, start anew, clean up."""

from datetime import timedelta

from aiohttp import web
from msgspec import Struct

from ecn.api.commanding import COMMAND_ID, execute, first_event
from ecn.api.iofog.endpoint import Endpoint, answer, empty
from ecn.api.iofog.node_refusals import node_of
from ecn.api.keys import CLOCK, TELEMETRY, VAULT
from ecn.commands import node as commands
from ecn.errors import AnswerLost
from ecn.iofog import identifiers, refusals, times
from ecn.vault import hash_of
from events.ids import NodeId
from events.node import Instruction, ProvisioningKeyIssued
from events.user import Role

KEY_VALID_FOR = timedelta(minutes=20)
SHORT_KEY = "iofog-provisioning-key"
HASHED = "iofog-provisioning-key-hash"
"""What secrets are derived for."""


class ProvisioningKey(Struct, frozen=True, rename="camel"):
    """What an agent becomes the node with."""

    key: str
    expiration_time: int


async def issue_key(request: web.Request) -> web.Response:
    """A key that makes one device this node; it replaces an earlier one."""
    node_id = node_of(request)
    return answer(await fresh_key(request, node_id), 201)


async def fresh_key(request: web.Request, node_id: NodeId) -> ProvisioningKey:
    """Issue a key as short as people type it; for a retry, the same. Errors: AnswerLost."""
    secret = request.app[VAULT].derived(SHORT_KEY, request[COMMAND_ID])
    key = identifiers.made_of(secret, identifiers.KEY_LENGTH)
    command = commands.IssueProvisioningKey(
        node_id=node_id,
        key_hash=key_hash(request, key),
        expires_at=request.app[CLOCK]() + KEY_VALID_FOR,
    )
    outcome = await execute(request, command)
    issued = await first_event(request, outcome, ProvisioningKeyIssued)
    if issued is not None and issued.key_hash != command.key_hash:
        raise AnswerLost
    return ProvisioningKey(key, times.milliseconds((issued or command).expires_at))


def key_hash(request: web.Request, key: str) -> str:
    """The hash of a short key, as the log has it.

    Whoever may read the log could try all keys of eight letters against a mere hash before one
    expires: it is made with what only controllers have.
    """
    return hash_of(request.app[VAULT].derived(HASHED, key))


async def instruct_version(request: web.Request) -> web.Response:
    """Let the agent upgrade itself, or go back."""
    node_id, command = node_of(request), request.match_info["command"]
    if command not in ("upgrade", "rollback"):
        words = "upgrade,rollback"
        raise refusals.invalid(f"Field versionCommand is not one of enum values: {words}")
    await request.app[TELEMETRY].look([node_id])
    status = request.app[TELEMETRY].status(node_id)
    # Who never said anything is taken at ioFog's word: it may go up, and not back.
    if command == "rollback" and not (status is not None and status.ready_to_rollback):
        raise refusals.invalid("Can't rollback version now. There are no backups on agent")
    if command == "upgrade" and status is not None and not status.ready_to_upgrade:
        raise refusals.invalid("Can't upgrade version now. Latest is already installed")
    return await _instruct(request, Instruction(command))


async def reboot(request: web.Request) -> web.Response:
    """Let the device start anew."""
    return await _instruct(request, Instruction.REBOOT)


async def prune(request: web.Request) -> web.Response:
    """Let the agent remove images that nothing uses."""
    return await _instruct(request, Instruction.PRUNE)


async def _instruct(request: web.Request, instruction: Instruction) -> web.Response:
    await execute(request, commands.InstructNode(node_id=node_of(request), instruction=instruction))
    return empty()


_NODE = "/iofog/{uuid}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_NODE + "/provisioning-key",
        handler=issue_key,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Issue a one-time provisioning key; it replaces an earlier one",
        answer=ProvisioningKey,
        status=201,
        changes=True,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/version/{command}",
        handler=instruct_version,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the agent upgrade itself (upgrade) or go back (rollback)",
        status=204,
        refusals=(400, 404),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/reboot",
        handler=reboot,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the device start anew",
        status=204,
        refusals=(404,),
    ),
    Endpoint(
        method="POST",
        path=_NODE + "/prune",
        handler=prune,
        access=Role.OPERATOR,
        tag="nodes",
        summary="Let the agent remove images that nothing uses",
        status=204,
        refusals=(404,),
    ),
)
