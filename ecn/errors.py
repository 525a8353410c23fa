"""What the system refuses, as types with fields and a sentence for people. No HTTP here.

Refused
├── Invalid             a value breaks a rule of its own
│   └── BadCondition    it is no condition of the route language
├── NotFound            there is no such thing
├── Conflict            it contradicts what is there
│   ├── NameTaken, PortTaken, NodeInUse, RegistryInUse, LastAdmin
│   ├── DependedOn, PowersNotAllowed, PowersInUse
│   ├── CatalogItemInUse, ImagesFrozen, SeedKept, NoImage, RouteExists, NoPublicPort, HostUnknown
│   ├── RouterMissing, UpstreamNotInterior, RouterHasDownstreams, SystemNodeExists
│   ├── NotRestorable   what it was can't be brought back
│   ├── AgentTooOld     a device's agent does not know what is asked of it
│   ├── AnswerLost      it was carried out, and its answer can't be given again
│   ├── ReferenceMoved  what it names is another thing by now
│   └── RevisionMoved   it was decided on something that has changed since
├── TwinMoved           it was to happen to a version of a twin that is not the present one
├── NotAllowed          the asker may not
│   └── NotOurPage      it was some other page that asked
├── BadCredentials      nobody knows who is asking
├── Withdrawn           a credential that was good once
├── KeyRefused          a provisioning key that redeems nothing
├── TooMany             more than is bearable, of anything
├── Unreachable         a device that would have to answer does not
├── Behind              this controller has not seen the asked position yet
└── KeyReused           an idempotency key that already stands for another request
"""

from datetime import datetime

from routing.language import NotTheLanguage


class Refused(Exception):
    """A command or a question that was understood and refused. Nothing was changed."""

    code = "refused"
    next_step = ""

    def __init__(self, detail: str, *, field: str = "", next_step: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        if next_step:
            self.next_step = next_step

    def of(self, what: str) -> "Refused":
        """The same refusal, saying of which of several things it is."""
        self.detail = f"{what}: {self.detail}"
        self.args = (self.detail,)
        return self


class Invalid(Refused):
    """A value breaks a rule of its own. `field` is its place in the request."""

    code = "invalid"
    next_step = "Correct the named field and send the request again."


class BadCondition(Invalid):
    """A condition, or a query, of the route language that is none."""

    code = "bad-condition"
    next_step = "docs/route-language.md has all of the language."

    def __init__(
        self, where: str, problem: str, excerpt: str, *, hint: str = "", field: str = ""
    ) -> None:
        """where: line and column. excerpt: what is meant, marked in a line below it."""
        super().__init__(f"{where}: {problem}\n{excerpt}", field=field, next_step=hint)
        self.where, self.problem = where, problem

    @classmethod
    def of_language(cls, e: NotTheLanguage, *, field: str) -> "BadCondition":
        """As the language itself says it."""
        hint = f"{e.hint[:1].upper()}{e.hint[1:]}"
        if hint and hint[-1] not in ".?…":
            hint += "."
        return cls(
            f"line {e.line}, column {e.column}", e.problem, e.excerpt, hint=hint, field=field
        )


class NotFound(Refused):
    """There is no such thing."""

    code = "not-found"

    def __init__(self, kind: str, ref: str, *, field: str = "", at: int | None = None) -> None:
        """at: the position that was asked about, for a question about the past."""
        get = f"ecn get {_plural(kind)}"
        super().__init__(
            f"there is no {kind} {ref!r}"
            if at is None
            else f"there was no {kind} {ref!r} at position {at}",
            field=field,
            next_step=f"List what there is: {get}"
            if at is None
            else f"List what there was: {get} --at {at}",
        )
        self.kind, self.ref = kind, ref


class Conflict(Refused):
    """It contradicts what is there."""

    code = "conflict"


class NameTaken(Conflict):
    """Another thing of that kind bears the name."""

    code = "name-taken"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"there is a {kind} named {name!r} already",
            next_step="Choose another name, or change the one that is there: "
            f"ecn describe {kind} {name}",
        )
        self.kind, self.name = kind, name


