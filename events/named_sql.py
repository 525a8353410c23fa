"""SQL from `.sql` files: several queries in one file, each under a `-- name:` line.

So a query is read, and tried in psql, as SQL; the adapters call it by its name.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(package: str, file: str) -> Mapping[str, str]:
    """The queries of `file` in `package`, by name. Errors: ValueError if a name comes twice."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    names, queries = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{file} has two queries of the same name")
    return {name: query.strip() for name, query in zip(names, queries, strict=True)}
