"""What may be asked of the network: imperative, with all ids, times and chance filled in."""

from ecn.commands.application import ApplicationCommand
from ecn.commands.catalog import CatalogCommand
from ecn.commands.node import NodeCommand
from ecn.commands.user import UserCommand

AnyCommand = NodeCommand | ApplicationCommand | CatalogCommand | UserCommand
