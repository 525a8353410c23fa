"""Names of system properties, as writers write them. Pure."""

import difflib

from routing.language.reading import SYSTEM

SYSTEM_NAMES = {name.lower(): name for name in SYSTEM}
"""Without the $, by lower case: their case does not matter."""


def nearest_system_name(name: str) -> str:
    """The one that was probably meant, or empty."""
    near = difflib.get_close_matches(name.lower()[:64], SYSTEM_NAMES, 1, 0.8)
    return SYSTEM_NAMES[near[0]] if near else ""
