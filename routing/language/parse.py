"""Reading conditions."""

from routing.language.tree import Expression, Query


def parse_condition(text: str, *, twin_changes: bool = False) -> Expression:
    """A condition, without WHERE."""
    raise NotImplementedError


def parse_query(text: str) -> Query:
    """A whole statement."""
    raise NotImplementedError
