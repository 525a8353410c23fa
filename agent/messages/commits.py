"""Between the event loop and the store: what comes while one transaction runs goes into the next.

`keeping.py` gives it what to write and what to read; one task, started by the router, has it done
in a thread of its own, one thing after the other. So answers come in the order in which things were
done, and between an answer and the next thing nothing else happens to the store.
"""

import asyncio
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from agent.messages.rows import (
    Applied,
    Batch,
    DiskRefuses,
    Dropped,
    Gone,
    Limits,
    Put,
    StoreBroken,
    Victim,
)
from agent.messages.store import Store, translated

log = structlog.get_logger()

T = TypeVar("T")

MOST_AT_ONCE = 500
"""Puts in one transaction, and a few times as many of the rest."""
LARGEST = 4 * 1024 * 1024
"""Bytes of them."""
CROWDED = 8 * 1024 * 1024
"""Bytes that wait to be written; who publishes waits too then."""
RETRY = 1.0
"""Seconds until what could not be written, or read, is tried again."""
TIDY_EVERY = 64
"""Transactions."""


class Commits:
    """The store at `path`, opened with the first thing that is to be done.

    now: milliseconds since 1970. out: what receivers have at this moment, by lane and sequence.
    on_opened: it is open now, also anew after it was broken. on_victims: they had to give way.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], int],
        out: Callable[[], Set[tuple[int, int]]],
        on_opened: Callable[[Store], None],
        on_victims: Callable[[list[Victim]], None],
    ) -> None:
        self._path = path
        self._now = now
        self._out = out
        self._on_opened = on_opened
        self._on_victims = on_victims
        self._thread: ThreadPoolExecutor | None = None
        self._store: Store | None = None
        self._batch = Batch()
        self._kept: list[Callable[[int | None], None]] = []
        """What each put of it is answered to."""
        self._written: list[Callable[[], None]] = []
        self._questions: list[Callable[[Store], Callable[[], None]]] = []
        self._in_flight: list[Callable[[int | None], None]] = []
        self._ended = False
        self._size = 0
        self._work = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._since_tidy = 0
        self.eased = asyncio.Event()
        """Less waits than before."""
        self.at_end: Callable[[], None] = lambda: None
        """Gives what is to be written before the store is closed."""
        self.last_words: Callable[[], None] = lambda: None
        """Asks what is to be read when that is done."""
        self.open_drops = False
        """Something was dropped that nobody was told."""
        self.limits = Limits()
        self.used = 0
        """Bytes of the file that hold something."""
        self.problem = ""
        self.commits = 0

    @property
    def crowded(self) -> bool:
        """So much waits to be written that nobody should add to it."""
        return self._size > CROWDED

    def open(self) -> None:
        """There may be something in it: look."""
        self.ask(lambda _: None, lambda _: None)

    def put(self, put: Put, kept: Callable[[int | None], None]) -> None:
        """Keep a message; `kept` is told its sequence, or None when it is not kept."""
        if self._ended:
            kept(None)
            return
        self._batch.puts.append(put)
        self._kept.append(kept)
        self._size += put.size
        self._work.set()

    def gone(self, gone: Gone) -> None:
        """It does not wait any more."""
        self._batch.gone.append(gone)
        self._work.set()

    def dropped(self, dropped: Dropped) -> None:
        """Count it."""
        self._batch.drops.append(dropped)
        self._work.set()

    def taken(self, digest: bytes) -> None:
        """Know it again."""
        self._batch.taken.append(digest)
        self._work.set()

    def then(self, written: Callable[[], None]) -> None:
        """Call it when all that was given before is on the disk, or can't be for now."""
        if self._ended:
            written()
            return
        self._written.append(written)
        self._work.set()

    def ask(self, question: Callable[[Store], T], answer: Callable[[T], None]) -> None:
        """Have it looked at after what was asked before; `answer` must not wait for anything."""

        def looked_at(store: Store) -> Callable[[], None]:
            return partial(answer, question(store))

        self._questions.append(looked_at)
        self._work.set()

    # --- the task

    async def run(self) -> None:
        """Until cancelled; what was given until then is written, and the store closed."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                if await self._opened() and await self._answered():
                    await self._apply_next()
                    await self._tidied()
        finally:
            await self._closed()

    async def _closed(self) -> None:
        self.at_end()
        if self._something and await self._opened():
            await self._apply_next(all_of_it=True)
        self._ended = True
        if self._store is not None:
            self.last_words()
            await self._answered()
        if self._retry is not None:
            self._retry.cancel()
        if self._store is not None:
            await self._call(self._store.close)
        if self._thread is not None:
            self._thread.shutdown(wait=False)
        # It is not known of these whether they are kept: who sends them again is not wrong.
        for tell in self._in_flight:
            tell(None)
        self._put_off()

    @property
    def _something(self) -> bool:
        batch = self._batch
        return bool(batch.puts or batch.gone or batch.drops or batch.taken)

    async def _opened(self) -> bool:
        if self._store is not None:
            return True
        try:
            self._store = await self._call(partial(Store, self._path))
        except DiskRefuses as error:
            self._failed(error)
            self._put_off()
            return False
        self.open_drops = True  # as it may have ended before it told of them
        self._on_opened(self._store)
        return True

    async def _answered(self) -> bool:
        """Answer the questions; False when that has to be tried again."""
        while self._questions:
            question = self._questions[0]
            try:
                answer = await self._call(partial(question, self._the_store))
            except DiskRefuses as error:
                self._failed(error)
                self._later()
                # What is to be written does not wait for what can't be read.
                return True
            except StoreBroken as error:
                if not await self._begun_anew(error):
                    return False
                continue
            del self._questions[0]
            answer()
        return True

    async def _apply_next(self, *, all_of_it: bool = False) -> None:
        if not self._something and not self._written:
            return
        batch, kept, written = self._cut(all_of_it=all_of_it)
        self._in_flight = kept
        applied = await self._done(batch)
        if applied is None:
            # Nothing new, but what is over is over. Known again here only: told twice is allowed.
            applied = await self._done(Batch(gone=batch.gone, taken=batch.taken, drops=batch.drops))
            if applied is None:
                self._batch.gone[:0] = batch.gone
                self._batch.taken[:0] = batch.taken
                self._batch.drops[:0] = batch.drops
                self._later()
            sequences: list[int | None] = [None] * len(kept)
        else:
            sequences = applied.sequences
        if applied is not None:
            self.used = applied.used
            self.commits += 1
            if applied.victims or batch.drops:
                self.open_drops = True
            if applied.victims:
                gone = {(each.lane, each.sequence) for each in applied.victims}
                self._batch.gone = [
                    each for each in self._batch.gone if (each.lane, each.sequence) not in gone
                ]
                self._on_victims(applied.victims)
        self._in_flight = []
        for tell, sequence in zip(kept, sequences, strict=True):
            tell(sequence)
        for each in written:
            each()
        self.eased.set()
        if applied is not None and (self._something or self._written):
            self._work.set()

    def _cut(
        self, *, all_of_it: bool
    ) -> tuple[Batch, list[Callable[[int | None], None]], list[Callable[[], None]]]:
        """What goes into one transaction, in the order in which it came."""
        many, size = 0, 0
        for put in self._batch.puts:
            if not all_of_it and many and (many == MOST_AT_ONCE or size + put.size > LARGEST):
                break
            many += 1
            size += put.size
        self._size -= size
        batch = Batch(
            self._batch.puts[:many], self._batch.gone, self._batch.drops, self._batch.taken
        )
        kept, self._kept = self._kept[:many], self._kept[many:]
        self._batch = Batch(self._batch.puts[many:])
        written, self._written = self._written, []
        return batch, kept, written

    async def _done(self, batch: Batch) -> Applied | None:
        """None: the disk takes nothing."""
        while True:
            out: Set[tuple[int, int]] = self._out() if self.limits.drop_oldest else frozenset()
            store, limits = self._the_store, self.limits

            def apply(
                store: Store = store, limits: Limits = limits, out: Set[tuple[int, int]] = out
            ) -> Applied:
                store.limits = limits
                return store.apply(batch, self._now(), out)

            try:
                return await self._call(apply)
            except DiskRefuses as error:
                self._failed(error)
                return None
            except StoreBroken as error:
                # What was to be removed was in the one that is broken.
                batch.gone = []
                if not await self._begun_anew(error):
                    return None

    async def _begun_anew(self, error: StoreBroken) -> bool:
        store = self._the_store
        try:
            await self._call(partial(store.begin_anew, error))
        except DiskRefuses as again:
            self._failed(again)
            return False
        self._on_opened(store)
        return True

    async def _tidied(self) -> None:
        """Now and then; and while there is a problem, until there is none."""
        self._since_tidy += 1
        if not self.problem and self._since_tidy < TIDY_EVERY:
            return
        self._since_tidy = 0
        try:
            room = await self._call(self._the_store.tidy)
        except (DiskRefuses, StoreBroken) as error:
            log.warning("message-store-not-tidied", error=str(error))
            room = False
        if room:
            self._succeeded()
        if self.problem:
            self._later()

    @property
    def _the_store(self) -> Store:
        if self._store is None:
            raise RuntimeError("asked before it was opened")
        return self._store

    async def _call(self, work: Callable[[], T]) -> T:
        """In the thread. It is seen to its end also when this is cancelled: it may be a commit."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="messages")
        future = asyncio.get_running_loop().run_in_executor(self._thread, partial(translated, work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def _put_off(self) -> None:
        """It can't even be opened: nothing is kept, and nobody is left waiting."""
        puts, kept = len(self._batch.puts), self._kept
        self._batch.puts, self._kept, self._size = [], [], 0
        for tell in kept[:puts]:
            tell(None)
        written, self._written = self._written, []
        for each in written:
            each()
        self.eased.set()
        self._later()

    def _later(self) -> None:
        if self._retry is None and not self._ended:
            self._retry = asyncio.get_running_loop().call_later(RETRY, self._again)

    def _again(self) -> None:
        self._retry = None
        self._work.set()

    def _failed(self, error: DiskRefuses) -> None:
        if not self.problem:
            log.error("messages-not-written", error=str(error))
        self.problem = f"the agent's folder takes no more messages: {error}"

    def _succeeded(self) -> None:
        if self.problem:
            log.info("messages-written-again", said_before=self.problem)
            self.problem = ""
