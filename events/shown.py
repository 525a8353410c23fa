"""What people are shown of an event's data, and whether a word stands in that.

One rule for both: a search that matched what is hidden would tell it, letter by letter.
"""

from collections.abc import Iterator

import msgspec

HIDDEN = frozenset(
    {"key_hash", "credential_hash", "token_hash", "password_hash", "password", "ciphertext"}
)
"""Fields of events that say nothing to people and something to attackers."""


def shown(data: bytes) -> object:
    """The event's document without what is hidden; what is no JSON, as text.

    Events of this version are objects. What a newer controller wrote may be anything.
    """
    try:
        return _without_hidden(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode(errors="replace")


def has_word(data: bytes, word: str) -> bool:
    """Whether the word stands in what is shown: in a name of a field, in a text, in a number.

    Letters match whatever their case (see `folded`).
    """
    # Most events have it nowhere, not even where it is hidden: that is seen without decoding.
    if needle(word).encode() not in data.lower() or (data.isascii() and not word.isascii()):
        return False
    return any(folded(word) in folded(text) for text in _texts(shown(data)))


def needle(word: str) -> str:
    """A part of the word that stands in the data, ASCII letters in lower case, if the word does.

    The longest part whose letters are ASCII or know no case, as JSON writes it. It may be "".
    What has it may have the word; what has it not has not the word.
    """
    parts, part = [""], ""
    for letter in word:
        if letter.isascii() or letter.lower() == letter.upper() == letter:
            part += letter
        else:
            parts.append(part)
            part = ""
    longest = max((*parts, part), key=len)
    return msgspec.json.encode(longest).decode()[1:-1].lower()


def folded(text: str) -> str:
    """In lower case, letter by letter: no letter becomes two, none outside ASCII one within it.

    So that a database can look for the ASCII letters alone and miss nothing.
    """
    if text.isascii():
        return text.lower()
    return "".join(_folded(letter) for letter in text)


def _folded(letter: str) -> str:
    lower = letter.lower()
    return lower if len(lower) == 1 and lower.isascii() == letter.isascii() else letter


def _without_hidden(value: object) -> object:
    match value:
        case dict():
            return {
                k: _without_hidden(v) for k, v in value.items() if k not in HIDDEN or _is_sealed(v)
            }
        case list():
            return [_without_hidden(each) for each in value]
        case _:
            return value


def _is_sealed(value: object) -> bool:
    """A secret as the log may hold it: that there was one is no secret, nor is its id."""
    return isinstance(value, dict) and value.keys() == {"secret_id", "ciphertext"}


def _texts(value: object) -> Iterator[str]:
    """Names of fields and what stands in them; texts as they are, other things as JSON has them."""
    match value:
        case dict():
            for name, each in value.items():
                yield name
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
        case str():
            yield value
        case _:
            yield msgspec.json.encode(value).decode()
