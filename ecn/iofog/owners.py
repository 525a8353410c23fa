"""Who made something, as ioFog tells it: by the number of a user. Nothing follows from it."""

from ecn.iofog.numbers import on_the_wire
from projections.world import World


def user_number(world: World, created_by: str) -> int | None:
    """The number of the user that a row names as `user/<name>`; None where there is none."""
    kind, _, name = created_by.partition("/")
    key = world.users.one("name", name) if kind == "user" else None
    return None if key is None else on_the_wire(world.users[key].number)
