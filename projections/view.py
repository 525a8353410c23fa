"""What a projection may say, and the immutable tables that obey it.

A projection is a pure function from the world before an event, and the event, to changes of rows:
`Put` and `Drop`, nothing else. Memory obeys at once; whatever else keeps rows obeys the same.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

from immutables import Map
from msgspec import Struct

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
K_co = TypeVar("K_co", bound=Hashable, covariant=True)
R_co = TypeVar("R_co", covariant=True)

Values = Callable[[R], tuple[Hashable, ...]]
"""Under which values of an index a row is found."""


class Put(Struct, Generic[K_co, R_co], frozen=True, gc=False):
    """The row with this key is now this one."""

    key: K_co
    row: R_co


class Drop(Struct, Generic[K_co], frozen=True, gc=False):
    """There is no row with this key any more. Dropping what is not there does nothing."""

    key: K_co


class Table(Generic[K, R]):
    """Rows by key, with indexes derived from the rows. It never changes: a `Draft` makes the next.

    indexes: name -> the values under which a row is found. A value may lead to many rows.
    rows: what it begins with. No row is None.
    """

    __slots__ = ("_found", "_indexes", "_rows")

    def __init__(self, indexes: Mapping[str, Values[R]], rows: Mapping[K, R] | None = None) -> None:
        self._indexes = indexes
        self._rows: Map[K, R] = Map(rows or {})
        self._found: dict[str, Map[Hashable, K | Map[K, bool]]] = {}
        """Under a value of an index stands the only key, or a map of several. Most lead to one row
        each: a map for each of them would be most of what a world consists of."""
        for name, values in indexes.items():
            first: dict[Hashable, K] = {}
            several: dict[Hashable, dict[K, bool]] = {}
            for key, row in self._rows.items():
                for value in values(row):
                    other = first.setdefault(value, key)
                    if other is not key:
                        several.setdefault(value, {other: True})[key] = True
            found: dict[Hashable, K | Map[K, bool]] = {**first}
            found.update({value: Map(keys) for value, keys in several.items()})
            self._found[name] = Map(found)

    def get(self, key: K) -> R | None:
        """The row, or None."""
        return self._rows.get(key)

    def __getitem__(self, key: K) -> R:
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def items(self) -> Iterator[tuple[K, R]]:
        """Key and row of all, in no particular order."""
        return iter(self._rows.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self._rows == other._rows

    __hash__ = None  # type: ignore[assignment]  # as for every container compared by content

    def find(self, index: str, value: Hashable) -> Iterator[K]:
        """Keys of the rows found under that value."""
        return iter(_all(self._found[index].get(value)))

    def one(self, index: str, value: Hashable) -> K | None:
        """The key found under that value where there is at most one by the deciders' rules."""
        return next(self.find(index, value), None)

    def count(self, index: str, value: Hashable) -> int:
        """How many rows are found under that value."""
        return len(_all(self._found[index].get(value)))

    def values(self, index: str) -> Iterator[Hashable]:
        """The different values of an index."""
        return iter(self._found[index])

    def filled(self, rows: Mapping[K, R]) -> "Table[K, R]":
        """A table of the same kind with just these rows."""
        return Table(self._indexes, rows)

    def changed(self, change: Put[K, R] | Drop[K]) -> "Table[K, R]":
        """The table after one change; this one stays as it is."""
        draft = Draft(self)
        draft.obey(change)
        return draft.table()


