"""What an interior proxy asks its controller, and tells it. The one place here that knows aiohttp.

A controller that is away changes nothing: what was heard last goes on.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import structlog
from yarl import URL

from ecn.api.documents import Problem
from ecn.api.router_documents import RouterConfiguration, RouterReport
from ecn.router.settings import RouterCannotRun, RouterSettings

log = structlog.get_logger()

HOLD = 30
"""Seconds that the controller is asked to hold a question."""
ANSWER_WITHIN = 15.0
PAUSE = (0.5, 20.0)
"""Seconds between attempts, doubling; some chance is added."""
REPORT_EVERY = 30.0
GATHER = 0.5
"""Seconds that a report waits for more to be told."""

Wish = Callable[[RouterConfiguration], None]


class ControllerAway(Exception):
    """No answer that helps; the sentence says why."""


class Asking:
    """See the module. Made by `asking`."""

    def __init__(self, http: aiohttp.ClientSession, settings: RouterSettings) -> None:
        self._http = http
        self._base = URL(settings.server) / "api/v1/router"
        self._node = settings.node
        self._etag = ""
        self._news = asyncio.Event()

    def tell(self) -> None:
        """There is something new to report."""
        self._news.set()

    async def follow(self, wish: Wish) -> None:
        """Learn of each change, until cancelled. Errors: RouterCannotRun."""
        pause, heard = PAUSE[0], False
        while True:
            try:
                changed = await self._configuration()
            except ControllerAway as error:
                log.warning("controller-away", reason=str(error), retry_in=round(pause, 1))
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311
                pause = min(PAUSE[1], pause * 2)
                continue
            except RouterCannotRun as error:
                if not heard:
                    raise
                # Maybe somebody restores an old log at this moment; ports stay open meanwhile.
                log.error("token-refused", reason=str(error))
                await asyncio.sleep(PAUSE[1])
                continue
            pause, heard = PAUSE[0], True
            if changed is not None:
                log.info("configuration", ports=len(changed.ports))
                wish(changed)

    async def report(self, said: Callable[[], RouterReport]) -> None:
        """Tell how it is, when there is news and now and then, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    async with self._http.post(
                        self._base / "report", data=msgspec.json.encode(said())
                    ) as answer:
                        if not answer.ok:
                            log.info("report-not-taken", status=answer.status)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.debug("report-not-heard", reason=str(error))
            try:
                async with asyncio.timeout(REPORT_EVERY):
                    await self._news.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER)
            self._news.clear()

    async def _configuration(self) -> RouterConfiguration | None:
        """None: it is as it was. Errors: ControllerAway, RouterCannotRun."""
        headers = {"Prefer": f"wait={HOLD}"} if self._etag else {}
        if self._etag:
            headers["If-None-Match"] = self._etag
        try:
            async with asyncio.timeout(HOLD + ANSWER_WITHIN):
                async with self._http.get(
                    self._base / "configuration",
                    params={"node": self._node} if self._node else {},
                    headers=headers,
                ) as answer:
                    body = await answer.read()
                    if answer.status == 304:
                        return None
                    if answer.status in (401, 403):
                        raise RouterCannotRun(_detail(body, answer.status))
                    if answer.status != 200:
                        raise ControllerAway(_detail(body, answer.status))
                    changed = msgspec.json.decode(body, type=RouterConfiguration)
                    self._etag = answer.headers.get("ETag", "")
                    return changed
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ControllerAway(f"its answer makes no sense: {error}") from error
        except TimeoutError as error:
            raise ControllerAway("no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ControllerAway(str(error) or type(error).__name__) from error


@asynccontextmanager
async def asking(settings: RouterSettings) -> AsyncIterator[Asking]:
    """With the token of the settings. Errors: RouterCannotRun, when it can't be read."""
    token = await asyncio.to_thread(_token, settings.token_file)
    trust: ssl.SSLContext | bool = True
    if settings.ca_pem:
        try:
            trust = ssl.create_default_context(cadata=settings.ca_pem)
        except ssl.SSLError as error:
            raise RouterCannotRun(f"the certificates can't be used: {error.reason}") from error
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"Authorization": f"Bearer {token}", "User-Agent": "ecn-router"},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as http:
        yield Asking(http, settings)


def _token(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RouterCannotRun(f"{file} can't be read: {why}") from error
    if not token:
        raise RouterCannotRun(f"{file} is empty: ecn router create NAME writes a token")
    return token


def _detail(body: bytes, status: int) -> str:
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return f"it answered {status}"
    return " ".join(each for each in (problem.detail or problem.title, problem.next_step) if each)
