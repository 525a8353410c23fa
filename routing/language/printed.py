"""Writing conditions."""

from routing.language.tree import Expression, Query


def printed(tree: Expression | Query) -> str:
    """The text of it."""
    raise NotImplementedError
