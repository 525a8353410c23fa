"""Rules that a microservice's spec must keep by itself, whatever the world is like.

As in rules.py, each raises Invalid with the field's place. What concerns the container beyond
image, ports and mounts is in container_rules.py.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import PurePosixPath
from posixpath import normpath

from ecn.deciders import container_rules, rules
from ecn.errors import Invalid
from events.application import (
    MicroserviceSpec,
    PortMapping,
    Protocol,
    PublicPort,
    PublicProtocol,
    VolumeKind,
    VolumeMount,
)
from projections.host_templates import is_template, references

VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
ENV_NAME = re.compile(r"[^=\x00]+")
LONGEST_CONNECTION = 366 * 24 * 3600
"""Seconds that a limit of a public port's connections may be."""
RESERVED_PORTS = frozenset({54321, 54322})  # ioFog's Local API, and its secured form


def spec(value: MicroserviceSpec, *, field: str = "$") -> None:
    """All of a microservice's spec, fields and what they mean together."""
    _images(value, field)
    for part in ("entrypoint", "command"):
        rules.words(getattr(value, part), f"{field}.{part}")
    rules.few(value.env, f"{field}.env")
    for key, content in value.env.items():
        if not ENV_NAME.fullmatch(key):
            raise Invalid(f"{key!r} is no name of a variable", field=f"{field}.env")
        if "\x00" in content or len(content) > 128 * 1024:
            raise Invalid("has a NUL character or over 128 KiB", field=f"{field}.env.{key}")
    rules.labels(value.labels, field=f"{field}.labels")
    _ports(value, field)
    _volumes(value.volumes, f"{field}.volumes")
    rules.few(value.extra_hosts, f"{field}.extra_hosts")
    for index, host in enumerate(value.extra_hosts):
        here = f"{field}.extra_hosts[{index}]"
        template = is_template(host.address)
        if template and (len(host.address) > rules.LONGEST_TEXT or not references(host.address)):
            raise Invalid(
                f"{host.address!r} is not a valid host template, as ${{Agents.<node>}}, "
                "${Apps.<application>.<microservice>.local} or "
                "${Apps.<application>.<microservice>.public.<port>}",
                field=f"{here}.address",
            )
        address = template or host.address == "host-gateway" or _parsed(host.address)
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", host.name) or not address:
            raise Invalid(
                f"{host.name!r} -> {host.address!r}: needs a host name, and an IP address, "
                "host-gateway or a template",
                field=here,
            )
    container_rules.container(value, field=field)
    rules.config(value.config, field=f"{field}.config")


def overlap(one: PortMapping, other: PortMapping) -> bool:
    """Whether the two can't listen side by side on one device."""
    if (one.host, one.protocol) != (other.host, other.protocol):
        return False
    here, there = _parsed(one.address), _parsed(other.address)
    return here == there or any(each is None or each.is_unspecified for each in (here, there))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """None for the empty one and what is no address. One address may be written in many ways."""
    try:
        return None if "%" in address else ip_address(address)  # a zone means nothing to engines
    except ValueError:
        return None


def _images(value: MicroserviceSpec, field: str) -> None:
    said = [bool(value.image), bool(value.images), value.catalog_item_id is not None]
    if said.count(True) != 1:
        raise Invalid(
            "needs one of these and no other: an image, images by platform, a catalog item",
            field=f"{field}.image",
        )
    if value.image:
        rules.image(value.image, field=f"{field}.image")
    rules.images(value.images, field=f"{field}.images")


def _ports(value: MicroserviceSpec, field: str) -> None:
    rules.few(value.ports, f"{field}.ports")
    public: set[int] = set()
    earlier: dict[tuple[int, Protocol], list[PortMapping]] = {}
    for index, mapping in enumerate(value.ports):
        here = f"{field}.ports[{index}]"
        rules.port(mapping.host, field=f"{here}.host")
        rules.port(mapping.container, field=f"{here}.container")
        not_reserved(mapping.host, field=f"{here}.host")
        if mapping.address and _parsed(mapping.address) is None:
            raise Invalid(f"{mapping.address!r} is no IP address", field=f"{here}.address")
        alike = earlier.setdefault((mapping.host, mapping.protocol), [])
        if any(overlap(mapping, each) for each in alike):
            raise Invalid(f"host port {mapping.host}/{mapping.protocol} is there twice", field=here)
        alike.append(mapping)
        if mapping.public is not None:
            _public(mapping, mapping.public, here)
            if mapping.container in public:
                raise Invalid(
                    f"container port {mapping.container} is public twice", field=f"{here}.public"
                )
            public.add(mapping.container)


