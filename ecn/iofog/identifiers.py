"""Keys and tokens as short as ioFog's, in letters that nobody takes for another. Pure."""

from hashlib import sha512

LETTERS = "2346789bcdfghjkmnpqrtvwxyzBCDFGHJKLMNPQRTVWXYZ"
KEY_LENGTH = 8
TOKEN_LENGTH = 32
"""ioFog's have 16; agents take any length."""


def made_of(secret: str, length: int) -> str:
    """That many letters, the same for the same secret, and no guess nearer to it than another.

    length: up to 64, of whose 2**355 possibilities the digest's 2**512 leave none behind.
    """
    number, letters = int.from_bytes(sha512(secret.encode()).digest()), []
    for _ in range(length):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)
