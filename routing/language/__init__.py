"""The language of routes: which messages go which way. Azure IoT Edge's route queries.

Pure. docs/route-language.md is for those who write it.

    condition = parse_condition("as_number(temp) > 70")
    fires = compiled(condition)
    fires(Reading(message, module="probe"))  # True, False, or None: undefined

Importing it costs next to nothing, as each start of a client or an agent does: what reads and what
runs is loaded by the first text, and the grammar library with it.
"""

from collections.abc import Callable

from routing.language.problem import NotTheLanguage
from routing.language.reading import Reading
from routing.language.tree import Expression, Input, Query, Sink, Source, Upstream

__all__ = [
    "Expression",
    "Input",
    "NotTheLanguage",
    "Query",
    "Reading",
    "Sink",
    "Source",
    "Upstream",
    "compiled",
    "load",
    "parse_condition",
    "parse_query",
    "printed",
]


def load() -> None:
    """Load all of it: some 100 ms, once in a process, which the first text else has to wait for.

    For whoever reads texts where nothing may wait so long; in a thread.
    """
    from routing.language import compiling, parse  # noqa: F401  # loaded, and that is all

    parse.load()


def parse_condition(text: str, *, twin_changes: bool = False) -> Expression:
    """The condition, without WHERE. `twin_changes`: of a route for changed twins.

    Errors: NotTheLanguage.
    """
    from routing.language.parse import parse_condition

    return parse_condition(text, twin_changes=twin_changes)


def parse_query(text: str) -> Query:
    """The whole statement: FROM source WHERE condition INTO sink.

    Errors: NotTheLanguage.
    """
    from routing.language.parse import parse_query

    return parse_query(text)


def printed(tree: Expression | Query) -> str:
    """The text of a condition or of a whole query, with no parenthesis too many."""
    from routing.language.printing import printed

    return printed(tree)


def compiled(condition: Expression) -> Callable[[Reading], bool | None]:
    """The condition as a function of a message: True, False, or None: undefined.

    A message takes the way only when it is True. The function raises nothing. Errors: Mismatch, of
    a tree that no text gives.
    """
    from routing.language.compiling import compiled

    return compiled(condition)
