"""The conditions of the node's routes, each understood once.

The language's grammar takes some 100 ms to load, which is done in a thread, and only where a route
has a condition.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from agent.contract import Route
from routing.language import NotTheLanguage, Reading, compiled, parse_condition

log = structlog.get_logger()

Condition = Callable[[Reading], bool | None]


class Conditions:
    """Those that were understood."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], Condition | None] = {}
        self._sentences: dict[tuple[str, bool], str] = {}

    def know(self, routes: Sequence[Route]) -> bool:
        """Whether all of theirs are understood, or known not to be."""
        return all(not r.condition or _key(r) in self._known for r in routes)

    async def understand(self, routes: Sequence[Route]) -> None:
        """Of these, and no others from then on."""
        wanted = {_key(route) for route in routes if route.condition}
        missing = sorted(wanted - self._known.keys())
        if missing:
            found = await asyncio.to_thread(_understood, missing)
            for key, (condition, sentence) in found.items():
                self._known[key] = condition
                self._sentences[key] = sentence

    def of(self, route: Route) -> Condition | None:
        """None: there is none, or it is not understood."""
        return self._known.get(_key(route)) if route.condition else None

    def problem(self, route: Route) -> str:
        """Why it is not understood; empty when it is."""
        return self._sentences.get(_key(route), "") if route.condition else ""

    def keep_only(self, routes: Sequence[Route]) -> None:
        """The others are not asked for any more."""
        wanted = {_key(route) for route in routes}
        self._known = {k: v for k, v in self._known.items() if k in wanted}
        self._sentences = {k: v for k, v in self._sentences.items() if k in wanted}


def _understood(
    texts: Sequence[tuple[str, bool]],
) -> dict[tuple[str, bool], tuple[Condition | None, str]]:
    found: dict[tuple[str, bool], tuple[Condition | None, str]] = {}
    for text, twin_changes in texts:
        try:
            condition = compiled(parse_condition(text, twin_changes=twin_changes))
        except NotTheLanguage as error:
            # The controller has checked it: it is newer than this agent.
            log.error("condition-not-understood", condition=text, error=error.sentence)
            found[text, twin_changes] = None, error.sentence
        else:
            found[text, twin_changes] = condition, ""
    return found


def _key(route: Route) -> tuple[str, bool]:
    return route.condition, route.twin_changes
