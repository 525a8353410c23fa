"""What may be asked of the network as a whole."""

from ecn.commands.command import Command
from events.network import Broker, DefaultRouter


class SetDefaultRouter(Command, frozen=True, kw_only=True):
    """Let nodes without another upstream lead there; refused while a system node has it."""

    router: DefaultRouter


class ChangeNetworkSetting(Command, frozen=True, kw_only=True):
    """Let the setting have this value."""

    key: str
    value: str


class SetBroker(Command, frozen=True, kw_only=True):
    """Let this be the interior router, as agents reach it; None: let there be none."""

    broker: Broker | None


NetworkCommand = SetBroker | SetDefaultRouter | ChangeNetworkSetting
