"""Paths as ioFog's server matches them: case does not matter, one slash at the end is nothing.

A literal segment goes before a parameter, but not for methods that only the parameter knows:
`GET /applicationTemplate/yaml` is the template of that name, `POST` there is the upload.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

T = TypeVar("T")


class _Branch(Generic[T]):
    def __init__(self) -> None:
        self.literals: dict[str, _Branch[T]] = {}
        self.parameters: dict[str, _Branch[T]] = {}
        """By name: two paths may name the same place differently."""
        self.served: dict[str, T] = {}
        """By method."""


class RouteTable(Generic[T]):
    """From a method and a path to what serves it."""

    def __init__(self, rows: Iterable[tuple[str, str, T]]) -> None:
        """rows: method, path with `{parameters}`, and what serves it."""
        self._root: _Branch[T] = _Branch()
        self._plain: dict[tuple[str, str], tuple[T, dict[str, str]]] = {}
        """Paths without parameters as clients write them: found at once."""
        for method, path, serves in rows:
            branch = self._root
            for segment in path.strip("/").split("/"):
                if segment.startswith("{"):
                    branch = branch.parameters.setdefault(segment[1:-1], _Branch())
                else:
                    branch = branch.literals.setdefault(segment.lower(), _Branch())
            if method in branch.served:
                raise ValueError(f"{method} {path} is served twice")
            branch.served[method] = serves
            if "{" not in path:
                self._plain[method, path] = (serves, {})

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """What serves it, and the parameters; None if nothing does.

        path: percent-encoded, as it was sent.
        """
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain
        if not path.startswith("/"):
            return None
        segments = path[1:].split("/")
        if len(segments) > 1 and not segments[-1]:
            segments.pop()
        found = _found(self._root, segments, 0, method)
        if found is None and method == "HEAD":
            found = _found(self._root, segments, 0, "GET")
        if found is None:
            return None
        serves, named = found
        return serves, dict(named)


def _found(
    branch: _Branch[T], segments: list[str], at: int, method: str
) -> tuple[T, tuple[tuple[str, str], ...]] | None:
    if at == len(segments):
        serves = branch.served.get(method)
        return None if serves is None else (serves, ())
    segment = unquote(segments[at])
    literal = branch.literals.get(segment.lower())
    if literal is not None:
        found = _found(literal, segments, at + 1, method)
        if found is not None:
            return found
    if not segment:
        return None
    for name, parameter in branch.parameters.items():
        found = _found(parameter, segments, at + 1, method)
        if found is not None:
            return found[0], ((name, segment), *found[1])
    return None
