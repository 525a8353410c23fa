"""The whole numbers by which ioFog names what we name by longer ids.

A row's number is the position of the event that created it, which no other thing of any kind has.
On the wire it begins above what ioFog keeps for itself: registries 1 and 2, catalog items 1 to 17.
"""

BEGIN = 1000


def on_the_wire(number: int) -> int:
    """A row's number as ioFog's clients see it."""
    return number + BEGIN


def of_a_row(wire: int) -> int | None:
    """The number of the row that ioFog's clients mean; None for one that no row of ours has."""
    return wire - BEGIN if wire > BEGIN else None


def read(text: str) -> int | None:
    """A number as it stands in a path or a query; None where it is none."""
    # isdecimal alone would let in other scripts' digits; 15 digits are exact in JavaScript too.
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None
