"""Twins on the device: what a microservice should be and what it says that it is, without anybody.

`desired` is what the controller said last, with this device's own changes that are not decided yet
on top; `reported` is the microservice's own. Both are read and changed without a controller, from
disk, and told to it in order, each change once: see `twin_store.py`.

Started by `run.py`, asked by `twin_routes.py`. Everything here is quick and synchronous.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from msgspec import Struct

from agent.contract import Microservice, Twin
from agent.errors import EngineError
from agent.local.config_delivery import ConfigDelivery
from agent.local.merge_patch import (
    Document,
    NoDocument,
    changed,
    decoded,
    difference,
    encoded,
    patch_document,
    patched,
    section,
)
from agent.local.problems import LocalRefused
from agent.local.twin_store import MOST_EDITS, NOTHING, TwinStore
from agent.storage.desired_state import Known

log = structlog.get_logger()

BURST, PER_SECOND = 60.0, 1.0
"""Changes of either section that one microservice may make: so many at once, and then so many."""


class Desired(Struct, frozen=True):
    """What should be, as this device sees it."""

    properties: Document
    version: int
    """The controller's."""
    edits: int
    """Changes made here that the controller has not decided yet, which are in it."""
    etag: str


class Twins:
    """The twins of the node's microservices.

    clock: seconds that only go forward. now: the device's time. tell: this one's changed.
    on_reported: this one said by that merge patch what is otherwise; it is on the disk.
    """

    def __init__(
        self,
        store: TwinStore,
        config: ConfigDelivery,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        tell: Callable[[str], None],
        on_reported: Callable[[str, bytes], None] = lambda microservice_id, patch: None,
    ) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._clock = clock
        self._tell = tell
        self._on_reported = on_reported
        self._central: dict[str, Twin] = {}
        self._microservices: Mapping[str, Microservice] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def wish(self, known: Known) -> None:
        """This is the desired state from now on.

        To be told before the ConfigDelivery is, which writes the files that this changes.
        """
        for gone in self._central.keys() - known.microservices.keys():
            del self._central[gone]
            self._config.twin(gone, None)
        self._microservices = known.microservices
        self._buckets = {k: v for k, v in self._buckets.items() if k[0] in known.microservices}
        self._store.keep_only(known.microservices)
        for microservice_id, microservice in known.microservices.items():
            twin = microservice.twin or Twin(desired=NOTHING)
            if self._central.get(microservice_id) != twin:
                self._central[microservice_id] = twin
                self._store.decided(microservice_id, twin.edits_through)
                self._show(microservice_id)

    def desired(self, microservice_id: str) -> Desired:
        """What should be of it. Errors: LocalRefused when it is none of this node's."""
        twin = self._twin(microservice_id)
        edits = self._store.edits(microservice_id)
        properties = decoded(twin.desired)
        for each in edits:
            properties = changed(properties, decoded(each.change.patch))
        # The number of the last change, as no two have the same: the version is the controller's.
        etag = f"{twin.desired_version}+{edits[-1].sequence}" if edits else twin.desired_version
        return Desired(properties, twin.desired_version, len(edits), str(etag))

    def reported(self, microservice_id: str) -> tuple[Document, int]:
        """What it says that it is, and the version of that. Errors: as `desired`."""
        twin, kept = self._twin(microservice_id), self._store.reported(microservice_id)
        return decoded(kept.whole), max(kept.version, twin.reported_version)

    def patch_reported(self, microservice_id: str, body: bytes) -> bool:
        """The microservice says what is otherwise; whether anything is. Errors: LocalRefused."""
        before, _ = self.reported(microservice_id)
        self._take(microservice_id, "reported")
        after = _after(before, body)
        patch = difference(before, after)
        if not patch:
            return False
        known = self._twin(microservice_id).reported_version
        if not self._store.report(microservice_id, encoded(after), known=known, at=self._now()):
            raise _not_kept()
        self._tell(microservice_id)
        self._on_reported(microservice_id, bytes(encoded(patch)))
        return True

    def patch_desired(self, microservice_id: str, body: bytes) -> bool:
        """Somebody here says what should be; whether that is new. Errors: LocalRefused."""
        before = self.desired(microservice_id)
        self._take(microservice_id, "desired")
        patch = difference(before.properties, _after(before.properties, body))
        if not patch:
            return False
        if not self._store.room_for_edit(microservice_id):
            raise LocalRefused(
                507,
                "too-many-changes",
                f"as many changes as are kept ({MOST_EDITS}, 1 MiB) wait for the controller",
                next_step="let the device reach its controller: ecn-agent status",
            )
        base, at = before.version, self._now()
        if not self._store.edit(microservice_id, encoded(patch), base=base, at=at):
            raise _not_kept()
        self._show(microservice_id)
        try:
            self._config.deliver(self._microservices[microservice_id])
        except (OSError, EngineError) as error:  # tried again, and told, before each start
            log.error("twin-not-delivered", microservice=microservice_id, error=str(error))
        self._tell(microservice_id)
        return True

    def _twin(self, microservice_id: str) -> Twin:
        twin = self._central.get(microservice_id)
        if twin is None:
            raise LocalRefused(404, "not-found", "this microservice is not on this node any more")
        return twin

    def _show(self, microservice_id: str) -> None:
        """For those that only read files."""
        content = bytes(encoded(self.desired(microservice_id).properties))
        self._config.twin(microservice_id, content)

    def _take(self, microservice_id: str, what: str) -> None:
        bucket = self._buckets.get((microservice_id, what))
        if bucket is None:
            bucket = self._buckets[microservice_id, what] = _Bucket(self._clock())
        if not bucket.take(self._clock()):
            raise LocalRefused(
                429,
                "too-many-changes",
                f"more than {BURST:.0f} changes at once, and {PER_SECOND:.0f} per second then",
                next_step="report what matters, less often; each change is kept for ever",
            )


class _Bucket:
    """So many at once, refilled steadily."""

    def __init__(self, now: float) -> None:
        self._left = BURST
        self._at = now

    def take(self, now: float) -> bool:
        self._left = min(BURST, self._left + (now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def _after(before: Document, body: bytes) -> Document:
    """The section after a patch in a request. Errors: LocalRefused."""
    try:
        after = patched(before, patch_document(body))
        return section(encoded(after))
    except NoDocument as error:
        raise LocalRefused(
            400, "invalid", f"this {error.detail}", field=error.field, next_step=PATCHES
        ) from error


PATCHES = (
    "send a JSON object as a merge patch (RFC 7396): what is absent stays, null removes; the whole "
    "may have 32 KiB and 10 levels"
)


def _not_kept() -> LocalRefused:
    return LocalRefused(
        507,
        "not-kept",
        "the device's disk takes no more, and nothing was changed",
        next_step="free some space on the device, and try again",
    )
