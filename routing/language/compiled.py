"""Running conditions."""

from collections.abc import Callable

from routing.language.reading import Reading
from routing.language.tree import Expression


def compiled(condition: Expression) -> Callable[[Reading], bool | None]:
    """The condition as a function of a message: True, False, or None: undefined."""
    raise NotImplementedError