def not_reserved(value: int, *, field: str) -> None:
    """A port of a device that its agent does not keep for itself."""
    if value in RESERVED_PORTS:
        raise Invalid(f"port {value} is reserved for the agent itself", field=field)


def _public(mapping: PortMapping, public: PublicPort, field: str) -> None:
    if mapping.protocol is not Protocol.TCP:
        raise Invalid("only a tcp port can be public", field=f"{field}.protocol")
    here = f"{field}.public"
    rules.few(public.schemes, f"{here}.schemes")
    if not public.schemes:
        raise Invalid("names no scheme, as https", field=f"{here}.schemes")
    for scheme in public.schemes:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,31}", scheme):
            raise Invalid(f"{scheme!r} is no scheme, as https", field=f"{here}.schemes")
        if public.protocol is PublicProtocol.HTTP and not scheme.startswith("http"):
            raise Invalid(
                f"a port with the scheme {scheme!r} needs protocol tcp", field=f"{here}.protocol"
            )
    if public.port:
        rules.port(public.port, field=f"{here}.port")
        not_reserved(public.port, field=f"{here}.port")
    rules.text(public.router, field=f"{here}.router")
    rules.few(public.allow, f"{here}.allow")
    for index, each in enumerate(public.allow):
        try:
            ip_network(each)
        except ValueError:
            raise Invalid(
                f"{each!r} is no network, as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32",
                field=f"{here}.allow[{index}]",
            ) from None
    for name in ("longest_idle", "longest"):
        if not 0 <= getattr(public, name) <= LONGEST_CONNECTION:
            raise Invalid(
                f"is not between 0 and {LONGEST_CONNECTION} seconds", field=f"{here}.{name}"
            )


def _volumes(volumes: list[VolumeMount], field: str) -> None:
    rules.few(volumes, field)
    targets: set[str] = set()
    for index, volume in enumerate(volumes):
        here = f"{field}[{index}]"
        rules.text(volume.target, field=f"{here}.target")
        rules.text(volume.source, field=f"{here}.source")
        # Engines resolve `//` and `..` before they mount. By itself normpath keeps a leading `//`.
        target = normpath(re.sub("/+", "/", volume.target))
        if not PurePosixPath(target).is_absolute() or target == "/":
            raise Invalid("is no absolute path below /", field=f"{here}.target")
        if target == "/run/ecn" or target.startswith("/run/ecn/"):
            raise Invalid("/run/ecn holds the configuration", field=f"{here}.target")
        if target in targets:
            raise Invalid(f"{volume.target!r} is there twice", field=here)
        targets.add(target)
        match volume.kind:
            case VolumeKind.BIND:
                if not PurePosixPath(volume.source).is_absolute():
                    raise Invalid("is no absolute path of the device", field=f"{here}.source")
                if ":" in volume.source:
                    raise Invalid("has a colon, which engines misread", field=f"{here}.source")
            case VolumeKind.VOLUME:
                if not VOLUME_NAME.fullmatch(volume.source):
                    raise Invalid(
                        "is no name of a volume: at least two letters, digits, _ . -",
                        field=f"{here}.source",
                    )
            case VolumeKind.TMPFS:
                if volume.source:
                    raise Invalid("a tmpfs has no source", field=f"{here}.source")
            case VolumeKind.FILES:
                if not volume.source:
                    raise Invalid("names no volume of the controller's", field=f"{here}.source")
        if volume.size_mib is not None:
            if volume.kind is not VolumeKind.TMPFS:
                raise Invalid("only a tmpfs has a size", field=f"{here}.size_mib")
            if not 1 <= volume.size_mib <= container_rules.MOST_MIB:
                raise Invalid(
                    f"is not between 1 and {container_rules.MOST_MIB} MiB", field=f"{here}.size_mib"
                )
