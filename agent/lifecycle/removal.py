"""Which images go to make room, and which never. Pure; `images/pruning.py` carries it out.

Never: an image that is not in the ledger; one that any container was made from, running or not, of
this agent or not; one that a microservice of this node wants; one that another image was built
upon. Names that somebody else gave to an image of ours are left alone, and so is then the image.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from agent.images.ledger import Entry
from agent.images.reference import by_digest, of_gateway, repository_of
from agent.images.store import LocalImage


class Removal(Struct, frozen=True, kw_only=True):
    """One image that may go."""

    image_id: str
    names: tuple[str, ...]
    """What to remove, one after the other: with the last name the image goes. Its id, where it has
    no name at all."""
    size_bytes: int
    last_used: datetime
    reason: str


class RemovalPlan(Struct, frozen=True, kw_only=True):
    """What may go, in this order."""

    surplus: tuple[Removal, ...]
    """Nothing uses it and nobody wants it; least recently used first."""
    previous: tuple[Removal, ...]
    """The one before the wanted one, of each wanted repository: going back to it needs no
    network. Kept until there is need."""
    kept: Mapping[str, str]
    """The others of ours, by id: why they stay."""
    gone: tuple[str, ...]
    """Ids in the ledger that the engine has no more."""


def removals(
    images: Sequence[LocalImage],
    in_use: Collection[str],
    ledger: Mapping[str, Entry],
    wanted: Collection[str],
) -> RemovalPlan:
    """Compare, decide, say why.

    images: all that the engine has. in_use: ids that a container was made from.
    wanted: references of this node's microservices, spelt out.
    """
    parents = {each.parent_id for each in images if each.parent_id}
    may_go: list[Removal] = []
    kept: dict[str, str] = {}
    for image in images:
        entry = ledger.get(image.image_id)
        if entry is None:
            continue
        why = _needed(image, in_use, parents, wanted)
        if why:
            kept[image.image_id] = why
            continue
        names = _ours(image, entry)
        if not names:
            kept[image.image_id] = "somebody else named it"
            continue
        may_go.append(
            Removal(
                image_id=image.image_id,
                names=names,
                size_bytes=image.size_bytes,
                last_used=entry.last_used,
                reason="no container was made from it, and no microservice wants it",
            )
        )
    may_go.sort(key=lambda each: (each.last_used, each.image_id))
    previous = _previous(may_go, ledger, wanted)
    here = {each.image_id for each in images}
    return RemovalPlan(
        surplus=tuple(each for each in may_go if each.image_id not in previous),
        previous=tuple(each for each in may_go if each.image_id in previous),
        kept=kept,
        gone=tuple(sorted(each for each in ledger if each not in here)),
    )


def left_names(images: Sequence[LocalImage], live: Collection[str]) -> tuple[str, ...]:
    """Names that a pull through the gateway left behind when the agent was killed.

    live: the names of pulls that are under way.
    """
    return tuple(
        name
        for image in images
        for name in image.references
        if of_gateway(name) and name not in live
    )


def _needed(
    image: LocalImage, in_use: Collection[str], parents: Collection[str], wanted: Collection[str]
) -> str:
    """Why it has to stay; empty when it has not."""
    if image.image_id in in_use:
        return "a container was made from it"
    if image.image_id in parents:
        return "another image was built upon it"
    if any(name in wanted for name in image.references):
        return "a microservice wants it"
    return ""


def _ours(image: LocalImage, entry: Entry) -> tuple[str, ...]:
    """What to remove of its names; nothing when somebody else's would remain."""
    if not image.references:
        return (image.image_id,)
    repositories = {repository_of(name) for name in entry.references}
    ours = tuple(
        name
        for name in image.references
        if name in entry.references
        # The digest comes with a tag, unasked.
        or (by_digest(name) and repository_of(name) in repositories)
        or of_gateway(name)
    )
    if len(ours) < len(image.references):
        return ()
    # Tags first: with the last tag of a repository the engine lets go of its digests.
    return tuple(sorted(ours, key=by_digest))


def _previous(
    may_go: Sequence[Removal], ledger: Mapping[str, Entry], wanted: Collection[str]
) -> set[str]:
    repositories = {repository_of(name) for name in wanted}
    newest: dict[str, str] = {}
    for removal in may_go:  # ascending by last use: the last one stays
        for repository in {repository_of(n) for n in ledger[removal.image_id].references}:
            if repository in repositories:
                newest[repository] = removal.image_id
    return set(newest.values())
