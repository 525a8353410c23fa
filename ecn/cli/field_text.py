"""Fields and values of documents, as people read them on one line. Pure."""

import re

import click
import msgspec

from ecn.api.history_documents import Aspect, FieldChange, is_given, keys_of
from ecn.cli.errors import printable

LONGEST = 60
"""Characters of a value that are shown on a terminal."""
IDS = ("/status/container_id", "/status/image_digest")
SHORT_ID = 19
"""Characters of a digest that tell it from others: `sha256:` and twelve digits."""
PLAIN = re.compile(r"[^\s\"'{}\[\],\\]+(?: [^\s\"'{}\[\]\\]+)*")
OTHERWISE = ("true", "false", "none")
"""Text that would be taken for something else without quotes; so would numbers."""
SECRETS = ("/password", "/credential")


def path_text(path: str) -> str:
    """`env.TITLE` of `/env/TITLE`."""
    keys = [
        key if re.fullmatch(r"[\w-]+", key) else msgspec.json.encode(key).decode()
        for key in keys_of(path)
    ]
    return printable(".".join(keys))


def value_text(value: object, *, longest: int | None = LONGEST) -> str:
    """A value: text as it is where that can't be misread, anything else as JSON.

    longest: characters; None for all of them.
    """
    match value:
        case None:
            text = "none"
        case str() if _is_plain(value):
            text = value
        case list() if (ports := _ports(value)) is not None:
            text = ports
        case _:
            text = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    text = printable(text)
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"


def change_text(
    change: FieldChange, names: dict[str, str], *, longest: int | None = LONGEST
) -> str:
    """`image: nginx:1 -> nginx:2`, coloured. names: of subjects mentioned by id."""
    label = path_text(change.path.removeprefix("/status"))
    before, after = change.before, change.after
    if change.path == "/node_id":
        label = "node"
        before, after = (names.get(f"node/{each}", each) for each in (before, after))
    if change.path in IDS:
        before, after = (
            each[:SHORT_ID] if isinstance(each, str) else each for each in (before, after)
        )
    if change.aspect is Aspect.REPORTED:
        label = click.style("reported ", dim=True) + label
    if change.path in SECRETS:
        return f"{label}: {_secret(before, after)}"
    old = click.style(value_text(before, longest=longest), fg="red") if is_given(before) else ""
    new = click.style(value_text(after, longest=longest), fg="green") if is_given(after) else ""
    if not old:
        return f"{label}: {click.style('+', fg='green')} {new}"
    if not new:
        return f"{label}: {click.style('-', fg='red')} {old}"
    return f"{label}: {old} -> {new}"


def _is_plain(value: str) -> bool:
    """Whether text can stand without quotes and be taken for nothing else."""
    if value.lower() in OTHERWISE or not value.isprintable() or not PLAIN.fullmatch(value):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


def _secret(before: object, after: object) -> str:
    """What can be said of a secret without telling it."""
    if not isinstance(before, str):
        return click.style("set", fg="green")
    return "replaced" if isinstance(after, str) else click.style("withdrawn", fg="red")


def _ports(value: list[object]) -> str | None:
    """`[8080:80, 53:53/udp]`; None of what are no ports."""
    texts = []
    for each in value:
        if not isinstance(each, dict) or not {"host", "container"} <= each.keys():
            return None
        if not isinstance(each["host"], int):
            return None  # devices have a path of the host, and more to say
        address = f"{each['address']}:" if each.get("address") else ""
        protocol = "" if each.get("protocol", "tcp") == "tcp" else f"/{each['protocol']}"
        texts.append(f"{address}{each['host']}:{each['container']}{protocol}")
    return f"[{', '.join(texts)}]" if texts else None
