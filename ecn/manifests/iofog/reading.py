"""One document of ioFog's YAML as the wish that it stands for. Pure.

AgentConfig, Registry, CatalogItem, EdgeResource, Volume and Route become what our own manifests
become. Application, ApplicationTemplate and Microservice are checked here and go to the controller
as they are: it fills in templates and Liquid, which may stand for any value.
"""

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.iofog_documents import IofogDocument, IofogMetadata
from ecn.api.route_documents import ApplyRoute
from ecn.manifests.iofog import shapes
from ecn.manifests.kinds import Kind
from ecn.manifests.shape import Bad, Fault, checked, did_you_mean, faults, shown
from ecn.manifests.wishes import (
    CatalogItem,
    EdgeResource,
    Manifest,
    NodeChange,
    Ported,
    Registry,
    RegistrySpec,
    Route,
    Volume,
    VolumeSpec,
)
from ecn.yaml_text import Path
from events.edge_resource import ResourceDisplay, ResourceEndpoint
from events.node import RouterMode

VERSIONS = ("iofog.org/v3", "iofog.org/v2")
SPEC: Path = ("spec",)

ELSEWHERE = {
    "ControlPlane": "a controller is started on its own machine: ecn controller --help",
    "KubernetesControlPlane": "a controller is started where it runs: ecn controller --help",
    "LocalControlPlane": "on this machine: ecn up",
    "Controller": "a controller is started on its own machine: ecn controller --help",
    "LocalController": "on this machine: ecn up",
    "Agent": "ecn logs in to no device: make the node (kind AgentConfig, or ecn create node), then "
    "run on the device what ecn provision-key NAME prints",
    "LocalAgent": "on this machine: ecn up, or ecn agent --help",
    "IofogctlConfig": "which controller, and as whom: ecn login, ecn context",
    "Namespace": "a context is that: ecn context list",
}
"""Kinds that are about machines rather than the network, and what to do instead."""


def is_iofogs(value: object) -> bool:
    """Whether the document says that it is ioFog's."""
    version = value.get("apiVersion") if isinstance(value, dict) else None
    return isinstance(version, str) and version.startswith("iofog.org/")


