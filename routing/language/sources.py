"""Sources and sinks of queries: what paths there are, and which messages one matches. Pure.

A message has a path too: `/messages/modules/<m>/outputs/<o>`, without the outputs when it named
none, and `/twinChangeNotifications` for a changed twin. A source matches when it is, but for stars
and slashes at its end, the beginning of the message's path, whatever their case.
"""

import difflib

from routing.language.tree import Input, Source

TWIN_CHANGES = "/twinChangeNotifications"
_CLOUD_ALONE = frozenset(
    {
        "modulelifecycleevents",
        "devicelifecycleevents",
        "devicejoblifecycleevents",
        "deviceconnectionstateevents",
        "digitaltwinchangeevents",
    }
)
_KNOWN = (
    "/*",
    "/messages/*",
    "/messages/modules/*",
    "/messages/modules/<microservice>/*",
    "/messages/modules/<microservice>/outputs/*",
    "/messages/modules/<microservice>/outputs/<output>",
    TWIN_CHANGES,
)


class BadPath(Exception):
    """No source, or no sink; with the sentence and the hint of a NotTheLanguage."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem, self.hint = problem, hint


def source_of(path: str) -> Source:
    """The source that is written so. Errors: BadPath."""
    segments = path.split("/")[1:]
    while segments and segments[-1] in ("", "*"):
        segments.pop()
    if any("*" in segment for segment in segments):
        raise BadPath(
            "a * stands alone, at the end of a source",
            "anywhere else it is compared as it is, and would match nothing",
        )
    if any(segment == "" for segment in segments):
        raise BadPath("two / follow each other", "take one away")
    for segment in segments:
        if bad := set(segment) & _NEVER:
            raise BadPath(f"a source has no {min(bad)} in it", f"there are {', '.join(_KNOWN)}")
    match [segment.lower() for segment in segments], segments:
        case [], _:
            if "*" not in path:
                raise BadPath("a source is missing", f"there are {', '.join(_KNOWN)}")
            return Source(path, messages=True, twin_changes=True)
        case ["messages"] | ["messages", "modules"], _:
            return Source(path, messages=True, twin_changes=False)
        case ["messages", "modules", _], [_, _, module]:
            return Source(path, messages=True, twin_changes=False, module=module)
        case ["messages", "modules", _, "outputs"], [_, _, module, _]:
            return Source(path, messages=True, twin_changes=False, module=module, any_output=True)
        case ["messages", "modules", _, "outputs", _], [_, _, module, _, output]:
            return Source(path, messages=True, twin_changes=False, module=module, output=output)
        case ["twinchangenotifications"], _:
            return Source(path, messages=False, twin_changes=True)
        case [first, *_], _ if first in _CLOUD_ALONE:
            raise BadPath(
                f"/{segments[0]} tells of the cloud: no message comes from there at the edge",
                "take the route away; what happens to nodes and microservices is in the audit",
            )
    near = difflib.get_close_matches(path[:128], _KNOWN, 1, 0.6)
    known = f"did you mean {near[0]}?" if near else f"there are {', '.join(_KNOWN)}"
    raise BadPath("no message comes from there", known)


_NEVER = frozenset('()<>@,;:\\"[]?={}')


def message_path(module: str, output: str = "", *, twin_change: bool = False) -> str:
    """The path of a message; an empty module: of something that is no microservice."""
    if twin_change:
        return TWIN_CHANGES
    if not module:
        return "/messages"
    return f"/messages/modules/{module}" + (f"/outputs/{output}" if output else "")


def matches(source: Source, path: str) -> bool:
    """Whether messages of that path come from there."""
    return _ending(path).startswith(_ending(source.path))


def _ending(path: str) -> str:
    return path.rstrip("*/").lower() + "/"


def sink_of(path: str) -> Input:
    """The microservice that a BrokeredEndpoint names. Errors: BadPath."""
    segments = path.split("/")
    words = [segment.lower() for segment in segments[1::2]]
    if len(segments) != 5 or segments[0] or words != ["modules", "inputs"]:
        raise BadPath("that is no input", 'write "/modules/<microservice>/inputs/<input>"')
    if not segments[2] or not segments[4]:
        raise BadPath("a name is missing", 'write "/modules/<microservice>/inputs/<input>"')
    if "*" in (segments[2], segments[4]):
        raise BadPath("a message goes to one input", "write a route for each receiver")
    return Input(segments[2], segments[4])
