"""Liquid in the texts of a JSON document: `{{ self.name | upcase }}` and its like.

ioFog renders every text of a body before it looks at it, and every text of a template when an
application is made of it. What people write there was tried against a JavaScript engine, so ours
is as lenient as that one: undefined is empty, an unknown filter does nothing, a single thing is as
good as a list of one, names may have hyphens, and a text that is one output alone keeps the type
of what it puts out. What is wrong in a template becomes the text itself, for people to see.

Nothing is read from anywhere but the document, the variables and the lookups: the tags that would
read a file do not exist here. What a document may cost is bounded.

The library parses and runs the tags; its filters are replaced by ours (liquid_filters.py).
"""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Protocol, TextIO

from liquid import Environment, Node, RenderContext, Token
from liquid.builtin import output
from liquid.exceptions import LiquidError

from ecn.errors import Refused
from ecn.iofog import refusals
from ecn.iofog.liquid_filters import FILTERS, Call, plain, text
from ecn.iofog.refusals import Refusal

MOST_STEPS = 100_000
"""What the templates of one document may cost: loops, filters, look-ups, things put in. A step
takes a few microseconds."""
LONGEST_SOURCE = 128 << 10
"""Characters of all the texts of one document that have a template in them."""
LONGEST_RESULT = 1 << 20
"""Characters of one text."""
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


class _TooMuch(Exception):
    """Beyond what a document may cost. Never told as the result of a template."""


class _Budget:
    """What may still be spent."""

    def __init__(self) -> None:
        self.steps, self.source = MOST_STEPS, LONGEST_SOURCE

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise _TooMuch


class _Rendering:
    """One document on its way."""

    def __init__(self, lookups: Lookups, names: Mapping[str, object]) -> None:
        self._lookups, self._names, self._budget = lookups, names, _Budget()
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
        self._budget.source -= len(source)
        try:
            if self._budget.source < 0:
                raise _TooMuch
            return _own(self._rendered(source), self._budget)
        except _TooMuch as e:
            raise refusals.invalid(
                "The templates in the body are too large, or go through too much"
            ) from e
        except LiquidError as e:
            return f"{type(e).__name__.removeprefix('Liquid')}: {e.args[0] if e.args else e}"
        except (Refusal, Refused) as e:
            return f"RenderError: {e}"
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as e:
            return f"RenderError: {e}"

    def _rendered(self, source: str) -> object:
        """What comes out: a text, or the one thing that is put out."""
        template = _ENGINE.from_string(source)
        context = _Context(template, globals=self._names)
        context.prepare(self._budget, self._call, len(source) // 50 + 1)
        pieces: list[object] = []
        length = 0
        for node in template.nodes:
            piece = _piece(node, context)
            if piece == "":
                continue
            pieces.append(piece)
            if len(pieces) > 1 or isinstance(piece, str):
                length += len(text(piece))
            if length > LONGEST_RESULT:
                raise _TooMuch
        return pieces[0] if len(pieces) == 1 else "".join(map(text, pieces))

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


ASKING = frozenset({"findAgent", "findMicroserviceAgent", "findApplication", "findEdgeResource"})


class _Context(RenderContext):
    """What a template's names mean, and what it may still cost."""

    __slots__ = ("_ask", "_weight", "budget")

    def prepare(
        self, budget: _Budget, ask: Callable[[str, object, list[object]], object], weight: int
    ) -> None:
        """weight: steps that one turn of a loop costs, by the length of the template."""
        self.budget, self._ask, self._weight = budget, ask, weight

    def assign(self, key: str, val: object) -> None:
        self.budget.spend(1)
        super().assign(key, val)

    def get_item(self, obj: object, key: object) -> object:
        """Property or index, as in JavaScript: a list has a first, a last and a size."""
        self.budget.spend(1)
        match obj:
            case Mapping() if key in obj:
                return obj[key]
            case Mapping() if key == "size":
                return len(obj)
            case str() if key in ("size", "length"):
                return len(obj)
            case Sequence() if not isinstance(obj, str):
                if isinstance(key, int):
                    return obj[key]
                if key in ("size", "length"):
                    return len(obj)
                if key in ("first", "last") and len(obj):
                    return obj[0 if key == "first" else -1]
        raise KeyError(key)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """A filter, paid for; an unknown one changes nothing."""

        def paid(left: object, *arguments: object, **_: object) -> object:
            given = [plain(each, self.budget.spend) for each in (left, *arguments)]
            self.budget.spend(1 + sum(map(_weight, given)))
            if name in ASKING:
                return self._ask(name, given[0], given[1:])
            function = FILTERS.get(name)
            if function is None:
                return given[0]
            result = function(Call(given[0], given[1:]))
            if isinstance(result, str) and len(result) > LONGEST_RESULT:
                raise _TooMuch
            return result

        return paid

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.budget.spend(length * self._weight)

    def stopindex(self, key: str, index: int | None = None) -> int:
        # A loop backwards makes a list of this length before it counts it.
        self.budget.spend(index or 0)
        return super().stopindex(key, index)


def _weight(value: object) -> int:
    match value:
        case str():
            return len(value) // 200
        case list() | dict():
            return len(value) // 10
    return 0


class _OutputNode(output.OutputNode):
    """Puts a value into a text, as ours are put."""

    __slots__ = ()

    def value(self, context: "_Context") -> object:
        """What is put out, as JSON has it; where there is nothing, an empty text.

        A null of the document stays one.
        """
        found = self.expression.evaluate(context)
        if found is None and not getattr(self.expression, "filters", None):
            return None
        found = plain(found, context.budget.spend)
        return "" if found is None else found

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(text(self.expression.evaluate(context)))


class _Output(output.Output):
    node_class = _OutputNode


class _Engine(Environment):
    block_nesting_limit = 20
    output_stream_limit = LONGEST_RESULT
    suppress_blank_control_flow_blocks = False

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        # These would load other templates, or hide loops from the budget.
        for name in ("include", "render", "liquid", "tablerow", "doc"):
            del self.tags[name]
        self.add_tag(_Output)
        self.filters = {}


_ENGINE = _Engine()


def _piece(node: Node, context: _Context) -> object:
    if isinstance(node, _OutputNode):
        return node.value(context)
    buffer: StringIO = context.get_buffer()
    node.render(context, buffer)
    return buffer.getvalue()


def _own(value: object, budget: _Budget) -> object:
    """The value as the document's own, nothing of it shared: JSON and nothing else."""
    budget.spend(1)
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _own(each, budget) for key, each in value.items()}
        case Sequence():
            return [_own(each, budget) for each in value]
    return text(value)