def manifest(value: object) -> Manifest:
    """The wish. Errors: Bad."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in ELSEWHERE:
        raise Bad([Fault(("kind",), f"{kind} is nothing that ecn deploys; {ELSEWHERE[kind]}")])
    frame = checked(value, shapes.Frame, ())
    if frame.api_version not in VERSIONS:
        raise Bad([Fault(("apiVersion",), f"{shown(frame.api_version)} is not known")])
    if frame.metadata.tags is not None and frame.kind != "AgentConfig":
        raise Bad([Fault(("metadata", "tags"), f"{frame.kind} has no tags here")])
    match frame.kind:
        case "AgentConfig":
            return _agent(frame)
        case "EdgeResource":
            return _edge_resource(frame)
        case "Registry":
            return _registry(frame)
        case "CatalogItem":
            return _catalog_item(frame)
        case "Volume":
            return _volume(frame)
        case "Route":
            return _route(frame)
        case "Application":
            return _ported(frame, Kind.APPLICATION, shapes.Application)
        case "ApplicationTemplate":
            return _ported(frame, Kind.TEMPLATE, shapes.ApplicationTemplate)
        case "Microservice":
            return _microservice(frame)
    known = ["AgentConfig", "EdgeResource", "Registry", "CatalogItem", "Volume", "Route"]
    known += ["Application", "ApplicationTemplate", "Microservice"]
    said = f"{shown(frame.kind)} is not a kind; {did_you_mean(frame.kind, known)}"
    raise Bad([Fault(("kind",), said)])


def _name(frame: shapes.Frame, own: str | None) -> str:
    """Of metadata, or of the spec where that kind has it there."""
    name = frame.metadata.name or own
    if not name:
        raise Bad([Fault(("metadata",), "name is missing")])
    if own and own != name:
        raise Bad([Fault((*SPEC, "name"), f"metadata calls it {frame.metadata.name!r}")])
    return name


PLATFORMS = {"auto": "", "x86": "x86", "arm": "arm", 0: "", 1: "x86", 2: "arm"}
AGENT = {
    "docker_url": "engine_url",
    "network_interface": "network_interface",
    "disk_limit": "disk_limit_gib",
    "disk_directory": "disk_directory",
    "memory_limit": "memory_limit_mib",
    "cpu_limit": "cpu_limit_percent",
    "log_limit": "log_limit_gib",
    "log_directory": "log_directory",
    "log_file_count": "log_files",
    "log_level": "log_level",
    "status_frequency": "status_interval",
    "change_frequency": "change_interval",
    "device_scan_frequency": "device_scan_interval",
    "bluetooth_enabled": "bluetooth",
    "watchdog_enabled": "watchdog",
    "abstracted_hardware_enabled": "hardware_abstraction",
    "docker_pruning_frequency": "pruning_interval_hours",
    "available_disk_threshold": "disk_threshold_percent",
    "time_zone": "time_zone",
}
"""Fields of AgentConfig, and those of AgentSettings that they are."""
ROUTER = {
    "messaging_port": "messaging_port",
    "edge_router_port": "edge_port",
    "inter_router_port": "inter_router_port",
}


def _agent(frame: shapes.Frame) -> NodeChange:
    spec = checked(frame.spec, shapes.AgentConfig, SPEC)
    settings = _said(spec, {each: each for each in _ALIKE})
    if spec.agent_type is not None:
        if spec.agent_type not in PLATFORMS:
            said = f"{shown(spec.agent_type)} is not possible; known are: auto, x86, arm"
            raise Bad([Fault((*SPEC, "agentType"), said)])
        settings["platform"] = PLATFORMS[spec.agent_type]
    if frame.metadata.tags is not None:
        settings["tags"] = frame.metadata.tags
    if agent := _said(spec, AGENT):
        settings["agent"] = agent
    if router := _router(spec):
        settings["router"] = router
    return NodeChange(_name(frame, spec.name), settings)


_ALIKE = ("description", "location", "latitude", "longitude", "host")


def _router(spec: shapes.AgentConfig) -> dict[str, object]:
    router: dict[str, object] = {}
    if spec.router_config is not None:
        router |= _said(spec.router_config, ROUTER)
        mode = spec.router_config.router_mode
        if mode is not None:
            known = [each.value for each in RouterMode]
            if mode not in known:
                said = f"{shown(mode)} is not possible; {did_you_mean(mode, known)}"
                raise Bad([Fault((*SPEC, "routerConfig", "routerMode"), said)])
            router["mode"] = mode
    if spec.upstream_routers is not None:
        router["upstreams"] = spec.upstream_routers
    if spec.network_router is not None:
        router["network_router"] = spec.network_router
    return router


def _edge_resource(frame: shapes.Frame) -> EdgeResource:
    spec = checked(frame.spec, shapes.EdgeResource, SPEC)
    endpoints = spec.interface.endpoints if spec.interface is not None else None
    display = spec.display or shapes.Display()
    body = EdgeResourceManifest(
        description=spec.description or "",
        protocol=spec.interface_protocol,
        endpoints=[
            ResourceEndpoint(
                name=each.name,
                description=each.description or "",
                method=each.method,
                url=each.url,
                request_type=each.request_type or "",
                response_type=each.response_type or "",
                request_example=each.request_payload_example or "",
                response_example=each.response_payload_example or "",
            )
            for each in endpoints or []
        ],
        display=ResourceDisplay(
            name=display.name or "", icon=display.icon or "", color=display.color or ""
        ),
        tags=spec.orchestration_tags or [],
        custom=spec.custom or {},
    )
    return EdgeResource(f"{_name(frame, spec.name)}@{spec.version}", body)


def _registry(frame: shapes.Frame) -> Registry:
    spec = checked(frame.spec, shapes.Registry, SPEC)
    _refuse_id(spec.id)
    scheme, _, rest = spec.url.rpartition("://")
    url = rest.partition("/")[0]
    return Registry(
        frame.metadata.name or url.lower().replace(":", "-").replace("_", "-"),
        RegistrySpec(
            url=url,
            username=spec.username or "",
            password=spec.password,
            email=spec.email or "",
            public=not spec.private,
            secure=scheme != "http",
            certificate=spec.certificate or "",
            requires_certificate=bool(spec.requires_cert),
        ),
    )


def _catalog_item(frame: shapes.Frame) -> CatalogItem:
    spec = checked(frame.spec, shapes.CatalogItem, SPEC)
    _refuse_id(spec.id)
    registry = None if spec.registry in (None, "", "remote", "local") else spec.registry
    if registry is not None and registry.isdecimal():
        said = "remote, local, or a registry's name here: ecn get registries"
        raise Bad([Fault((*SPEC, "registry"), said)])
    images = {"x86": spec.x86, "arm": spec.arm}
    body = CatalogItemManifest(
        images={platform: image for platform, image in images.items() if image},
        registry=registry,
        from_cache=spec.registry == "local",
        description=spec.description or "",
        config_example=spec.config_example or "",
    )
    return CatalogItem(_name(frame, spec.name), body)


def _volume(frame: shapes.Frame) -> Volume:
    spec = checked(frame.spec, shapes.LocalVolume, SPEC)
    permissions = "666" if spec.permissions is None else str(spec.permissions)
    return Volume(
        _name(frame, spec.name),
        VolumeSpec(
            destination=spec.destination.rstrip("/") or "/",
            permissions=permissions,
            nodes=spec.agents,
            source=spec.source,
        ),
    )


def _route(frame: shapes.Frame) -> Route:
    spec = checked(frame.spec, shapes.Route, SPEC)
    return Route(_in_application(frame), ApplyRoute(source=spec.from_, destination=spec.to))


def _microservice(frame: shapes.Frame) -> Ported:
    application = frame.spec.get("application")
    name = frame.metadata.name
    if isinstance(application, str) and "/" not in name:
        name = f"{application}/{name}"
        frame = msgspec.structs.replace(
            frame, metadata=msgspec.structs.replace(frame.metadata, name=name)
        )
    _in_application(frame)
    return _ported(frame, Kind.MICROSERVICE, shapes.Microservice)


def _in_application(frame: shapes.Frame) -> str:
    """`<application>/<name>`, as metadata has it. Errors: Bad."""
    name = frame.metadata.name
    application, _, rest = name.partition("/")
    if not application or not rest or "/" in rest:
        said = f"{name!r} names no {frame.kind}: write <application>/<name>"
        raise Bad([Fault(("metadata", "name"), said)])
    return name


def _ported(frame: shapes.Frame, kind: Kind, shape: type[shapes.Shape]) -> Ported:
    """Checked, but for what Liquid stands for; the controller knows that, and has the last word."""
    found = [
        fault
        for fault in faults(frame.spec, inspect.type_info(shape), SPEC)
        if not _is_liquid(frame.spec, fault.path)
    ]
    found += _agents_with_config(frame.spec)
    name = _name(frame, None)
    if found:
        raise Bad(found)
    document = IofogDocument(kind=frame.kind, metadata=IofogMetadata(name=name), spec=frame.spec)
    return Ported(kind, name, document)


def _is_liquid(spec: object, path: Path) -> bool:
    value = spec
    for step in path[1:]:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return False
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _agents_with_config(value: object, path: Path = SPEC) -> Iterator[Fault]:
    """Of microservices, which may set up their agents by the way in iofogctl."""
    if not isinstance(value, dict):
        return
    agent = value.get("agent")
    if isinstance(agent, dict) and agent.get("config"):
        said = "an agent is set up by a document of its own, of kind AgentConfig"
        yield Fault((*path, "agent", "config"), said)
    members = value.get("microservices")
    for index, each in enumerate(members if isinstance(members, list) else []):
        yield from _agents_with_config(each, (*path, "microservices", index))
    yield from _agents_with_config(value.get("application"), (*path, "application"))


def _refuse_id(number: int | None) -> None:
    if number:
        said = "it is known by its name here: leave the id out"
        raise Bad([Fault((*SPEC, "id"), said)])


def _said(spec: shapes.Shape, names: dict[str, str]) -> dict[str, object]:
    """What it says, by our names."""
    return {
        ours: value
        for theirs, ours in names.items()
        if (value := getattr(spec, theirs)) is not None
    }
