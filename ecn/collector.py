"""The garbage collector of a process that holds a large world.

The world is made of what can't have cycles; looking through it for some, again and again, would
take a third of a busy controller's time. What is garbage is freed by its reference count.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG, MIDDLE, OLD = 50_000, 20, 100
"""Instead of 700, 10 and 10: how much must be new before it is gone through. Through everything,
worlds of the past included, takes a quarter of a second in which nobody is served."""


@contextmanager
def resting() -> Iterator[None]:
    """While the world is made: nothing of it is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle() -> None:
    """To be called once the world is there: it is left alone from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
