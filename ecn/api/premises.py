"""What a request takes for granted when it is made into a command: who sends it, and of what.

The path names a thing, the handler looks it up; whether it still means that, and whether its
sender still may, is looked at once more where the command is decided (ecn/deciders/premises.py).
"""

from collections.abc import Mapping

from msgspec.structs import replace

from ecn.api.principal import RANK, Device, Operator
from ecn.commands import AnyCommand
from ecn.commands.application import (
    CreateMicroservice,
    DeleteApplication,
    DeleteMicroservice,
    MoveMicroservice,
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
    UpdateMicroservice,
)
from ecn.commands.catalog import DeleteRegistry
from ecn.commands.command import ByDevice, ByToken, Meant
from ecn.commands.node import DeleteNode, DeprovisionNode, IssueProvisioningKey, UpdateNode
from ecn.commands.user import DeleteUser, UpdateUser
from events.user import Role


def with_premises(
    command: AnyCommand, path: Mapping[str, str], sender: ByToken | ByDevice | None
) -> AnyCommand:
    """The command, with what it takes for granted.

    path: the parameters of the request's path; none where they are not names as we give them.
    """
    return replace(command, meant=_meant(command, path), sent=sender)


def by_token(who: Operator, least: Role) -> ByToken:
    """A user whose role is enough for something."""
    enough = tuple(role for role, rank in RANK.items() if rank >= RANK[least])
    return ByToken(who.token_id, enough)


def by_device(who: Device) -> ByDevice:
    """A device."""
    return ByDevice(who.credential_hash)


def _meant(command: AnyCommand, path: Mapping[str, str]) -> Meant | None:
    """What the path calls the thing that the command is about, if it names one."""
    match command:
        case UpdateNode() | DeleteNode() | DeprovisionNode() | IssueProvisioningKey():
            kind, id_ = "node", str(command.node_id)
        case StartApplication() | StopApplication() | DeleteApplication() | CreateMicroservice():
            kind, id_ = "application", str(command.application_id)
        case (
            UpdateMicroservice()
            | DeleteMicroservice()
            | MoveMicroservice()
            | StartMicroservice()
            | StopMicroservice()
        ):
            if not path:
                return None
            ref = path.get("id") or "/".join(path.get(each, "") for each in ("application", "name"))
            return Meant("microservice", ref, command.microservice_id)
        case DeleteRegistry():
            kind, id_ = "registry", str(command.registry_id)
        case UpdateUser() | DeleteUser():
            kind, id_ = "user", str(command.user_id)
        case _:
            return None
    return Meant(kind, path[kind], id_) if kind in path else None
