"""What is wrong with a text of the route language, said so that its writer can mend it.

Pure. The one error that reading the language raises.
"""

from typing import Self


class NotTheLanguage(ValueError):
    """The text is no condition, or no route query.

    text:       all of it, as it was given.
    start, end: which characters are meant, from 0; `end` is the one after the last.
    problem:    one sentence, without a full stop.
    hint:       what to write instead, or empty.
    """

    def __init__(self, text: str, start: int, end: int, problem: str, hint: str = "") -> None:
        self.text = text
        self.start = max(0, min(start, len(text)))
        self.end = max(self.start, min(end, len(text)))
        self.problem = problem
        self.hint = hint
        super().__init__(self.sentence)

    @property
    def line(self) -> int:
        """From 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """From 1, in characters."""
        return self.start - (self.text.rfind("\n", 0, self.start) + 1) + 1

    @property
    def sentence(self) -> str:
        """Where, what and what to do, on one line."""
        hint = f": {self.hint}" if self.hint else ""
        return f"line {self.line}, column {self.column}: {self.problem}{hint}"

    @property
    def excerpt(self) -> str:
        """The line in question, as much of it as fits on a screen, and what is meant marked."""
        begin = self.text.rfind("\n", 0, self.start) + 1
        finish = self.text.find("\n", self.start)
        line = self.text[begin : finish if finish >= 0 else len(self.text)]
        first, last = self.start - begin, min(self.end - begin, len(line))
        cut = max(0, first - BEFORE)
        shown = line[cut : cut + WIDTH]
        marks = "^" * max(1, min(last, cut + WIDTH) - first)
        visible = "".join(character if character.isprintable() else " " for character in shown)
        return f"{visible}\n{' ' * (first - cut)}{marks}"

    def within(self, text: str, offset: int) -> Self:
        """The same of a text that this one is a part of, `offset` characters in."""
        return type(self)(text, self.start + offset, self.end + offset, self.problem, self.hint)


BEFORE, WIDTH = 40, 76
"""Characters of a long line that are shown before what is meant, and altogether."""
