"""The language of routes: which messages go which way. Azure IoT Edge's route queries.

Pure, and light until a text is read: the grammar library is loaded by the first `parse_…`.
docs/route-language.md is for those who write it.

    condition = parse_condition("as_number(temp) > 70")
    fires = compiled(condition)
    fires(Reading(message, module="probe"))  # True, False, or None: undefined
"""

from routing.language.compiled import compiled
from routing.language.parse import load, parse_condition, parse_query
from routing.language.printed import printed
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
