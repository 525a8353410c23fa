"""What a text of the route language says, once it is read: a tree without its spaces.

Pure values, compared by value. `parse` makes them, `printed` writes them, `compiled` runs them.
"""

from typing import Literal

from msgspec import Struct

Operator = Literal["*", "/", "%", "+", "-", "||", "<", "<=", ">", ">=", "=", "!=", "??"]


class Number(Struct, frozen=True):
    """A number; all are doubles, and finite."""

    value: float


class Text(Struct, frozen=True):
    """A text in quotes."""

    value: str


class Truth(Struct, frozen=True):
    """true or false."""

    value: bool


class Null(Struct, frozen=True):
    """null."""


class Undefined(Struct, frozen=True):
    """undefined."""


class Property(Struct, frozen=True):
    """A property that the sender gave; always text. Its name's case does not matter."""

    name: str


class System(Struct, frozen=True):
    """A property that the network gives; always text."""

    name: str
    """Without the $."""
    forced: bool = False
    """Written {$name}: never a property of the sender that is called `$name`."""


class Body(Struct, frozen=True):
    """A place in the body, which is JSON."""

    path: tuple[str | int, ...]
    """Members by name (their case matters), elements by number from 0."""


class Call(Struct, frozen=True):
    """A function of some values."""

    function: str
    """In lower case; one of `functions.FUNCTIONS`."""
    arguments: tuple["Expression", ...]


class Negative(Struct, frozen=True):
    """- x."""

    operand: "Expression"


class Not(Struct, frozen=True):
    """NOT x."""

    operand: "Expression"


class Binary(Struct, frozen=True):
    """Two values and what is between them."""

    operator: Operator
    left: "Expression"
    right: "Expression"


class And(Struct, frozen=True):
    """x AND y AND …, two or more, from the left."""

    operands: tuple["Expression", ...]


class Or(Struct, frozen=True):
    """x OR y OR …, two or more, from the left."""

    operands: tuple["Expression", ...]


Expression = (
    Number
    | Text
    | Truth
    | Null
    | Undefined
    | Property
    | System
    | Body
    | Call
    | Negative
    | Not
    | Binary
    | And
    | Or
)


class Source(Struct, frozen=True):
    """Which messages a query looks at, by where they come from."""

    path: str
    """As it was written: see `sources.py` for what there is."""
    messages: bool
    """Messages of microservices."""
    twin_changes: bool
    """Changed reported properties of twins."""
    module: str | None = None
    """Name of the microservice; None: any."""
    output: str | None = None
    """Name of the output; None: any, or none."""
    any_output: bool = False
    """Only what was sent by an output, whichever."""


class Upstream(Struct, frozen=True):
    """$upstream: out of the network, to the centre."""


class Input(Struct, frozen=True):
    """BrokeredEndpoint("/modules/<module>/inputs/<name>"): another microservice."""

    module: str
    name: str


Sink = Upstream | Input


class Query(Struct, frozen=True):
    """FROM source WHERE condition INTO sink."""

    source: Source
    condition: Expression | None
    """None: always."""
    sink: Sink


def children(node: Expression) -> tuple[Expression, ...]:
    """What an expression is made of, one level down."""
    match node:
        case Call():
            return node.arguments
        case Negative() | Not():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case And() | Or():
            return node.operands
        case _:
            return ()
