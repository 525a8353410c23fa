"""The RFC 7396 patch that makes one document of another. Pure."""

import msgspec
from msgspec import Struct


def merge_patch(current: Struct, wanted: Struct) -> dict[str, object]:
    """What to send so that `current` becomes `wanted`; empty when it is."""
    before = msgspec.to_builtins(current)
    after = msgspec.to_builtins(wanted)
    return difference(before, after)


def difference(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """The patch between two mappings. None in `after` counts as absent, as RFC 7396 has it."""
    patch: dict[str, object] = {
        name: None for name, old in before.items() if old is not None and after.get(name) is None
    }
    for name, new in after.items():
        old = before.get(name)
        if new is None or new == old:
            continue
        if isinstance(new, dict) and isinstance(old, dict):
            patch[name] = difference(old, new)
        else:
            patch[name] = new
    return patch
