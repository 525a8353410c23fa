"""One door to the deciders of each kind."""

from typing import assert_never

from ecn.commands.application import ApplicationCommand
from ecn.commands.catalog import CatalogCommand
from ecn.commands.edge_resource import EdgeResourceCommand
from ecn.commands.network import NetworkCommand
from ecn.commands.node import NodeCommand
from ecn.commands.route import RouteCommand
from ecn.commands.session import SessionCommand
from ecn.commands.template import TemplateCommand
from ecn.commands.together import SingleCommand
from ecn.commands.twin import TwinCommand
from ecn.commands.user import UserCommand
from ecn.commands.volume import VolumeCommand
from ecn.deciders import (
    application,
    catalog,
    edge_resource,
    network,
    node,
    route,
    session,
    template,
    twin,
    user,
    volume,
)
from events.envelope import KnownEvent
from projections.world import World


def decide_one(world: World, command: SingleCommand) -> list[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    if isinstance(command, NodeCommand):
        return list(node.decide(world, command))
    if isinstance(command, ApplicationCommand):
        return list(application.decide(world, command))
    if isinstance(command, CatalogCommand):
        return list(catalog.decide(world, command))
    if isinstance(command, RouteCommand):
        return list(route.decide(world, command))
    if isinstance(command, TemplateCommand):
        return list(template.decide(world, command))
    if isinstance(command, EdgeResourceCommand):
        return list(edge_resource.decide(world, command))
    if isinstance(command, VolumeCommand):
        return list(volume.decide(world, command))
    if isinstance(command, NetworkCommand):
        return list(network.decide(world, command))
    if isinstance(command, TwinCommand):
        return list(twin.decide(world, command))
    if isinstance(command, SessionCommand):
        return list(session.decide(world, command))
    if isinstance(command, UserCommand):
        return list(user.decide(world, command, decide_one))
    assert_never(command)
