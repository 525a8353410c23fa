"""The words in which ioFog's agents say where a microservice stands, and ours. Pure."""

from ecn.agent_status import ContainerUsage
from events.application import ContainerState, ContainerStatus

QUEUED, UNKNOWN, STOPPED = "QUEUED", "UNKNOWN", "STOPPED"

_OURS = {
    "QUEUED": ContainerState.QUEUED,
    "PULLING": ContainerState.PULLING,
    "CREATING": ContainerState.STARTING,
    "CREATED": ContainerState.STARTING,
    "STARTING": ContainerState.STARTING,
    "UPDATING": ContainerState.STARTING,
    "RUNNING": ContainerState.RUNNING,
    "RESTARTING": ContainerState.BACKING_OFF,
    "STUCK_IN_RESTART": ContainerState.BACKING_OFF,
    "FAILED": ContainerState.FAILED,
    "EXITING": ContainerState.EXITED,
    "STOPPING": ContainerState.STOPPED,
    "STOPPED": ContainerState.STOPPED,
    "MARKED_FOR_DELETION": ContainerState.STOPPED,
    "DELETING": ContainerState.STOPPED,
    "DELETED": ContainerState.STOPPED,
    "UNKNOWN": ContainerState.UNKNOWN,
}
_THEIRS = {
    ContainerState.QUEUED: QUEUED,
    ContainerState.WAITING: QUEUED,
    ContainerState.PULLING: "PULLING",
    ContainerState.STARTING: "STARTING",
    ContainerState.RUNNING: "RUNNING",
    ContainerState.BACKING_OFF: "RESTARTING",
    ContainerState.EXITED: "EXITING",
    ContainerState.STOPPED: STOPPED,
    ContainerState.FAILED: "FAILED",
    ContainerState.UNKNOWN: UNKNOWN,
}
WORDS = frozenset(_OURS)
"""All that an agent may say."""


def ours(word: str) -> ContainerState:
    """What ioFog's word means; UNKNOWN for one that is none."""
    return _OURS.get(word.strip().upper(), ContainerState.UNKNOWN)


def theirs(state: ContainerState) -> str:
    """ioFog's word for a state."""
    return _THEIRS[state]


def shown(status: ContainerStatus | None, usage: ContainerUsage | None, *, heard: bool) -> str:
    """The word that users of ioFog's API are shown.

    The agent's own, as long as it means what the log knows: ioFog tells apart more than we do.

    heard: whether the node is; of one that is not, nobody knows what its containers do.
    """
    if status is None:
        return QUEUED
    if not heard:
        return UNKNOWN
    if usage is not None and usage.state and ours(usage.state) is status.state:
        return usage.state
    return theirs(status.state)
