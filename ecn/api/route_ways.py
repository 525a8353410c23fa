"""Routes as people write them, by their parts or as a query, and as they are decided on. Pure."""

from msgspec import Struct

from ecn.api.documents import RouteWay
from ecn.durations import seconds_of
from ecn.errors import BadCondition, Invalid
from events.route import ANY_SOURCE, UPSTREAM, RouteTerms
from routing.language import Input, NotTheLanguage, Query, parse_query, printed

IN_A_QUERY = ("source", "destination", "output", "input", "condition", "twin_changes")
"""What a query says too."""
NAMED_OUTPUT = "is_defined($outputName)"
"""The condition that any output was named, which a route has no place for besides."""


class Way(Struct, frozen=True):
    """Where a route leads, and what goes there."""

    source: str
    """A microservice's name, or `*`."""
    destination: str
    """A microservice's name, or `$upstream`."""
    terms: RouteTerms


def way(said: RouteWay, field: str = "$") -> Way:
    """What is meant. field: the place of the route. Errors: Invalid."""
    ttl = _seconds(said.ttl, f"{field}.ttl")
    if not said.query:
        for part in ("source", "destination"):
            if not getattr(said, part):
                raise Invalid(
                    "is missing",
                    field=f"{field}.{part}",
                    next_step="Give source and destination, or a query.",
                )
        terms = RouteTerms(
            output=said.output,
            twin_changes=said.twin_changes,
            condition=said.condition.strip(),
            input=said.input,
            priority=said.priority,
            ttl=ttl,
            durable=said.durable,
            webhook=said.webhook,
        )
        return Way(said.source, said.destination, terms)
    for part in IN_A_QUERY:
        if getattr(said, part):
            raise Invalid(
                f"the query says it already; give {part} or query, not both",
                field=f"{field}.{part}",
            )
    query = _parsed(said.query, f"{field}.query")
    destination, by_input = (
        (query.sink.module.lower(), query.sink.name)
        if isinstance(query.sink, Input)
        else (UPSTREAM, "")
    )
    terms = RouteTerms(
        output=query.source.output or "",
        twin_changes=query.source.twin_changes,
        condition=_condition(query),
        input=by_input,
        priority=said.priority,
        ttl=ttl,
        durable=said.durable,
        webhook=said.webhook,
    )
    # Names in sources are compared without case, and microservices are called in lower case.
    source = ANY_SOURCE if query.source.module is None else query.source.module.lower()
    return Way(source, destination, terms)


def _parsed(text: str, field: str) -> Query:
    try:
        query = parse_query(text)
    except NotTheLanguage as e:
        raise BadCondition.of_language(e, field=field) from e
    if query.source.messages and query.source.twin_changes:
        raise Invalid(
            "messages and changes of twins take a route each",
            field=field,
            next_step="Write FROM /messages/*, and another route FROM /twinChangeNotifications.",
        )
    return query


def _condition(query: Query) -> str:
    said = "" if query.condition is None else printed(query.condition)
    if not query.source.any_output:
        return said
    return f"{NAMED_OUTPUT} AND ({said})" if said else NAMED_OUTPUT


def _seconds(said: int | str | None, field: str) -> int | None:
    if not isinstance(said, str):
        return said
    try:
        return round(seconds_of(said))
    except (ValueError, OverflowError) as e:
        raise Invalid(str(e), field=field) from e
