"""Keys and tokens as short as ioFog's, in letters that nobody takes for another. Pure."""

from collections.abc import Callable

LETTERS = "2346789bcdfghjkmnpqrtvwxyzBCDFGHJKLMNPQRTVWXYZ"
KEY_LENGTH = 8
TOKEN_LENGTH = 32
"""ioFog's have 16; agents take any length."""


def drawn(length: int, choice: Callable[[str], str]) -> str:
    """That many letters. choice: draws one, and better well."""
    return "".join(choice(LETTERS) for _ in range(length))