class Draft(Table[K, R]):
    """A table that is being changed by many events, and reads at any time as if it had been made.

    Changes are gathered in dicts over the table below, which stays as it is, and go into the
    persistent maps all at once: several times cheaper than a new map for each.
    """

    __slots__ = ("_below", "_changed", "_turned")

    def __init__(self, below: Table[K, R]) -> None:
        self._below = below
        self._indexes = below._indexes
        self._changed: dict[K, R | None] = {}
        """None: dropped."""
        self._turned: dict[str, dict[Hashable, dict[K, bool]]] = {
            name: {} for name in below._indexes
        }
        """Where an index says otherwise than below: found there now (True), or no more."""

    def changes(self) -> Mapping[K, R | None]:
        """The rows that may be others than below; None is no row."""
        return self._changed

    def obey(self, change: Put[K, R] | Drop[K]) -> None:
        """Change one row."""
        key = change.key
        row = change.row if type(change) is Put else None
        changed = self._changed
        if not self._indexes:
            # Most of all changes there are: what was there before is of no interest.
            changed[key] = row
            return
        old = changed[key] if key in changed else self._below._rows.get(key)
        if old is row:
            return
        changed[key] = row
        for name, values in self._indexes.items():
            before = values(old) if old is not None else ()
            now = values(row) if row is not None else ()
            if before != now:
                for value in before:
                    self._turn(name, value, key, found=False)
                for value in now:
                    self._turn(name, value, key, found=True)

    def _turn(self, name: str, value: Hashable, key: K, *, found: bool) -> None:
        turned = self._turned[name]
        keys = turned.get(value)
        if keys is None:
            turned[value] = {key: found}
        elif keys.get(key, found) is found:
            keys[key] = found
        else:
            del keys[key]  # back to what it is below
            if not keys:
                del turned[value]

    def table(self) -> Table[K, R]:
        """The table after all these changes."""
        below = self._below
        if not self._changed:
            return below
        after: Table[K, R] = Table.__new__(Table)
        after._indexes = self._indexes
        after._rows = _updated(below._rows, self._changed)
        after._found = found = dict(below._found)
        for name, turned in self._turned.items():
            if turned:
                old = found[name]
                new = {value: _after(old.get(value), keys) for value, keys in turned.items()}
                found[name] = _updated(old, new)
        return after

    def get(self, key: K) -> R | None:
        """See Table."""
        changed = self._changed
        return changed[key] if key in changed else self._below._rows.get(key)

    def __getitem__(self, key: K) -> R:
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __contains__(self, key: object) -> bool:
        if key in self._changed:
            return self._changed[key] is not None
        return key in self._below._rows

    def __len__(self) -> int:
        below = self._below._rows
        size = len(below)
        for key, row in self._changed.items():
            size += (row is not None) - (key in below)
        return size

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.items())

    def items(self) -> Iterator[tuple[K, R]]:
        """See Table."""
        for key, row in self._below._rows.items():
            if key not in self._changed:
                yield key, row
        for key, changed in self._changed.items():
            if changed is not None:
                yield key, changed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and dict(self.items()) == dict(other.items())

    def find(self, index: str, value: Hashable) -> Iterator[K]:
        """See Table. Complete at once: what is found may be changed while it is gone through."""
        below = _all(self._below._found[index].get(value))
        turned = self._turned[index].get(value)
        if turned is None:
            return iter(below)
        kept = [key for key in below if key not in turned]
        return iter(kept + [key for key, found in turned.items() if found])

    def count(self, index: str, value: Hashable) -> int:
        """See Table."""
        below = len(_all(self._below._found[index].get(value)))
        turned = self._turned[index].get(value, {})
        return below + sum(1 if found else -1 for found in turned.values())

    def values(self, index: str) -> Iterator[Hashable]:
        """See Table."""
        below, turned = self._below._found[index], self._turned[index]
        return iter(
            [value for value in below if value not in turned or self.count(index, value)]
            + [value for value in turned if value not in below]
        )


def _all(keys: K | Map[K, bool] | None) -> Collection[K]:
    """The keys under a value: none, one or several."""
    if keys is None:
        return ()
    return keys if isinstance(keys, Map) else (keys,)


def _after(keys: K | Map[K, bool] | None, turned: Mapping[K, bool]) -> K | Map[K, bool] | None:
    """The keys under a value, after some were found there, and others no more."""
    before = keys if isinstance(keys, Map) else Map(dict.fromkeys(_all(keys), True))
    after = _updated(before, {key: True if found else None for key, found in turned.items()})
    if len(after) > 1:
        return after
    return next(iter(after), None)


def _updated(rows: Map[K, R], changes: Mapping[K, R | None]) -> Map[K, R]:
    """The rows after the changes; None drops one. Runs in C where nothing is dropped."""
    if None not in changes.values():
        return rows.update(changes)  # type: ignore[arg-type]  # no row of it is None
    mutated = rows.mutate()
    for key, row in changes.items():
        if row is not None:
            mutated[key] = row
        else:
            mutated.pop(key, None)
    return mutated.finish()
