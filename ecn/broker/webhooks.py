"""Posts what goes upstream to the webhooks of routes: in order, each message until it is taken.

Done by one controller of those with `--broker`. A message is acknowledged at the interior router
when its webhook answered 2xx, so none is lost; one that was posted when a controller ended is
posted again, with the same `ce-id`. What a webhook refuses five times goes to the dead letters.
"""

import asyncio
from http import HTTPStatus

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from msgspec import Struct

from ecn.broker import webhook_request as request
from ecn.broker.settings import BrokerSettings
from ecn.broker.webhook_request import Verdict
from ecn.presence_store import Leadership
from ecn.version import VERSION
from events.ids import RouteId
from events.log import StoreUnavailable
from projections.live import Live
from projections.world import World
from routing import addresses
from routing.amqp import Arrivals, Connection, connected
from routing.amqp_form import NoMessage, Received, read
from routing.amqp_shapes import Access, AmqpError, Arrival, ChannelRefused

LEADER = "webhooks"

LOOK_EVERY = 2.0
POST_WITHIN = 30.0
CONNECT_WITHIN = 10.0
LONGEST_PAUSE = 30.0
"""Seconds; the last one between two tries to reach the interior router."""
MOST_READ = 1 << 16
"""Bytes of an answer."""
AHEAD = 16
"""Messages of one webhook that are here at a time; they are posted one after the other."""

log = structlog.get_logger()


class _Answer(Struct, frozen=True):
    status: int | None
    """None: there was none."""
    reason: str
    retry_after: str = ""


class Webhooks:
    """See the module. `run` is its task."""

    def __init__(
        self,
        settings: BrokerSettings,
        leadership: Leadership,
        live: Live,
        *,
        look_every: float = LOOK_EVERY,
        hurry: float = 1.0,
    ) -> None:
        """hurry: what pauses are divided by; for tests."""
        self._access = Access(
            url=settings.url,
            user=settings.username,
            password=settings.password,
            ca_pem=settings.ca_pem,
        )
        self._leadership = leadership
        self._live = live
        self._look_every = look_every
        self._hurry = hurry

    async def run(self) -> None:
        """Post what comes, until cancelled."""
        failures = 0
        while True:
            wait = self._look_every
            try:
                if wanted(self._live.world) and await self._leadership.try_lead(LEADER):
                    await self._serve()
                failures = 0
            except AmqpError as e:
                wait = min(2.0**failures, LONGEST_PAUSE) / self._hurry
                failures = min(failures + 1, 10)
                log.warning("webhooks_wait", reason=str(e), next_try_in=wait)
            except StoreUnavailable as e:
                log.warning("webhooks_wait", reason=str(e))
            except Exception:
                # A fault of ours here must not end the controller; the next round may do.
                log.exception("webhooks_failed")
            await asyncio.sleep(wait)

    async def _serve(self) -> None:
        """As long as we lead and there is something to do. Errors: AmqpError, StoreUnavailable."""
        async with (
            connected(self._access, name="controller, webhooks") as link,
            # Nothing that one webhook says may reach another.
            ClientSession(
                cookie_jar=DummyCookieJar(),
                connector=TCPConnector(limit=0),
                timeout=ClientTimeout(total=POST_WITHIN, sock_connect=CONNECT_WITHIN),
                headers={"User-Agent": f"ecn/{VERSION}"},
                auto_decompress=False,
            ) as session,
            asyncio.TaskGroup() as tasks,
        ):
            posting: dict[tuple[RouteId, str], asyncio.Task[None]] = {}
            try:
                while not link.lost.is_set() and await self._leadership.try_lead(LEADER):
                    hooks = wanted(self._live.world)
                    if not hooks:
                        return
                    for key in posting.keys() - hooks.items():
                        posting.pop(key).cancel()
                    for key in hooks.items() - posting.keys():
                        posting[key] = tasks.create_task(self._post_all(link, session, *key))
                    try:
                        async with asyncio.timeout(self._look_every):
                            await link.lost.wait()
                    except TimeoutError:
                        continue
            finally:
                for task in posting.values():
                    task.cancel()

    async def _post_all(
        self, link: Connection, session: ClientSession, route_id: RouteId, url: str
    ) -> None:
        """All of one route, until the link is lost."""
        queue = addresses.webhook_queue(route_id)
        while not link.lost.is_set():
            try:
                # Alone: two would post out of order.
                async with link.consuming(queue, prefetch=AHEAD, exclusive=True) as arrivals:
                    async for arrival in arrivals:
                        await self._post_one(session, route_id, url, arrivals, arrival)
            except ChannelRefused as e:
                # It is not made yet, or another controller's still, or RabbitMQ waited too long.
                log.info("webhook_waits", route_id=route_id, reason=str(e))
                await asyncio.sleep(self._look_every)
            except AmqpError:
                return  # the link is lost: `_serve` sees it, too
            except Exception:
                log.exception("webhook_failed", route_id=route_id)
                await asyncio.sleep(self._look_every)

    async def _post_one(
        self,
        session: ClientSession,
        route_id: RouteId,
        url: str,
        arrivals: Arrivals,
        arrival: Arrival,
    ) -> None:
        """Until it is taken, or is a dead letter."""
        try:
            received = read(arrival)
        except NoMessage as e:
            log.warning("webhook_unreadable", route_id=route_id, reason=str(e))
            arrivals.reject(arrival)
            return
        failures = refusals = 0
        while True:
            answer = await _posted(session, url, received)
            match request.verdict(answer.status, refusals):
                case Verdict.DONE:
                    arrivals.done(arrival)
                    if failures:
                        log.info("webhook_takes_again", route_id=route_id, after=failures)
                    return
                case Verdict.DEAD:
                    log.warning("webhook_refuses", route_id=route_id, reason=answer.reason)
                    arrivals.reject(arrival)
                    return
                case Verdict.AGAIN:
                    failures += 1
                    refusals += request.refuses(answer.status)
                    wait = request.pause(failures, answer.retry_after)
                    if failures == 1:
                        log.warning("webhook_away", route_id=route_id, reason=answer.reason)
                    await asyncio.sleep(wait / self._hurry)


def wanted(world: World) -> dict[RouteId, str]:
    """The routes with a webhook, and where those are."""
    return {
        route_id: row.terms.webhook
        for route_id, row in world.routes.items()
        if row.terms.webhook and row.ends.destination is None
    }


async def _posted(session: ClientSession, url: str, received: Received) -> _Answer:
    """What came of it. A redirect is not followed: it would lead where nobody said."""
    try:
        async with session.post(
            url,
            data=received.message.body,
            headers=request.headers(received),
            allow_redirects=False,
        ) as answer:
            # What it says besides is nothing to us; read, so that the connection can be used again.
            await answer.content.read(MOST_READ)
            phrase = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else ""
            said = f"it answered {answer.status} {phrase}".strip()
            return _Answer(answer.status, said, answer.headers.get("Retry-After", ""))
    except TimeoutError:
        return _Answer(None, f"no answer within {POST_WITHIN:.0f} s")
    except (ClientError, OSError, ValueError) as e:
        # By kind alone: the words of some have the URL, and that may have a secret in its path.
        return _Answer(None, f"it can't be reached ({type(e).__name__})")


_KNOWN = frozenset(int(each) for each in HTTPStatus)
