"""Manifests: what people write in files, and the request documents that it stands for. Pure.

```yaml
apiVersion: ecn/v1
kind: Application        # or Node, Registry
metadata: {name: demo, labels: {team: a}}
spec: {...}
```

All documents of all files are read and checked before anything is sent; every fault is told with
its place. The way back is `manifest_text.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct, field, inspect

from ecn.api import documents as d
from ecn.cli.errors import BadManifest
from ecn.cli.shape import Fault, did_you_mean, faults, path_text, shown
from ecn.cli.yaml_text import BrokenYaml, Document, Path, parsed
from events.node import NodeSettings

API_VERSION = "ecn/v1"
KINDS = ("Node", "Registry", "Application")
"""In the order in which they are applied: what others refer to comes first."""


class Metadata(d.Request, frozen=True, kw_only=True):
    """What every manifest has."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)


class ApplicationSpec(d.Request, frozen=True, kw_only=True):
    """Of kind Application. Its labels stand in the metadata."""

    description: str = ""
    microservices: list[d.MicroserviceManifest] = field(default_factory=list)


class NodeSpec(d.Request, frozen=True, kw_only=True):
    """Of kind Node. Its labels stand in the metadata."""

    description: str = ""
    tags: list[str] = field(default_factory=list)
    host: str | None = None
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class PasswordSource(d.Request, frozen=True, kw_only=True):
    """Where a password is, so that it need not stand in the manifest."""

    env: str | None = None
    file: str | None = None


class RegistrySpec(d.Request, frozen=True, kw_only=True):
    """Of kind Registry. Without any password, the one it has stays."""

    url: str
    username: str = ""
    password: str | None = None
    password_from: PasswordSource | None = None


class Frame(d.Request, frozen=True, kw_only=True):
    """The outside of a document."""

    apiVersion: str  # noqa: N815 - the name that every such format has
    kind: str
    metadata: Metadata
    spec: dict[str, object] = field(default_factory=dict)


class NodeManifest(Struct, frozen=True):
    """A node that should be registered so."""

    name: str
    settings: NodeSettings


class Application(Struct, frozen=True):
    """An application that should be so."""

    name: str
    body: d.ApplicationManifest


class Registry(Struct, frozen=True):
    """A registry that should be so, its password not fetched yet."""

    name: str
    spec: RegistrySpec


Manifest = NodeManifest | Registry | Application

S = TypeVar("S", bound=Struct)

Env = Callable[[str], str | None]
ReadFile = Callable[[str], str]


class _Bad(Exception):
    def __init__(self, found: Iterable[Fault]) -> None:
        super().__init__()
        self.found = list(found)


def read_manifests(sources: Sequence[tuple[str, str]]) -> list[Manifest]:
    """The manifests in the texts, in the order to apply them.

    sources: (name, text) pairs; the name is for errors, `demo.yaml` for instance.
    Errors: BadManifest with every fault found in any of them.
    """
    found: list[Manifest] = []
    problems: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for source, text in sources:
        try:
            documents = parsed(text)
        except BrokenYaml as e:
            problems.append(f"{source}:{e.place.line}:{e.place.column}: {e.message}")
            continue
        for document in documents:
            top = document.place(())
            try:
                manifest = _manifest(document.value)
            except _Bad as e:
                problems += [_located(source, document, fault) for fault in e.found]
                continue
            here = f"{source}:{top.line}"
            key = (kind_of(manifest), manifest.name)
            if key in seen:
                problems.append(
                    f"{here}:{top.column}: {key[0]} {key[1]!r} stands here again; "
                    f"first in {seen[key]}"
                )
                continue
            seen[key] = here
            found.append(manifest)
    if problems:
        raise BadManifest("\n".join(problems), next_step="nothing was sent; correct and repeat")
    return sorted(found, key=lambda m: KINDS.index(kind_of(m)))


def kind_of(manifest: Manifest) -> str:
    """The kind, as its document names it."""
    match manifest:
        case NodeManifest():
            return "Node"
        case Registry():
            return "Registry"
        case Application():
            return "Application"


def registry_body(registry: Registry, env: Env, read_file: ReadFile) -> d.RegistryManifest:
    """The request for it, its password fetched from where the manifest says.

    Errors: BadManifest when there is none; OSError is the reader's to translate.
    """
    spec = registry.spec
    password = spec.password
    if spec.password_from is not None:
        where = "spec.password_from"
        if spec.password_from.env is not None:
            name = spec.password_from.env
            password = env(name)
            if not password:
                raise BadManifest(
                    f"registry {registry.name!r}: the environment has no {name}",
                    field=f"{where}.env",
                    next_step=f"export {name}, and repeat",
                )
        elif spec.password_from.file is not None:
            password = read_file(spec.password_from.file).rstrip("\r\n")
    return d.RegistryManifest(url=spec.url, username=spec.username, password=password)


def _manifest(value: object) -> Manifest:
    frame = _checked(value, Frame, ())
    if frame.apiVersion != API_VERSION:
        message = f"{shown(frame.apiVersion)} is not known; write apiVersion: {API_VERSION}"
        raise _Bad([Fault(("apiVersion",), message)])
    name, labels = frame.metadata.name, frame.metadata.labels
    match frame.kind:
        case "Application":
            spec = _checked(frame.spec, ApplicationSpec, ("spec",))
            _refuse_same_names(spec.microservices)
            return Application(
                name,
                d.ApplicationManifest(
                    description=spec.description, labels=labels, microservices=spec.microservices
                ),
            )
        case "Node":
            node = _checked(frame.spec, NodeSpec, ("spec",))
            return NodeManifest(name, NodeSettings(labels=labels, **msgspec.structs.asdict(node)))
        case "Registry":
            registry = _checked(frame.spec, RegistrySpec, ("spec",))
            _refuse_two_passwords(registry)
            if labels:
                raise _Bad([Fault(("metadata", "labels"), "a registry has no labels")])
            return Registry(name, registry)
        case other:
            message = f"{shown(other)} is not a kind; {did_you_mean(other, list(KINDS))}"
            raise _Bad([Fault(("kind",), message)])


def _checked(value: object, kind: type[S], path: Path) -> S:
    found = list(faults(value, inspect.type_info(kind), path))
    if found:
        raise _Bad(found)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        raise _Bad([Fault(path, str(e))]) from e


def _refuse_same_names(microservices: Sequence[d.MicroserviceManifest]) -> None:
    first: dict[str, int] = {}
    for i, microservice in enumerate(microservices):
        if microservice.name in first:
            message = (
                f"{microservice.name!r} is the name of "
                f"microservices[{first[microservice.name]}] already"
            )
            raise _Bad([Fault(("spec", "microservices", i, "name"), message)])
        first[microservice.name] = i


def _refuse_two_passwords(registry: RegistrySpec) -> None:
    source = registry.password_from
    if source is None:
        return
    if registry.password is not None:
        raise _Bad([Fault(("spec", "password"), "give password or password_from, not both")])
    if (source.env is None) == (source.file is None):
        raise _Bad([Fault(("spec", "password_from"), "give exactly one of env, file")])


def _located(source: str, document: Document, fault: Fault) -> str:
    place = document.place(fault.path)
    where = f"{path_text(fault.path)}: " if fault.path else ""
    hint = ""
    if fault.path == ("spec", "labels"):
        hint = " (labels go into metadata.labels)"
    return f"{source}:{place.line}:{place.column}: {where}{fault.message}{hint}"
