"""Rules that a value must keep by itself, whatever the world is like: names, texts, images.

Each raises Invalid with the field's place, counted from the document that the client sent.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from ipaddress import ip_address

import msgspec
from msgspec import Raw

from ecn.errors import Invalid
from events.node import Platform

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
OWN_LABELS = "ecn."
PLATFORMS = tuple(str(each) for each in Platform if each is not Platform.UNSPECIFIED)
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


def words(values: list[str], field: str) -> None:
    """A list of texts, a command's words for instance."""
    few(values, field)
    for word in values:
        text(word, field=field)


def is_address(value: str) -> bool:
    """Whether it is an IP address, without a zone: that means nothing to engines."""
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not among those known, to stand behind a sentence; or nothing."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def few(values: Iterable[object] | Mapping[str, object], field: str) -> None:
    """Not more entries than are bearable."""
    if sum(1 for _ in values) > MOST_ENTRIES:
        raise Invalid(f"has more than {MOST_ENTRIES} entries", field=field)