class PortTaken(Conflict):
    """Something else on that node has the port."""

    code = "port-taken"

    def __init__(self, *, node: str, port: int, protocol: str, holder: str, field: str) -> None:
        super().__init__(
            f"port {port}/{protocol} of node {node!r} belongs to {holder}",
            field=field,
            next_step="Choose another host port, another node, or free the port first.",
        )
        self.port, self.protocol, self.holder = port, protocol, holder


class NodeInUse(Conflict):
    """Microservices are placed on the node and the caller did not force."""

    code = "node-in-use"

    def __init__(self, node: str, microservices: list[str]) -> None:
        super().__init__(
            f"node {node!r} still has {len(microservices)} "
            f"{'microservice' if len(microservices) == 1 else 'microservices'}: "
            + ", ".join(microservices[:5])
            + (", …" if len(microservices) > 5 else ""),
            next_step="Move or delete them first, or force: they are deleted with the node then.",
        )


class RegistryInUse(Conflict):
    """Microservices pull from the registry."""

    code = "registry-in-use"

    def __init__(self, registry: str, microservices: list[str]) -> None:
        super().__init__(
            f"registry {registry!r} is used by " + ", ".join(microservices[:5]),
            next_step="Let them use another registry, or delete them first.",
        )


class VolumeInUse(Conflict):
    """Microservices mount the volume's files."""

    code = "volume-in-use"
    next_step = "Take the mounts out of their volumes, or delete them first."

    def __init__(self, volume: str, microservices: list[str]) -> None:
        super().__init__(
            f"volume {volume!r} is mounted by "
            + ", ".join(microservices[:5])
            + (", …" if len(microservices) > 5 else "")
        )
        self.volume, self.microservices = volume, microservices


class CatalogItemInUse(Conflict):
    """Microservices are made of the item."""

    code = "catalog-item-in-use"
    next_step = "Delete them first, or let them be made of something else."

    def __init__(self, item: str, microservices: list[str]) -> None:
        super().__init__(f"catalog item {item!r} is used by " + ", ".join(microservices[:5]))
        self.item, self.microservices = item, microservices


class ImagesFrozen(Conflict):
    """Another image would replace containers that run."""

    code = "images-frozen"
    next_step = "Stop those microservices first, or make another item of the catalog."

    def __init__(self, item: str, microservices: list[str]) -> None:
        super().__init__(
            f"the images of catalog item {item!r} stay as they are while these run: "
            + ", ".join(microservices[:5]),
            field="$.images",
        )
        self.item, self.microservices = item, microservices


class SeedKept(Conflict):
    """An item that every catalog has."""

    code = "seed-kept"
    next_step = "Change it, if it should be another: ecn deploy -f <file>"

    def __init__(self, item: str) -> None:
        super().__init__(f"catalog item {item!r} is part of every catalog and can't be deleted")


class NoImage(Conflict):
    """There is no image for the node's platform."""

    code = "no-image"
    next_step = "Add an image for that platform, or choose another node."

    def __init__(self, microservice: str, node: str, platform: str, *, field: str) -> None:
        super().__init__(
            f"microservice {microservice!r} has no image for node {node!r}, which is {platform}",
            field=field,
        )
        self.microservice, self.node, self.platform = microservice, node, platform


class DependedOn(Conflict):
    """Others of its application wait for it."""

    code = "depended-on"
    next_step = "Take it out of their depends_on first, or delete them as well."

    def __init__(self, microservice: str, waiting: list[str]) -> None:
        super().__init__(
            f"these depend on microservice {microservice!r}: " + ", ".join(waiting[:5])
        )
        self.microservice, self.waiting = microservice, waiting


class PowersNotAllowed(Conflict):
    """It wants power over its device, and the node does not allow that."""

    code = "powers-not-allowed"

    def __init__(self, microservice: str, node: str, powers: list[str], *, field: str) -> None:
        super().__init__(
            f"node {node!r} does not allow what microservice {microservice!r} wants of its "
            f"device: {'; '.join(powers[:5])}",
            field=field,
            next_step="Do without, choose another node, or let an administrator of the device "
            f"allow it: access.privileged of node {node!r}.",
        )
        self.microservice, self.node, self.powers = microservice, node, powers


