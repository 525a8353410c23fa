"""Looks after the keys of secrets while a controller runs.

Each controller lets go of opened secrets that others destroyed. The one that leads wraps again,
under the current master key, whatever is wrapped under a former one, and destroys keys that no
secret in the world has any more: left by a client that went away during its request, or by a
controller that was killed between sealing a secret and writing the event.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ecn.master_key import MasterKeyMissing
from ecn.presence_store import Leadership
from ecn.secret_key_store import SecretKeyStore, WrappedKey
from ecn.vault import OF_THE_NETWORK, SecretLost, Vault
from events.log import LogError, StoreUnavailable
from projections.live import Live
from projections.world import World

LEADER = "secret-keys"

LOOK_EVERY = 10.0
SWEEP_EVERY = 60.0
"""Seconds."""

GRACE = timedelta(hours=1)
"""How old a key is at least that is swept: no command is on its way for so long."""

ANSWERS_KEPT = timedelta(days=2)
"""How long at most a retried request is answered with a secret derived from the master key of then:
projections/commands.py keeps what was done for the day after the day it was done on."""

PAGE = 100
"""Keys that are wrapped again, or looked at, in one step."""

log = structlog.get_logger()


def in_use(world: World) -> frozenset[str]:
    """Ids of all secrets that the world refers to. Whatever is not here loses its key."""
    registries = (row.settings.password for _, row in world.registries.items())
    return frozenset(password.secret_id for password in registries if password is not None)


class SecretKeeper:
    """See the module. `run` is its task; what it does twice is harmless."""

    def __init__(
        self,
        vault: Vault,
        keys: SecretKeyStore,
        leadership: Leadership,
        live: Live,
        clock: Callable[[], datetime],
        *,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._vault = vault
        self._keys = keys
        self._leadership = leadership
        self._live = live
        self._clock = clock
        self._look_every = look_every
        self._suspects: frozenset[str] = frozenset()
        self._told_unused: tuple[str, ...] = ()

    async def run(self) -> None:
        """Look, and look again, until cancelled."""
        loop = asyncio.get_running_loop()
        next_sweep = loop.time()
        while True:
            try:
                await self._vault.forget_destroyed()
                if await self._leadership.try_lead(LEADER):
                    await self.wrap_again()
                    if loop.time() >= next_sweep:
                        next_sweep = loop.time() + SWEEP_EVERY
                        await self.sweep()
                else:
                    self._suspects = frozenset()
            except MasterKeyMissing as e:
                log.error("master_key_missing", reason=str(e))
            except (StoreUnavailable, LogError) as e:
                log.warning("secret_keys_unavailable", reason=str(e))
            except Exception:
                # A fault of ours here must not end the controller; the next round may do.
                log.exception("secret_keeper_failed")
            await asyncio.sleep(self._look_every)

    async def wrap_again(self) -> int:
        """Wrap under the current master key what is under another: how many keys that were.

        In steps, each whole or not at all: the next start goes on where a kill ended it.
        Errors: StoreUnavailable.
        """
        current, after, wrapped = self._vault.masters.current.id, "", 0
        lost: list[str] = []
        missing: set[str] = set()
        while page := await self._keys.not_under(current, after=after, limit=PAGE):
            after = page[-1].secret_id
            again: list[tuple[WrappedKey, WrappedKey]] = []
            for key in page:
                try:
                    again.append((key, self._vault.rewrapped(key)))
                except MasterKeyMissing as e:
                    missing |= e.missing
                except SecretLost:
                    lost.append(key.secret_id)
            wrapped += await self._keys.rewrap(again)
        if wrapped:
            log.info("master_key_rotated", keys=wrapped, current=current)
        if lost:
            log.error("secret_keys_lost", keys=len(lost), some=lost[:10])
        if missing:
            raise MasterKeyMissing(missing, self._vault.masters.ids)
        if not lost:
            self._tell_unused()
        return wrapped

    def _tell_unused(self) -> None:
        """Say once which former keys wrap nothing any more, and when they may go."""
        former = self._vault.masters.ids[1:]
        if former and former != self._told_unused:
            log.info(
                "former_master_keys_unused",
                key_ids=former,
                removable_from=(self._clock() + ANSWERS_KEPT).isoformat(timespec="seconds"),
                provided="every controller was started with the new first line before now",
            )
        self._told_unused = former

    async def sweep(self) -> int:
        """Destroy keys of no secret, once two looks in a row found them so: how many.

        Two, because a process that was stopped for long goes on with what it was about to write.
        Errors: StoreUnavailable.
        """
        old, after = set[str](), ""
        while page := await self._keys.stored_before(GRACE, after=after, limit=PAGE):
            after = page[-1]
            old.update(page)
        # After the keys were listed: the world knows all that had been written by then.
        await self._live.catch_up()
        orphans = old - in_use(self._live.world) - OF_THE_NETWORK
        doomed, self._suspects = orphans & self._suspects, frozenset(orphans)
        if doomed:
            await self._keys.destroy(doomed)
            log.info("secret_keys_swept", keys=len(doomed))
        return len(doomed)
