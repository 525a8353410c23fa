"""The page's model, as page/core/model.js keeps it: rows by kind, obeying frames alone."""

import msgspec

from ecn.dashboard import rows
from ecn.dashboard.documents import Frame
from projections.world import World

Rows = dict[str, dict[str, object]]


class Model:
    """What one page knows."""

    def __init__(self) -> None:
        self.position = -1
        self.rows: Rows = {kind: {} for kind in rows.KINDS}
        self.events: list[int] = []
        """Positions of those that it was told."""

    def apply(self, content: bytes) -> None:
        """Obey a frame, or load a snapshot. Errors: AssertionError for one that is no news."""
        frame = msgspec.json.decode(content, type=dict[str, object])
        position = frame["position"]
        assert isinstance(position, int)
        assert position > self.position
        self.position = position
        said = msgspec.convert(frame, Said)
        for kind, ids in said.drop.items():
            for key in ids:
                del self.rows[kind][key]
        for kind, put in said.put.items():
            for row in put:
                self.rows[kind][str(row["id"])] = row
        self.events += [each.position for each in said.events]


class Line(msgspec.Struct):
    """An event of it."""

    position: int


class Said(msgspec.Struct):
    """A frame as any reader of JSON has it."""

    put: dict[str, list[dict[str, object]]] = {}
    drop: dict[str, list[str]] = {}
    events: list[Line] = []


def shown(world: World) -> Rows:
    """All rows of a world, as a page that loads it has them."""
    model = Model()
    model.apply(msgspec.json.encode(Frame(position=world.position, put=rows.everything(world))))
    return model.rows
