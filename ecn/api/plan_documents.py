"""The documents of plans and reverts: changes to consider, and what would come of them."""

from enum import StrEnum

from msgspec import Struct, field

from ecn.api import route_documents
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.documents import (
    Answer,
    ApplicationManifest,
    Changed,
    MicroserviceManifest,
    Page,
    Problem,
    RegistryManifest,
    Request,
    UpdateNode,
)
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.iofog_documents import IofogDocument
from ecn.api.template_documents import TemplateManifest
from ecn.api.volume_documents import VolumeManifest
from events.node import Instruction, NodeSettings

REVERT_TO = "revert-to/"
"""How the `causation_id` of a revert's events begins; the position follows."""

# --- requests ---------------------------------------------------------------------------------


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """One request that changes something, as a document."""


class ApplyApplication(Change, frozen=True, kw_only=True, tag="apply-application"):
    """As `PUT /applications/{name}`."""

    name: str
    manifest: ApplicationManifest


class ApplyRegistry(Change, frozen=True, kw_only=True, tag="apply-registry"):
    """As `PUT /registries/{name}`. The password is compared, and neither sealed nor kept."""

    name: str
    manifest: RegistryManifest


class ApplyNode(Change, frozen=True, kw_only=True, tag="apply-node"):
    """Register the node, or give the one of that name these settings, whole."""

    name: str
    settings: NodeSettings = field(default_factory=NodeSettings)


class ChangeNode(Change, frozen=True, kw_only=True, tag="update-node"):
    """As `PATCH /nodes/{node}`."""

    node: str
    change: UpdateNode


class ConfigureNode(Change, frozen=True, kw_only=True, tag="configure-node"):
    """Register the node, or give the one of that name these settings among its own."""

    name: str
    settings: dict[str, object]
    """A merge patch of them."""


class ApplyCatalogItem(Change, frozen=True, kw_only=True, tag="apply-catalog-item"):
    """As `PUT /catalog-items/{name}`."""

    name: str
    manifest: CatalogItemManifest


class ApplyTemplate(Change, frozen=True, kw_only=True, tag="apply-template"):
    """As `PUT /templates/{name}`."""

    name: str
    manifest: TemplateManifest


class ApplyEdgeResource(Change, frozen=True, kw_only=True, tag="apply-edge-resource"):
    """As `PUT /edge-resources/{name}@{version}`."""

    name: str
    """`<name>@<version>`."""
    manifest: EdgeResourceManifest


class ApplyVolume(Change, frozen=True, kw_only=True, tag="apply-volume"):
    """As `PUT /volumes/{name}`."""

    name: str
    manifest: VolumeManifest


class ApplyRoute(Change, frozen=True, kw_only=True, tag="apply-route"):
    """As `PUT /routes/{application}/{name}`."""

    name: str
    """`<application>/<name>`."""
    manifest: route_documents.ApplyRoute


class ApplyIofogDocument(Change, frozen=True, kw_only=True, tag="apply-iofog-document"):
    """As `POST /iofog-documents`."""

    document: IofogDocument


class CreateMicroservice(Change, frozen=True, kw_only=True, tag="create-microservice"):
    """As `POST /applications/{application}/microservices`."""

    application: str
    manifest: MicroserviceManifest


class ChangeMicroservice(Change, frozen=True, kw_only=True, tag="update-microservice"):
    """As `PATCH /microservices/{application}/{name}`: a merge patch of its manifest."""

    microservice: str
    change: dict[str, object]


class Delete(Change, frozen=True, kw_only=True, tag="delete"):
    """As the DELETE of that thing."""

    subject: str
    """`<kind>/<name or id>`, `microservice/shop/web` for instance; not a user."""
    force: bool = False
    """A node with its microservices."""


class Start(Change, frozen=True, kw_only=True, tag="start"):
    """Let an application or a microservice run."""

    subject: str


class Stop(Change, frozen=True, kw_only=True, tag="stop"):
    """Let an application or a microservice not run."""

    subject: str


class Move(Change, frozen=True, kw_only=True, tag="move"):
    """As `POST /microservices/{application}/{name}/move`."""

    microservice: str
    node: str


class Rename(Change, frozen=True, kw_only=True, tag="rename"):
    """Another name for a node, an application, or a microservice within its application."""

    subject: str
    name: str


class Rebuild(Change, frozen=True, kw_only=True, tag="rebuild"):
    """As `POST /microservices/{application}/{name}/rebuild`."""

    microservice: str


class Deprovision(Change, frozen=True, kw_only=True, tag="deprovision"):
    """As `POST /nodes/{node}/deprovision`."""

    node: str


