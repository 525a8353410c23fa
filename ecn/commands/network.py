"""What may be asked of the network as a whole."""

from ecn.commands.command import Command
from events.network import DefaultRouter


class SetDefaultRouter(Command, frozen=True, kw_only=True):
    """Let nodes without another upstream lead there; refused while a system node has it."""

    router: DefaultRouter


class ChangeNetworkSetting(Command, frozen=True, kw_only=True):
    """Let the setting have this value."""

    key: str
    value: str


NetworkCommand = SetDefaultRouter | ChangeNetworkSetting
