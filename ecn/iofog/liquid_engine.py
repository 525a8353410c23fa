"""The Liquid engine as ioFog's templates need it: the library's parser and tags, our values.

Used by liquid.py alone. The library's filters are replaced by ours (liquid_filters.py), the tags
that would read files are taken out, and all that a template does is paid for from a budget.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import TextIO

from liquid import Environment, Node, RenderContext, Token
from liquid.builtin import output

from ecn.iofog.liquid_filters import FILTERS, Call, plain, text

MOST_STEPS = 100_000
"""What the templates of one document may cost: loops, filters, look-ups, things put in. A step
takes a few microseconds."""
LONGEST_SOURCE = 128 << 10
"""Characters of all the texts of one document that have a template in them."""
LONGEST_TAG = 1000
"""Characters of one tag. The library takes time that grows with the square of it."""
LONGEST_RESULT = 1 << 20
"""Characters of one text."""

Ask = Callable[[str, object, list[object]], object]
"""Answers a filter that asks the network: its name, what stands before it, its arguments."""


class TooMuch(Exception):
    """Beyond what a document may cost. Never told as the result of a template."""


class Budget:
    """What may still be spent."""

    def __init__(self) -> None:
        self.steps, self.source = MOST_STEPS, LONGEST_SOURCE

    def spend(self, steps: int) -> None:
        """Errors: TooMuch when it was not there."""
        self.steps -= steps
        if self.steps < 0:
            raise TooMuch


ASKING = frozenset({"findAgent", "findMicroserviceAgent", "findApplication", "findEdgeResource"})


class _Context(RenderContext):
    """What a template's names mean, and what it may still cost."""

    __slots__ = ("_ask", "_weight", "budget")

    def prepare(self, budget: Budget, ask: Ask, weight: int) -> None:
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
                raise TooMuch
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


def rendered(source: str, names: Mapping[str, object], budget: Budget, ask: Ask) -> object:
    """What comes out of a template: a text, or the one thing that is put out.

    Errors: TooMuch; LiquidError, and what else Python says, for a template that is wrong.
    """
    budget.source -= len(source)
    if budget.source < 0:
        raise TooMuch
    _check_tags(source)
    template = _ENGINE.from_string(source)
    context = _Context(template, globals=names)
    context.prepare(budget, ask, len(source) // 50 + 1)
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
            raise TooMuch
    return pieces[0] if len(pieces) == 1 else "".join(map(text, pieces))


_OPENING = re.compile(r"\{([{%])(?:-?\s{0,50}(raw|doc)\b)?")
_GAP = re.compile(r"\s{51}")
_END_OF_RAW = re.compile(r"\{%-?\s{0,50}endraw\s{0,50}-?%\}")


def _check_tags(source: str) -> None:
    """Every tag ends, and soon: the library would look for the ends of those that don't again and
    again, from each of them to the end of the text; and for the end of spaces likewise.

    Errors: ValueError.
    """
    at = 0
    while found := _OPENING.search(source, at):
        closing = "}}" if found[1] == "{" else "%}"
        end = source.find(closing, found.start() + 2)
        if end < 0:
            raise ValueError(f"expected '{closing}', found the end of the text")
        if end - found.start() > LONGEST_TAG:
            raise ValueError(f"a tag has more than {LONGEST_TAG} characters")
        if _GAP.search(source, found.start(), end):
            raise ValueError("a tag has more than 50 spaces in a row")
        at = end + 2
        if found[1] == "%" and found[2]:
            raw_end = _END_OF_RAW.search(source, at) if found[2] == "raw" else None
            if raw_end is None:
                raise ValueError(f"the tag '{found[2]}' does not end")
            at = raw_end.end()
