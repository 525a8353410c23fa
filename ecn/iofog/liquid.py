"""Liquid in the texts of a JSON document: `{{ self.name | upcase }}` and its like.

ioFog renders every text of a body before it looks at it, and every text of a template when an
application is made of it. What people write there was tried against a JavaScript engine, so ours
is as lenient as that one: undefined is empty, an unknown filter does nothing, a single thing is as
good as a list of one, names may have hyphens, and a text that is one output alone keeps the type
of what it puts out. What is wrong in a template becomes the text itself, for people to see.

Nothing is read from anywhere but the document, the variables and the lookups: the tags that would
read a file do not exist here. What a document may cost is bounded.

What runs the templates is liquid_engine.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from liquid.exceptions import LiquidError

from ecn.errors import Refused
from ecn.iofog import refusals
from ecn.iofog.liquid_engine import Budget, TooMuch, rendered
from ecn.iofog.liquid_filters import text
from ecn.iofog.refusals import Refusal

DEEPEST = 200
"""Levels of a document. What is deeper is not looked at: no body may be."""


class Lookups(Protocol):
    """What templates may ask of the network, as the documents that the API would answer with.

    Errors of all: Refused or Refusal when there is no such thing; its text goes where the answer
    would.
    """

    def agents(self) -> Sequence[object]:
        """All that are not of the system."""

    def agent(self, name: str) -> object:
        """The one of that name."""

    def agent_by_id(self, uuid: str) -> object:
        """The one with that id."""

    def application(self, name: str) -> object:
        """With its microservices; None where there is none."""

    def edge_resource(self, name: str, version: str | None) -> object:
        """Without a version: any of that name."""


class _NoLookups:
    """For whom nobody knows: all is undefined."""

    def agents(self) -> Sequence[object]:
        return ()

    def agent(self, name: str) -> object:
        return None

    def agent_by_id(self, uuid: str) -> object:
        return None

    def application(self, name: str) -> object:
        return None

    def edge_resource(self, name: str, version: str | None) -> object:
        return None


NO_LOOKUPS: Lookups = _NoLookups()


def has_templates(document: object) -> bool:
    """Whether any text in there, at any depth, has a template in it."""
    waiting = [document]
    while waiting:
        match waiting.pop():
            case str() as said:
                if "{{" in said or "{%" in said:
                    return True
            case dict() as said:
                waiting.extend(said.values())
            case list() as said:
                waiting.extend(said)
    return False


def render(
    document: object, lookups: Lookups, variables: Mapping[str, object] | None = None
) -> object:
    """The document with every template in it rendered, in its order and in its place.

    document: as read from JSON. It is changed: `self` in a template is the document as far as it
              is rendered, so that a text sees those before it as they came out.
    variables: what the templates may name besides `self`.
    Errors: Refusal when the templates cost more than is bearable.
    """
    if not has_templates(document):
        return document
    whole = {"": document}
    names = {**(variables or {}), "self": document}
    _Rendering(lookups, names).within(whole, 0)
    return whole[""]


class _Rendering:
    """One document on its way."""

    def __init__(self, lookups: Lookups, names: Mapping[str, object]) -> None:
        self._lookups, self._names, self._budget = lookups, names, Budget()
        self._known: dict[tuple[str, ...], object] = {}

    def within(self, said: dict[str, object] | list[object], deep: int) -> None:
        """Render all that is in there."""
        if deep > DEEPEST:
            return
        entries = list(said.items()) if isinstance(said, dict) else list(enumerate(said))
        for key, value in entries:
            match value:
                case str():
                    if "{{" in value or "{%" in value:
                        said[key] = self._text(value)  # type: ignore[index]
                case dict() | list():
                    self.within(value, deep + 1)

    def _text(self, source: str) -> object:
        try:
            return _own(rendered(source, self._names, self._budget, self._call), self._budget)
        except TooMuch as e:
            raise refusals.invalid(
                "The templates in the body are too large, or go through too much"
            ) from e
        except LiquidError as e:
            return f"{type(e).__name__.removeprefix('Liquid')}: {e.args[0] if e.args else e}"
        except (Refusal, Refused) as e:
            return f"RenderError: {e}"
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as e:
            return f"RenderError: {e}"

    def _call(self, name: str, left: object, arguments: list[object]) -> object:
        """A filter that asks the network, or None for one that does not."""
        match name:
            case "findAgent":
                if left in ("", None):
                    return self._once(("agents",), self._lookups.agents)
                return self._once(("agent", text(left)), lambda: self._lookups.agent(text(left)))
            case "findMicroserviceAgent":
                return self._agent_of(left)
            case "findApplication":
                return self._once(
                    ("application", text(left)), lambda: self._lookups.application(text(left))
                )
            case _:
                version = text(arguments[0]) if arguments and arguments[0] is not None else None
                return self._once(
                    ("resource", text(left), version or ""),
                    lambda: self._lookups.edge_resource(text(left), version),
                )

    def _agent_of(self, microservice: object) -> object:
        match microservice:
            case {"iofogUuid": str() as uuid} if uuid:
                return self._once(("uuid", uuid), lambda: self._lookups.agent_by_id(uuid))
            case {"agentName": str() as name} if name:
                return self._once(("agent", name), lambda: self._lookups.agent(name))
        return None

    def _once(self, key: tuple[str, ...], find: Callable[[], object]) -> object:
        if key not in self._known:
            self._budget.spend(20)  # a document is made
            self._known[key] = find()
        return self._known[key]


def _own(value: object, budget: Budget) -> object:
    """The value as the document's own, nothing of it shared: JSON and nothing else."""
    budget.spend(1)
    match value:
        case str():
            budget.spend(len(value) // 20)
            return value
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): _own(each, budget) for key, each in value.items()}
        case Sequence():
            return [_own(each, budget) for each in value]
    return text(value)
