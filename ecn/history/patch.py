"""Differences as a JSON patch (RFC 6902). Pure.

It applies to the tree that trees.py makes of a world: `{"node": {"<id>": {…}}, "application": …}`.
"""

from collections.abc import Iterable, Iterator

from ecn.api.history_documents import Change, Difference, PatchOperation, is_given, pointer

MEDIA = "application/json-patch+json"


def patch(differences: Iterable[Difference]) -> Iterator[PatchOperation]:
    """What makes the tree of the one moment that of the other."""
    for difference in differences:
        kind, _, identity = difference.subject.partition("/")
        path = pointer(kind, identity)
        match difference.change:
            case Change.CREATED:
                yield PatchOperation(op="add", path=path, value=difference.document)
            case Change.DELETED:
                yield PatchOperation(op="remove", path=path)
            case Change.CHANGED:
                for field in difference.fields:
                    where = path + field.path
                    if not is_given(field.after):
                        yield PatchOperation(op="remove", path=where)
                    else:
                        op = "replace" if is_given(field.before) else "add"
                        yield PatchOperation(op=op, path=where, value=field.after)
