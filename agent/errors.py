"""What goes wrong on a device, as sentences for its people and types for the agent.

AgentError
├── FolderInUse, FolderUnusable      the agent's own folder
├── NotProvisioned, AlreadyProvisioned, ProvisioningRefused
├── ControllerUnreachable, CredentialRefused, NodeDeprovisioned, ControllerRefused
├── NotWithdrawn, StillRuns          of a deprovisioning
├── SettingRefused, CannotInstall
├── CannotUpgrade                    the version that runs goes on running
└── EngineError                      anything about containers; `cause` names its class
    ├── EngineUnavailable            nobody answers: says nothing about the microservice
    ├── ImageNotFound, RegistryRefused, RegistryUnreachable, DiskFull
    ├── PortTaken, BadContainerOptions, ContainerGone, NetworkGone (StartLeftOver), FilesMissing
    ├── NotWell                      a new container beside the old one
    └── EngineRefused                everything else that the engine would not do
"""

from pathlib import Path
from typing import ClassVar


class AgentError(Exception):
    """Something the agent can say in one sentence."""


class FolderInUse(AgentError):
    """Two agents on one folder would fight over its containers and its sequence numbers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"another agent is using the folder {folder}; stop it first, "
            "or give this one its own folder with --data"
        )
        self.folder = folder


class FolderUnusable(AgentError):
    """The agent's folder can't be read or written."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"the agent's folder {folder} can't be used: {why}")
        self.folder = folder


class NotProvisioned(AgentError):
    """There is no identity in the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"this device does not belong to a network yet (no identity in {folder}); "
            "run `ecn-agent provision --controller URL --key-file FILE` first"
        )
        self.folder = folder


class AlreadyProvisioned(AgentError):
    """There is an identity that nobody asked to give up."""

    def __init__(self, node_name: str, controller: str) -> None:
        super().__init__(
            f"this device is already node {node_name!r} of {controller}; "
            "use --replace to give that up (its containers are removed)"
        )


class ProvisioningRefused(AgentError):
    """The controller answered, and said no."""


class ControllerUnreachable(AgentError):
    """Nobody answered, or not in time, or with an error that may pass.

    retry_after: seconds that it asked to wait; 0 when it did not say, or could not.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ControllerRefused(AgentError):
    """The controller calls the request itself wrong: telling it again will not help."""


class CredentialRefused(AgentError):
    """401: this credential was never good there. No reason to give up the containers."""


class NodeDeprovisioned(AgentError):
    """410: this very credential was withdrawn."""


class NotWithdrawn(AgentError):
    """A device wanted to give its node up, and the controller has not heard of it."""

    def __init__(self, node_name: str, why: str) -> None:
        super().__init__(
            f"the controller was not told that this device gives node {node_name!r} up, so nothing "
            f"was undone ({why}); try again, or clear this device alone with --offline"
        )


class StillRuns(AgentError):
    """The running agent was asked to end, and has not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"the agent that uses {folder} was asked to end and has not; stop it (for a service: "
            "systemctl stop ecn-agent), then give the same command again"
        )


class SettingRefused(AgentError):
    """A setting can't be changed from this device."""


class CannotInstall(AgentError):
    """The agent can't be made a service here."""


class CannotUpgrade(AgentError):
    """Another version of the agent can't be installed, or would not work here."""


class EngineError(AgentError):
    """The container engine could not do what it was asked. The text is a whole sentence."""

    cause: ClassVar[str] = "engine-error"


class EngineUnavailable(EngineError):
    """The engine does not answer."""

    cause = "engine-unavailable"


class ImageNotFound(EngineError):
    """Neither the device nor the registry has the image."""

    cause = "image-not-found"


class RegistryRefused(EngineError):
    """The registry wants other credentials, or none of us for now."""

    cause = "registry-refused"


class RegistryUnreachable(EngineError):
    """No answer from the registry, or none that could be trusted."""

    cause = "registry-unreachable"


class DiskFull(EngineError):
    """No room for an image, or so little that none is begun."""

    cause = "disk-full"


class PortTaken(EngineError):
    """A port of the device that the microservice publishes is in use."""

    cause = "port-taken"


class BadContainerOptions(EngineError):
    """The engine can't make or start a container so."""

    cause = "bad-container-options"


class ContainerGone(EngineError):
    """The container was removed by somebody else in the meantime."""

    cause = "container-gone"


class FilesMissing(EngineError):
    """Files of a volume that the microservice mounts could not be written, and there are no older
    ones: started without them, it would run as nobody wants it."""

    cause = "files-missing"


class NetworkGone(EngineError):
    """The network that the container was made for was removed by somebody: it needs a new one."""

    cause = "network-gone"


class StartLeftOver(NetworkGone):
    """The engine was killed while it started the container, and can never start it again.

    Handled as its parent is: a new container starts. (Engine 20.10 with containerd: the task that
    was begun is in the way of any other, and the engine does not know of it.)
    """

    cause = "start-left-over"


class NotWell(EngineError):
    """A new container that ran beside the old one did not become well."""

    cause = "not-well"


class EngineRefused(EngineError):
    """Any other refusal, in the engine's own words."""

    cause = "engine-refused"