class Instruct(Change, frozen=True, kw_only=True, tag="instruct"):
    """As `POST /nodes/{node}/{instruction}`."""

    node: str
    instruction: Instruction
    version: str = ""
    """Of an upgrade."""


AnyChange = (
    ApplyApplication
    | ApplyRegistry
    | ApplyNode
    | ConfigureNode
    | ApplyCatalogItem
    | ApplyTemplate
    | ApplyEdgeResource
    | ApplyVolume
    | ApplyRoute
    | ApplyIofogDocument
    | ChangeNode
    | CreateMicroservice
    | ChangeMicroservice
    | Delete
    | Start
    | Stop
    | Move
    | Rename
    | Rebuild
    | Deprovision
    | Instruct
)


class PlanRequest(Request, frozen=True, kw_only=True):
    """Changes, one after the other. One that is refused leaves nothing for those after it."""

    changes: list[AnyChange]


class RevertRequest(Request, frozen=True, kw_only=True):
    """Let things be as they were, all of them or none."""

    to: str
    """A position, or an RFC 3339 time."""
    subjects: list[str]
    """`<kind>/<name or id>` each."""
    plan: bool = False
    """Only say what would come of it."""
    expected_position: int | None = None
    """Refuse if one of the subjects was changed since this position: that of the plan seen."""


# --- answers ----------------------------------------------------------------------------------


class PlannedField(Answer, frozen=True, kw_only=True):
    """One field that is different. Passwords are only told to be set, or to be another one."""

    field: str
    """As in a manifest; below it for maps: `image`, `env.TITLE`."""
    before: object = None
    """None where there was nothing."""
    after: object = None


class PlannedEvent(Answer, frozen=True, kw_only=True):
    """An event that would be appended."""

    type: str
    subject: str
    """`<kind>/<name>`: what is yet to be made has no id."""
    says: str
    """What it changes, in words."""
    fields: list[PlannedField]


class Becomes(StrEnum):
    """What becomes of the thing that a change is about."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class PlannedChange(Answer, frozen=True, kw_only=True):
    """What one of the changes leads to."""

    about: str
    """`<kind>/<name>`."""
    word: Becomes
    events: list[PlannedEvent]
    """Empty when everything is as asked, and when it is refused."""
    problem: Problem | None = None
    """Why it is refused; its field is counted from the request that the change stands for."""


class Doing(StrEnum):
    """What an agent does to a microservice's container."""

    CREATE = "create"
    REPLACE = "replace"
    """Remove it, and create another: what is not on a volume is lost."""
    START = "start"
    RESTART = "restart"
    """Its restart policy is such now that a container which is not well is started again."""
    STOP = "stop"
    """It is kept."""
    REMOVE = "remove"
    CONFIGURE = "configure"
    """Its configuration is delivered to it while it runs on."""
    NOTHING = "nothing"
    """Something changes that its container does not notice."""


class ContainerAction(Answer, frozen=True, kw_only=True):
    """What happens to one container on one node."""

    microservice: str
    """`<application>/<name>`."""
    action: Doing
    because: list[str]
    """The fields that cause it, where fields do."""
    says: str
    moves_from: str = ""
    """For a create: the node that it leaves."""
    moves_to: str = ""
    """For a remove: the node that it goes to."""


class PlannedNode(Answer, frozen=True, kw_only=True):
    """What the agent of a node will do."""

    name: str
    state: str
    """registered (no device yet), online, offline: then it happens when it is back."""
    actions: list[ContainerAction]
    """Sorted by microservice. None of them for a node that is merely touched."""


class Caution(Answer, frozen=True, kw_only=True):
    """Something to know before doing it."""

    code: str
    """Stable; for programs."""
    about: str
    says: str
    next_step: str = ""


class Totals(Answer, frozen=True, kw_only=True):
    """How many things, and how many containers."""

    created: int
    updated: int
    deleted: int
    refused: int
    """Changes, not things."""
    containers: dict[Doing, int]
    """Without those to which nothing happens."""


class Plan(Page, frozen=True, kw_only=True):
    """What would happen, if it were done now. Nothing was changed, and nothing is reserved."""

    changes: list[PlannedChange]
    nodes: list[PlannedNode]
    """Sorted by name."""
    warnings: list[Caution]
    totals: Totals


class Reverted(Page, frozen=True, kw_only=True):
    """What a revert did, or would do."""

    to: int
    """The position that the subjects are as of."""
    plan: Plan
    done: Changed | None
    """None when only a plan was asked for."""
