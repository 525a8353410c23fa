"""Questions to the agent, one request each, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from yarl import URL

from ecn_sdk.errors import BadToken, Refused, StoreFull, Unanswered, Unreachable
from ecn_sdk.settings import Settings

TIMEOUT = ClientTimeout(total=60, sock_connect=5)
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 30.0
"""Seconds between attempts: they double, and are drawn by lot below that."""

AT_ONCE = 8
"""Requests on their way; the agent answers no more of one microservice together."""

Document = Mapping[str, object]


def pause(attempt: int) -> float:
    """Seconds to wait before the attempt after so many that failed."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempt, 16))
    return longest * (0.5 + 0.5 * random.random())  # noqa: S311  # spread, not secrecy


class Rest:
    """The agent's REST, with the credential of one microservice."""

    def __init__(self, settings: Settings, session: ClientSession) -> None:
        self._settings, self._session = settings, session
        self._url = settings.urls[0] if len(settings.urls) == 1 else ""
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def headers(self) -> dict[str, str]:
        """What shows who asks."""
        token = self._settings.token
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def url(self) -> str:
        """Where the agent answers: the first that takes a connection. Errors: Unreachable."""
        if self._url:
            return self._url
        because = ""
        for url in self._settings.urls:
            place = URL(url)
            try:
                async with asyncio.timeout(5):
                    _, writer = await asyncio.open_connection(place.host, place.port)
            except (OSError, TimeoutError) as error:
                because = str(error) or "no answer in 5 seconds"
                continue
            writer.close()
            self._url = url
            return url
        raise Unreachable(" and ".join(self._settings.urls), because)

    async def ask(
        self, method: str, path: str, body: Document | None = None, *, patience: float = 0.0
    ) -> Document:
        """The answer. patience: seconds for which to try again, while no agent is reached, or its
        store is full; never after a request that may have been heard.

        Errors: Unreachable, Unanswered, Refused.
        """
        give_up, attempt = time.monotonic() + patience, 0
        while True:
            try:
                return await self._once(method, path, body)
            except StoreFull as full:
                wait = full.retry_after * (0.5 + 0.5 * random.random())  # noqa: S311
                if time.monotonic() + wait > give_up:
                    raise
            except Unreachable:
                wait = pause(attempt)
                if time.monotonic() + wait > give_up:
                    raise
            attempt += 1
            await asyncio.sleep(wait)

    async def _once(self, method: str, path: str, body: Document | None) -> Document:
        url = await self.url()
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        try:
            async with (
                self._room,
                self._session.request(
                    method, url + path, data=data, headers=headers, timeout=TIMEOUT
                ) as response,
            ):
                text = await response.read()
                if response.status != 200:
                    raise _refused(response.status, text, response.headers.get("Retry-After"))
        except ClientConnectorError as error:
            raise Unreachable(url, str(error.os_error)) from error
        except (ClientError, TimeoutError, OSError) as error:
            because = str(error) or type(error).__name__
            raise Unanswered(path, because) from error
        try:
            document = json.loads(text)
        except ValueError as error:
            raise Unanswered(path, "the answer is not JSON") from error
        if not isinstance(document, dict):
            raise Unanswered(path, "the answer is not a JSON object")
        return document


def _refused(status: int, text: bytes, retry_after: str | None) -> Refused:
    says = text.decode(errors="replace")[:1000]
    if status == 401:
        return BadToken(status, says)
    if retry_after is not None:
        seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 5.0
        return StoreFull(status, says, max(0.1, min(seconds, 60.0)))
    return Refused(status, says)
