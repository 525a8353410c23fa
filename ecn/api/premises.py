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
    RebuildMicroservice,
    RenameMicroservice,
    StartApplication,
    StartMicroservice,
    StopApplication,
    StopMicroservice,
    UpdateApplication,
    UpdateMicroservice,
)
from ecn.commands.catalog import DeleteCatalogItem, DeleteRegistry
from ecn.commands.command import ByDevice, ByToken, Meant
from ecn.commands.edge_resource import DeleteEdgeResource, LinkEdgeResource, UnlinkEdgeResource
from ecn.commands.node import (
    DeleteNode,
    DeprovisionNode,
    InstructNode,
    IssueProvisioningKey,
    UpdateNode,
)
from ecn.commands.route import CreateRoute, DeleteRoute, UpdateRoute
from ecn.commands.session import OpenSession
from ecn.commands.template import DeleteTemplate
from ecn.commands.twin import PatchTwin, ReplaceTwin
from ecn.commands.user import DeleteUser, UpdateUser
from ecn.commands.volume import DeleteVolume
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
        case (
            UpdateNode()
            | DeleteNode()
            | DeprovisionNode()
            | IssueProvisioningKey()
            | InstructNode()
        ):
            kind, id_ = "node", str(command.node_id)
        case (
            UpdateApplication()
            | StartApplication()
            | StopApplication()
            | DeleteApplication()
            | CreateMicroservice()
            | CreateRoute()
        ):
            kind, id_ = "application", str(command.application_id)
        case (
            UpdateMicroservice()
            | DeleteMicroservice()
            | MoveMicroservice()
            | StartMicroservice()
            | StopMicroservice()
            | RenameMicroservice()
            | RebuildMicroservice()
            | PatchTwin()
            | ReplaceTwin()
            | OpenSession()
        ):
            return _in_application(path, "microservice", command.microservice_id)
        case UpdateRoute() | DeleteRoute():
            return _in_application(path, "route", command.route_id)
        case DeleteRegistry():
            kind, id_ = "registry", str(command.registry_id)
        case DeleteCatalogItem():
            kind, id_ = "catalog-item", str(command.catalog_item_id)
        case DeleteTemplate():
            kind, id_ = "template", str(command.template_id)
        case DeleteEdgeResource() | LinkEdgeResource() | UnlinkEdgeResource():
            kind, id_ = "edge-resource", str(command.edge_resource_id)
        case DeleteVolume():
            kind, id_ = "volume", str(command.volume_id)
        case UpdateUser() | DeleteUser():
            kind, id_ = "user", str(command.user_id)
        case _:
            return None
    parameter = kind.replace("-", "_")
    return Meant(kind, path[parameter], id_) if parameter in path else None


def _in_application(path: Mapping[str, str], kind: str, id_: str) -> Meant | None:
    """What is addressed by its id, or as `<application>/<name>`."""
    if not path:
        return None
    ref = path.get("id") or "/".join(path.get(each, "") for each in ("application", "name"))
    return Meant(kind, ref, id_)
