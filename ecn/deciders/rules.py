"""Rules that a value must keep by itself, whatever the world is like: names, specs, settings.

Each raises Invalid with the field's place, counted from the document that the client sent.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import PurePosixPath
from posixpath import normpath

import msgspec
from msgspec import Raw

from ecn.errors import Invalid
from events.application import (
    HealthCheck,
    MicroserviceSpec,
    PortMapping,
    Protocol,
    PublicPort,
    PublicProtocol,
    VolumeKind,
    VolumeMount,
)
from events.node import Platform
from projections.host_templates import is_template, references

# Eclipse ioFog's pattern for applications, microservices and routes: a DNS name in lower case.
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAME_LENGTH = 63
# distribution's reference grammar, as far as a controller can judge it.
IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/"
    r"|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
REGISTRY_URL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
ENV_NAME = re.compile(r"[^=\x00]+")
OWN_LABELS = "ecn."
PLATFORMS = tuple(str(each) for each in Platform if each is not Platform.UNSPECIFIED)
RESERVED_PORTS = frozenset({54321, 54322})  # ioFog's Local API, and its secured form
LEAST_MEMORY_MIB = 6  # Docker Engine refuses less
LONGEST_TEXT = 4096
LONGEST_CONFIG = 1 << 20
MOST_ENTRIES = 1000
LONGEST_KEY_VALIDITY = timedelta(days=30)


def name(value: str, *, field: str = "$.name") -> None:
    """A name of an application, microservice or registry."""
    if len(value) > NAME_LENGTH or not NAME.fullmatch(value):
        raise Invalid(
            f"{value!r} is no name: lower-case letters, digits, '-' and '.', beginning and ending "
            f"with a letter or digit, at most {NAME_LENGTH} characters",
            field=field,
        )


def node_name(value: str, *, field: str = "$.name") -> None:
    """A node's name: anything printable without a slash, as ioFog allows more than a DNS name."""
    if not value.strip() or value != value.strip() or len(value) > 255:
        raise Invalid("a node's name has 1 to 255 characters and no space at its ends", field=field)
    if "/" in value or not value.isprintable():
        raise Invalid(f"{value!r} has a '/' or an unprintable character", field=field)


def user_name(value: str) -> None:
    """A user's name; e-mail addresses are names too."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", value):
        raise Invalid(
            f"{value!r} is no user name: letters, digits and . _ @ + -, at most 128 characters",
            field="$.name",
        )


def title(value: str, *, field: str = "$.name") -> None:
    """A name that people read more than they type it: printable, and without a slash."""
    if not value.strip() or value != value.strip() or len(value) > 255:
        raise Invalid("a name has 1 to 255 characters and no space at its ends", field=field)
    if "/" in value or not value.isprintable():
        raise Invalid(f"{value!r} has a '/' or an unprintable character", field=field)


def json_object(value: Raw, *, field: str) -> None:
    """A JSON object of bearable size, as it was written."""
    if len(bytes(value)) > LONGEST_CONFIG:
        raise Invalid(f"is longer than {LONGEST_CONFIG} bytes", field=field)
    try:
        msgspec.json.decode(value, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError) as e:
        raise Invalid(f"is no JSON object: {e}", field=field) from e
    except RecursionError as e:
        raise Invalid("is nested too deeply", field=field) from e


def text(value: str, *, field: str) -> None:
    """Free text of bearable length. NUL is refused: neither Postgres' jsonb nor engines take it."""
    if len(value) > LONGEST_TEXT:
        raise Invalid(f"is longer than {LONGEST_TEXT} characters", field=field)
    if "\x00" in value:
        raise Invalid("has a NUL character", field=field)


def labels(value: Mapping[str, str], *, field: str) -> None:
    """Labels; those that begin with `ecn.` are the agent's own."""
    few(value, field)
    for key, content in value.items():
        text(key, field=field)
        text(content, field=f"{field}.{key}")
        if not key or key.startswith(OWN_LABELS):
            raise Invalid(
                f"label {key!r}: a label has a name, and those beginning with {OWN_LABELS!r} are "
                "ECN's own",
                field=field,
            )


def port(value: int, *, field: str) -> None:
    """A port of a device."""
    if not 1 <= value <= 65535:
        raise Invalid("is not between 1 and 65535", field=field)


def registry_url(value: str) -> None:
    """Host and optional port, as images name it."""
    if not REGISTRY_URL.fullmatch(value) or len(value) > 255:
        raise Invalid(
            f"{value!r} is no registry: a host and, if need be, a port, without scheme or path, "
            "as in registry.example:5000",
            field="$.url",
        )


