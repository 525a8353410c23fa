"""What a change of a twin touches. Pure."""

import re

from routing.language.functions import Value
from routing.language.logic import Valued
from routing.language.reading import UNREADABLE, Reading


def twin_change(argument: Valued) -> Valued:
    """Whether the patch says something of a place: null, which removes it, says something too."""

    def run(reading: Reading) -> Value:
        path = argument(reading)
        if not isinstance(path, str) or not reading.message.twin_change:
            return None
        patch = reading.body
        if patch is UNREADABLE:
            return None
        steps = [step for step in _STEP.split(path) if step]
        if _touched(patch, steps):
            return True
        # Azure's paths are those of the whole twin; the patch is of what it reports.
        reported = [step.lower() for step in steps[:2]] == ["properties", "reported"]
        return reported and _touched(patch, steps[2:])

    return run


_STEP = re.compile(r"[.\[\]]")


def _touched(patch: object, steps: list[str]) -> bool:
    place = patch
    for step in steps:
        if isinstance(place, dict) and step in place:
            place = place[step]
        elif isinstance(place, list) and step.isascii() and step.isdigit():
            if len(step) > 9 or int(step) >= len(place):
                return False
            place = place[int(step)]
        else:
            return False
    return True