class PowersInUse(Conflict):
    """Microservices on the node have what it is to allow no more."""

    code = "powers-in-use"
    next_step = "Move or change them first, or let access.privileged be true."

    def __init__(self, node: str, microservices: list[str]) -> None:
        super().__init__(
            f"these have power over node {node!r}, which access.privileged allows: "
            + ", ".join(microservices[:5]),
            field="$.settings.access.privileged",
        )
        self.node, self.microservices = node, microservices


class RouteExists(Conflict):
    """Another route leads the same way."""

    code = "route-exists"
    next_step = "One is enough: use it, or delete it first."

    def __init__(self, source: str, destination: str, route: str) -> None:
        super().__init__(f"route {route!r} leads from {source!r} to {destination!r} already")
        self.source, self.destination, self.route = source, destination, route


class NoPublicPort(Conflict):
    """All public ports of a host are taken."""

    code = "no-public-port"
    next_step = "Name a port, choose another router, or free a port first."

    def __init__(self, host: str, first: int, last: int, *, field: str) -> None:
        super().__init__(f"all ports from {first} to {last} of {host!r} are taken", field=field)
        self.host = host


class HostUnknown(Conflict):
    """A template for a host leads nowhere."""

    code = "host-unknown"
    next_step = "Name what there is; a node that is named needs a host in its settings."

    def __init__(self, template: str, *, field: str) -> None:
        super().__init__(f"nothing is known of the host that {template} stands for", field=field)
        self.template = template


class RouterMissing(Conflict):
    """A router is to lead to one that is not there."""

    code = "router-missing"

    def __init__(self, ref: str, *, field: str = "") -> None:
        """ref: a node's id, or `default-router`."""
        if ref == "default-router":
            detail = "this network has no default router"
            step = (
                "Make one first: register a node with settings.system and an interior router, or "
                "set one outside all nodes."
            )
        else:
            detail = f"no router runs on node {ref!r}"
            step = "Name a node with an interior router, or default-router."
        super().__init__(detail, field=field, next_step=step)
        self.ref = ref


class UpstreamNotInterior(Conflict):
    """A router is to lead to one that takes no others."""

    code = "upstream-not-interior"
    next_step = "Name a node with an interior router, or let that node's router be interior first."

    def __init__(self, ref: str, *, field: str = "") -> None:
        super().__init__(f"the router of node {ref!r} is not interior", field=field)
        self.ref = ref


class RouterHasDownstreams(Conflict):
    """A router that others lead to is to take none any more."""

    code = "router-has-downstreams"
    next_step = "Let those lead elsewhere first."

    def __init__(self, node: str, downstreams: list[str], *, field: str = "") -> None:
        super().__init__(
            f"routers lead to that of node {node!r}: " + ", ".join(downstreams[:5]), field=field
        )
        self.node = node


class SystemNodeExists(Conflict):
    """There may be one system node only."""

    code = "system-node-exists"
    next_step = "Let that node be none any more, or delete it, first."

    def __init__(self, node: str, *, field: str = "") -> None:
        super().__init__(f"node {node!r} is the system node already", field=field)
        self.node = node


class NodesOnline(Conflict):
    """What somebody created goes with them, and agents are at work on it."""

    code = "nodes-online"
    next_step = "Stop their agents or delete the nodes first, or force."

    def __init__(self, user: str, nodes: list[str]) -> None:
        super().__init__(f"nodes that {user!r} created are online: " + ", ".join(nodes[:5]))


class LastAdmin(Conflict):
    """Nobody would be left who may manage users."""

    code = "last-admin"
    next_step = "Make somebody else an admin first."

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is the only admin")


class RevisionMoved(Conflict):
    """It was decided on something that has changed since."""

    code = "revision-moved"
    next_step = "Read it again and repeat the change on what is there now."

    def __init__(self, kind: str, ref: str) -> None:
        super().__init__(f"{kind} {ref!r} was changed by somebody else in between")


