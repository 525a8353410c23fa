"""The fake API's log: pages and a live feed, which can be cut."""

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import web
from msgspec import Raw

from ecn.api import documents as d
from tests.ecn.cli.fake_documents import NOW, answer


class FakeLog:
    """Events that tests append, served as the real API does."""

    def __init__(self) -> None:
        self.log: list[d.EventDocument] = []
        self.streams_to_cut = 0
        """So many times the feed ends after an event."""
        self.away = 0
        """So many requests are answered 503."""
        self.away_after_cut = False
        """Nobody answers any more once the feed was cut for the last time."""
        self._grown = asyncio.Event()

    def event(
        self, type_: str, subject: str, name: str, actor: str = "user/anna", data: object = None
    ) -> d.EventDocument:
        """Append one."""
        document = d.EventDocument(
            position=len(self.log) + 1,
            time=NOW,
            subject=subject,
            subject_name=name,
            type=type_,
            actor=actor,
            actor_name=actor,
            command_id="c",
            correlation_id="c",
            causation_id="",
            hash="00",
            data=Raw(msgspec.json.encode(data or {})),
        )
        self.log.append(document)
        self._grown.set()
        self._grown = asyncio.Event()
        return document

    async def serve_events(self, request: web.Request) -> web.StreamResponse:
        if "text/event-stream" in request.headers.get("Accept", ""):
            response = web.StreamResponse()
            with suppress(ConnectionResetError):  # who watched has gone
                await self._feed(request, response)
            return response
        limit = int(request.query.get("limit", "100"))
        found = self.log
        if "at" in request.query:
            found = found[: int(request.query["at"])]
        if "type" in request.query:
            found = [e for e in found if f"{e.type}.".startswith(f"{request.query['type']}.")]
        if "actor" in request.query:
            found = [e for e in found if e.actor == request.query["actor"]]
        if "changes" in request.query:
            found = [e for e in found if not e.type.startswith("container.reported.")]
        if request.query.get("order") == "desc":
            before = int(request.query.get("before", "1000000"))
            found = [e for e in found if e.position < before][::-1]
        found = [e for e in found if e.position > int(request.query.get("after", "0"))]
        page = found[:limit]
        following = page[-1].position if len(found) > limit else None
        return answer(d.Events(position=len(self.log), items=page, next=following))

    async def _feed(self, request: web.Request, response: web.StreamResponse) -> None:
        said = request.headers.get("Last-Event-ID", request.query.get("after", len(self.log)))
        after = int(said)
        response.content_type = "text/event-stream"
        await response.prepare(request)
        await response.write(b"id: %d\n: here\n\n" % after)
        while True:
            grown = self._grown
            for event in self.log[after:]:
                await response.write(
                    b"id: %d\nevent: %b\ndata: %b\n\n"
                    % (event.position, event.type.encode(), msgspec.json.encode(event))
                )
                after = event.position
                if self.streams_to_cut:
                    self.streams_to_cut -= 1
                    if self.away_after_cut and not self.streams_to_cut:
                        self.away = 1_000_000
                    return
            await grown.wait()
