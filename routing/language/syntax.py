"""What to say of a word that stands where it can't. Pure; `parse.py` asks it.

The grammar knows where reading stopped and what could have followed; what the writer probably
meant is told by the word itself, so that most mistakes of those who come from SQL, from JavaScript
or from a hurry get a sentence of their own.
"""

import re
from collections.abc import Set

from routing.language.problem import NotTheLanguage

_WORD = re.compile(r"""'[^']*'?|"[^"]*"?|[^'()<>@,;:\\"/\[\]?={}\s]+|==|/\*|.""", re.DOTALL)

_FOREIGN = {
    "in": "there is no IN: write a = 'x' OR a = 'y'",
    "like": "there is no LIKE: there are starts_with, ends_with and contains",
    "between": "there is no BETWEEN: write a >= 1 AND a <= 5",
    "is": "there is no IS: write is_defined(a), is_null(a), or a = null",
    "and": "a comparison is missing before AND",
    "or": "a comparison is missing before OR",
    "not": "NOT stands before what it denies: write NOT (a = 'x')",
    "group": "a query has FROM, WHERE and INTO alone",
    "order": "a query has FROM, WHERE and INTO alone",
    "into": "a condition has no INTO: the route says where messages go",
    "where": "a condition begins after WHERE",
    "from": "a condition has no FROM: the route says where messages come from",
    "select": "a condition has no SELECT",
}


def misplaced(text: str, at: int, expected: Set[str]) -> NotTheLanguage:
    """The error for reading that stopped at a place, where only those terminals could follow."""
    if at >= len(text):
        return NotTheLanguage(text, len(text), len(text), "it ends too early", _missing(expected))
    found = _WORD.match(text, at)
    word = found[0] if found else text[at]
    end = at + len(word)
    if word[0] in "'\"":
        return _bad_text(text, at, word, expected)
    if word == "/*":
        return NotTheLanguage(text, at, end, "the comment is not closed", "write */ at its end")
    if "SOURCE" in expected:
        hint = "a source begins with /: FROM /messages/modules/probe/* or FROM /messages/*"
        return NotTheLanguage(text, at, end, f"{_shown(word)} is no source", hint)
    if "UPSTREAM" in expected:
        hint = 'write INTO $upstream or INTO BrokeredEndpoint("/modules/guard/inputs/in")'
        return NotTheLanguage(text, at, end, f"{_shown(word)} is no sink", hint)
    if "FROM" in expected and word.lower() != "from":
        hint = "a query is FROM source WHERE condition INTO sink"
        return NotTheLanguage(text, at, end, f"{_shown(word)} begins no query", hint)
    problem = f"{_shown(word)} does not belong here"
    return NotTheLanguage(text, at, end, problem, _hint(text, at, word, expected))


def _missing(expected: Set[str]) -> str:
    """What could have come after the end; the most probable."""
    for terminal, hint in (
        ("SOURCE", "after FROM a source is needed, as /messages/*"),
        ("UPSTREAM", 'after INTO a sink is needed: $upstream, or BrokeredEndpoint("…")'),
        ("INTO", "INTO $upstream or INTO BrokeredEndpoint(…) is missing"),
        ("FROM", "FROM is missing"),
        ("NUMBER", "a value is missing"),
        ("RPAR", "a ) is missing"),
        ("RBRACE", "a } is missing"),
        ("TEXT", "a text in quotes is missing"),
        ("LPAR", 'write BrokeredEndpoint("/modules/guard/inputs/in")'),
    ):
        if terminal in expected:
            return hint
    return ""


def _bad_text(text: str, at: int, word: str, expected: Set[str]) -> NotTheLanguage:
    quote = word[0]
    body = re.compile(rf"{quote}(?:[^{quote}\\]|\\.)*", re.DOTALL).match(text, at)
    end = body.end() if body else at + 1
    if text[end : end + 1] != quote:
        return NotTheLanguage(
            text, at, at + 1, f"the text that begins here has no {quote} at its end"
        )
    for escape in re.finditer(r"\\(.)", text[at:end], re.DOTALL):
        if escape[1] not in "'\"\\" and not _UNICODE.match(text, at + escape.start()):
            problem = f"{escape[0]!a} is no escape".replace("\\\\", "\\")
            hint = "there are \\' \\\" \\\\ and \\u with four hexadecimal digits"
            first = at + escape.start()
            return NotTheLanguage(text, first, first + 2, problem, hint)
    hint = "something is missing before it, as = or AND"
    if at and text[at - 1] in "'\"":
        hint = f"a quote within a text is written \\{quote}"
    elif "NUMBER" in expected:
        hint = ""
    return NotTheLanguage(text, at, end + 1, "a text does not belong here", hint)


_UNICODE = re.compile(r"\\u[0-9a-fA-F]{4}")


_SELECTED = re.compile(r"^\s*SELECT$", re.IGNORECASE)
_NO_CONDITION = re.compile(r"\bWHERE\s+INTO$", re.IGNORECASE)


def _hint(text: str, at: int, word: str, expected: Set[str]) -> str:
    """What to write instead, told by the word and what stands before it."""
    before = text[:at].rstrip()
    value_needed = "NUMBER" in expected
    if _SELECTED.search(before):
        return "a query takes whole messages: write SELECT *, or no SELECT"
    if _NO_CONDITION.search(before):
        return "after WHERE a condition is needed"
    if word.startswith("=") and before.endswith("="):
        return "there is no ==: write ="
    if word == "=" and before.endswith(">"):
        return "greater or equal is >="
    if word in ("=", ">") and before.endswith("<"):
        return "not equal is !=, less or equal is <="
    if word[0] == "&":
        return "write AND"
    if word[0] == "|":
        return "write OR; to join texts write ||, with spaces around"
    if word[0] in "+-*%" and len(word) > 1 and not value_needed:
        return f"spaces around {word[0]} are needed"
    if word == "!":
        return "write NOT (…), or !=, with a space before it"
    if word.lower() in _FOREIGN:
        if word.lower() == "not" and re.search(r"\b(IS|is)$", before):
            return _FOREIGN["is"]
        return _FOREIGN[word.lower()]
    if word in "[].":
        return "in a body, members and elements are written $body.list[0].name, without spaces"
    if word == ";":
        return "the text ends without a ;"
    if word in "{}":
        return "{ } are for {$name} alone"
    if word == ")":
        return "a value is missing before it" if value_needed else "no ( stands before it"
    if word == "\\":
        return "only texts in quotes have a \\"
    if word == "?":
        return "what stands for an undefined value follows ??"
    if value_needed:
        return "a value is missing before it" if word in "=<>/,?" else ""
    return "something is missing before it, as = or AND"


def _shown(word: str) -> str:
    short = word if len(word) <= 30 else word[:29] + "…"
    return short if short.isprintable() else repr(short)