class TwinMoved(Refused):
    """A twin is at another version than the one that was named as the present one."""

    code = "twin-moved"
    next_step = "Read it again, and name the version that it has now, or none."

    def __init__(self, microservice: str, seen: int, version: int) -> None:
        super().__init__(
            f"what should be of {microservice!r} is at version {version}, no more at {seen}"
            if version > seen
            else f"what should be of {microservice!r} is at version {version}, not at {seen}"
        )
        self.seen, self.version = seen, version


class NotRestorable(Conflict):
    """What it was at an earlier time can't be brought back."""

    code = "not-restorable"

    def __init__(self, detail: str, *, next_step: str) -> None:
        super().__init__(detail, next_step=next_step)


class AnswerLost(Conflict):
    """A retried command was carried out before, and the secret that it made can't be made again."""

    code = "answer-lost"
    next_step = "Send the request again with a fresh Idempotency-Key: it makes another secret."

    def __init__(self) -> None:
        super().__init__(
            "this was carried out before, and its secret can't be shown again: the master key "
            "that it was made with is no longer in the controller's key file"
        )


class ReferenceMoved(Conflict):
    """A name or id that was looked up means something else by now. Asked again, it is found."""

    code = "reference-moved"
    next_step = "Send the request again: the name is looked up anew."

    def __init__(self, kind: str, ref: str) -> None:
        super().__init__(f"{kind} {ref!r} became another one in this very moment")
        self.kind, self.ref = kind, ref


class NotAllowed(Refused):
    """The asker is known and may not."""

    code = "not-allowed"
    next_step = "Ask an admin for a role that may do this."


class NotOurPage(NotAllowed):
    """It comes with the dashboard's cookie, and not from the dashboard's page."""

    code = "not-our-page"
    next_step = (
        "Open the dashboard itself. Behind a proxy, let that pass the Host header on as it came: "
        "docs/dashboard.md"
    )


class BadCredentials(Refused):
    """Nobody knows who is asking."""

    code = "bad-credentials"
    next_step = "Log in: ecn login <url>"


class Withdrawn(Refused):
    """A device's credential that was good once: its node is deprovisioned or deleted."""

    code = "node-deprovisioned"
    next_step = "To use the device again, provision it with a new key: ecn provision-key <node>"


class KeyRefused(Refused):
    """A provisioning key that is unknown, used or expired. Which of these, only for expiry."""

    code = "provisioning-key-refused"
    next_step = "Get a new key: ecn provision-key <node>"

    def __init__(self, expired_at: datetime | None = None) -> None:
        if expired_at is None:
            super().__init__("the provisioning key is unknown or was used already")
        else:
            self.code = "provisioning-key-expired"
            super().__init__(f"the provisioning key expired at {expired_at.isoformat()}")


class TooMany(Refused):
    """More than is bearable at once; try again later."""

    code = "too-many"
    next_step = "Wait a little and try again."

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unreachable(Refused):
    """A device that would have to answer does not."""

    code = "node-unreachable"
    next_step = "See whether its agent runs and reaches the controller: ecn describe node <node>"


class AgentTooOld(Conflict):
    """The node's agent does not know what is asked of it."""

    code = "agent-too-old"
    next_step = "Let ECN's own agent, of this version, run on the device: ecn agent install"

    def __init__(self, node: str, version: str) -> None:
        super().__init__(
            f"the agent of node {node!r} (version {version or 'unknown'}) has no streams that "
            "others could look through"
        )


class Behind(Refused):
    """This controller has not seen the asked position yet."""

    code = "position-not-reached"
    next_step = "Ask again shortly, or ask for a position that an answer named."

    def __init__(self, position: int, wanted: int) -> None:
        super().__init__(f"this controller is at position {position}, not yet at {wanted}")
        self.position, self.wanted = position, wanted


class KeyReused(Refused):
    """An idempotency key that already stands for another request."""

    code = "idempotency-key-reused"
    next_step = "Use a fresh Idempotency-Key for each request; repeat it only with the same body."

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for a different request before")


def _plural(kind: str) -> str:
    return kind[:-1] + "ies" if kind.endswith("y") else kind + "s"