def spec(value: MicroserviceSpec, *, field: str = "$") -> None:
    """All of a microservice's spec, fields and what they mean together."""
    _images(value, field)
    for part in ("entrypoint", "command"):
        _words(getattr(value, part), f"{field}.{part}")
    few(value.env, f"{field}.env")
    for key, content in value.env.items():
        if not ENV_NAME.fullmatch(key):
            raise Invalid(f"{key!r} is no name of a variable", field=f"{field}.env")
        if "\x00" in content or len(content) > 128 * 1024:
            raise Invalid("has a NUL character or over 128 KiB", field=f"{field}.env.{key}")
    labels(value.labels, field=f"{field}.labels")
    _ports(value, field)
    _volumes(value.volumes, f"{field}.volumes")
    few(value.extra_hosts, f"{field}.extra_hosts")
    for index, host in enumerate(value.extra_hosts):
        here = f"{field}.extra_hosts[{index}]"
        template = is_template(host.address)
        if template and (len(host.address) > LONGEST_TEXT or not references(host.address)):
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
    if value.health_check is not None:
        _health_check(value.health_check, f"{field}.health_check")
    _limits(value, field)
    config(value.config, field=f"{field}.config")


def config(value: str, *, field: str) -> None:
    """A text of bearable size, JSON or not; as JSON not deeper than anybody can read it."""
    if len(value) > LONGEST_CONFIG:
        raise Invalid(f"is longer than {LONGEST_CONFIG} characters", field=field)
    if "\x00" in value:
        raise Invalid("has a NUL character", field=field)
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        return  # another format, which the microservice itself understands
    except RecursionError as e:
        raise Invalid("is nested too deeply", field=field) from e


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
        image(value.image, field=f"{field}.image")
    images(value.images, field=f"{field}.images")


def image(value: str, *, field: str) -> None:
    """A reference to an image."""
    if len(value) > 512 or not IMAGE.fullmatch(value):
        raise Invalid(
            f"{value!r} is no image reference, as in registry.example:5000/team/name:tag",
            field=field,
        )


def images(value: Mapping[str, str], *, field: str) -> None:
    """Images by platform."""
    for key, reference in value.items():
        if key not in PLATFORMS:
            raise Invalid(f"{key!r} is none of the platforms " + ", ".join(PLATFORMS), field=field)
        image(reference, field=f"{field}.{key}")


def item_images(value: Mapping[str, str], *, field: str) -> None:
    """Images by platform, of an item that may be no more than a sketch: what pulls finds out."""
    for key, reference in value.items():
        if key not in PLATFORMS:
            raise Invalid(f"{key!r} is none of the platforms " + ", ".join(PLATFORMS), field=field)
        if not 1 <= len(reference) <= 512:
            raise Invalid("is empty or has over 512 characters", field=f"{field}.{key}")
        text(reference, field=f"{field}.{key}")


def _ports(value: MicroserviceSpec, field: str) -> None:
    few(value.ports, f"{field}.ports")
    public: set[int] = set()
    earlier: dict[tuple[int, Protocol], list[PortMapping]] = {}
    for index, mapping in enumerate(value.ports):
        here = f"{field}.ports[{index}]"
        port(mapping.host, field=f"{here}.host")
        port(mapping.container, field=f"{here}.container")
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
    few(public.schemes, f"{here}.schemes")
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
        port(public.port, field=f"{here}.port")
        not_reserved(public.port, field=f"{here}.port")
    text(public.router, field=f"{here}.router")


def _volumes(volumes: list[VolumeMount], field: str) -> None:
    few(volumes, field)
    targets: set[str] = set()
    for index, volume in enumerate(volumes):
        here = f"{field}[{index}]"
        text(volume.target, field=f"{here}.target")
        text(volume.source, field=f"{here}.source")
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


def _health_check(check: HealthCheck, field: str) -> None:
    if not check.command:
        raise Invalid("has no command", field=f"{field}.command")
    _words(check.command, f"{field}.command")
    for part in ("interval", "timeout"):
        if not 0.1 <= getattr(check, part) <= 86400:
            raise Invalid("is not between 0.1 and 86400 seconds", field=f"{field}.{part}")
    if not 0 <= check.start_period <= 86400:
        raise Invalid("is not between 0 and 86400 seconds", field=f"{field}.start_period")
    if not 1 <= check.retries <= 1000:
        raise Invalid("is not between 1 and 1000", field=f"{field}.retries")


def _limits(value: MicroserviceSpec, field: str) -> None:
    if value.memory_limit_mib is not None and value.memory_limit_mib < LEAST_MEMORY_MIB:
        raise Invalid(f"is under {LEAST_MEMORY_MIB} MiB", field=f"{field}.memory_limit_mib")
    if value.cpu_limit is not None and not 0.01 <= value.cpu_limit <= 1024:
        raise Invalid("is not between 0.01 and 1024 cores", field=f"{field}.cpu_limit")
    if value.pids_limit is not None and value.pids_limit < 1:
        raise Invalid("is under 1", field=f"{field}.pids_limit")
    if not 1 <= value.log_limit_mib <= 10240:
        raise Invalid("is not between 1 and 10240 MiB", field=f"{field}.log_limit_mib")


def _words(values: list[str], field: str) -> None:
    few(values, field)
    for word in values:
        text(word, field=field)


def few(values: Iterable[object] | Mapping[str, object], field: str) -> None:
    """Not more entries than are bearable."""
    if sum(1 for _ in values) > MOST_ENTRIES:
        raise Invalid(f"has more than {MOST_ENTRIES} entries", field=field)
