"""A controller that says what the test tells it to, over real HTTP on the loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from msgspec import structs

from agent.contract import (
    AnyStreamRequest,
    Broker,
    ContainerReport,
    ContainerState,
    DesiredState,
    EdgeResource,
    Instruction,
    LogRequest,
    Microservice,
    NodeConfig,
    OutcomeReport,
    Provision,
    Provisioned,
    Report,
    ReportAnswer,
    Route,
    SettingsChange,
    Volume,
    encoded_request,
)


class ControllerStub:
    """Holds one node's desired state, and all it was told."""

    def __init__(self, node_id: str = "node1") -> None:
        self.node_id = node_id
        self.url = ""
        self.revision = 0
        self.items: dict[str, Microservice] = {}
        self.volumes: dict[str, Volume] = {}
        self.edge_resources: list[EdgeResource] = []
        self.node = NodeConfig()
        self.routes: list[Route] = []
        self.broker: Broker | None = None
        self.inboxes: list[str] = []
        self.settings: list[SettingsChange] = []
        self.instructions: list[Instruction] = []
        self.outcomes: list[OutcomeReport] = []
        self.stream_requests: list[AnyStreamRequest] = []
        self.changed = asyncio.Event()
        self.refusal: tuple[int, str] | None = None
        """Status and code of every answer from now on."""
        self.retry_after = 0
        """Seconds that refusals ask for."""
        self.refused = 0
        self.forgets: set[str] = set()
        """Microservices whose items it leaves out of differences."""
        self.accepts = True
        self.provisions: list[Provision] = []
        self.questions: list[str | None] = []
        self.reports: list[Report] = []
        self.told: list[ContainerReport] = []
        self.streams: dict[str, bytes] = {}
        self.leaves_logs = False
        """Whether who reads a log has enough of it after the first piece."""
        self.accepted_through = 0

    def wants(self, *microservices: Microservice, revision: int = 0) -> None:
        self.revision = revision or self.revision + 1
        self.items = {m.microservice_id: m for m in microservices}
        self._wake()

    def holds(self, *volumes: Volume) -> None:
        """These volumes are the node's from now on."""
        self.revision += 1
        self.volumes = {v.volume_id: structs.replace(v, revision=self.revision) for v in volumes}
        self._wake()

    def offers(self, *edge_resources: EdgeResource) -> None:
        """The node's site offers these from now on."""
        self.revision += 1
        self.edge_resources = list(edge_resources)
        self._wake()

    def leads(self, *routes: Route) -> None:
        """These are the node's routes from now on."""
        self.revision += 1
        self.routes = list(routes)
        self._wake()

    def links(self, broker: Broker | None, *inboxes: str) -> None:
        """The interior router, and whose queues there are the node's, from now on."""
        self.revision += 1
        self.broker = broker
        self.inboxes = list(inboxes)
        self._wake()

    def settles(self, node: NodeConfig) -> None:
        """The node's settings are these from now on."""
        self.revision += 1
        self.node = node
        self._wake()

    def instructs(self, *instructions: Instruction) -> None:
        self.revision += 1
        self.instructions = [*self.instructions, *instructions]
        self._wake()

    def outcome(self, told_at: int) -> OutcomeReport | None:
        return next((each for each in self.outcomes if each.told_at == told_at), None)

    def asks_for_log(self, request: LogRequest) -> None:
        self.stream_requests.append(request)
        self._wake()

    def states(self, microservice_id: str) -> list[ContainerState]:
        return [t.status.state for t in self.told if t.microservice_id == microservice_id]

    def last(self, microservice_id: str) -> ContainerReport | None:
        mine = [t for t in self.told if t.microservice_id == microservice_id]
        return mine[-1] if mine else None

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        app = web.Application(middlewares=[self._refusing])
        base = "/api/v1/agent"
        app.router.add_post(f"{base}/provision", self._provision)
        app.router.add_post(f"{base}/deprovision", self._deprovision)
        app.router.add_get(f"{base}/desired-state", self._desired_state)
        app.router.add_post(f"{base}/report", self._report)
        app.router.add_patch(f"{base}/settings", self._settings)
        app.router.add_post(f"{base}/streams/{{request_id}}", self._stream)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self.url
        finally:
            self._wake()
            await runner.cleanup()

    @web.middleware
    async def _refusing(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.refusal is not None:
            return self._refused()
        return await handler(request)

    def _refused(self) -> web.Response:
        assert self.refusal is not None
        status, code = self.refusal
        self.refused += 1
        return web.json_response(
            {"code": code, "detail": f"told to answer {status}", "next_step": "nothing"},
            status=status,
            headers={"Retry-After": str(self.retry_after)} if self.retry_after else {},
            content_type="application/problem+json",
        )

    async def _provision(self, request: web.Request) -> web.Response:
        self.provisions.append(msgspec.json.decode(await request.read(), type=Provision))
        return _json(Provisioned(node_id=self.node_id, name="gateway"))

    async def _deprovision(self, _: web.Request) -> web.Response:
        self.refusal = (410, "node-deprovisioned")
        self._wake()
        return web.json_response({})

    async def _desired_state(self, request: web.Request) -> web.Response:
        etag = request.headers.get("If-None-Match")
        self.questions.append(etag)
        since = int(etag.strip('"')) if etag else 0
        if since == self.revision and not self.stream_requests:
            wait = float(request.headers["Prefer"].partition("=")[2])
            try:
                async with asyncio.timeout(wait):
                    await self.changed.wait()
            except TimeoutError:
                return web.Response(status=304)
            if self.refusal is not None:
                return self._refused()
            if since == self.revision and not self.stream_requests:
                return web.Response(status=304)
        requests, self.stream_requests = self.stream_requests, []
        return _json(
            DesiredState(
                revision=self.revision,
                since=since,
                changed=[
                    m
                    for m in self.items.values()
                    if since == 0 or (m.revision > since and m.microservice_id not in self.forgets)
                ],
                all_microservices=sorted(self.items),
                volumes=[v for v in self.volumes.values() if since == 0 or v.revision > since],
                all_volumes=sorted(self.volumes),
                edge_resources=self.edge_resources,
                node=self.node,
                routes=self.routes,
                broker=self.broker,
                inboxes=self.inboxes,
                instructions=self.instructions,
                stream_requests=[encoded_request(each) for each in requests],
            )
        )

    async def _report(self, request: web.Request) -> web.Response:
        report = msgspec.json.decode(await request.read(), type=Report)
        self.reports.append(report)
        if self.accepts:
            before = self.accepted_through
            for each in report.containers:
                if each.sequence > before:
                    self.told.append(each)
                    self.accepted_through = max(self.accepted_through, each.sequence)
            for word in report.outcomes:
                if word.sequence > before:
                    self.outcomes.append(word)
                    self.accepted_through = max(self.accepted_through, word.sequence)
                    left = [each for each in self.instructions if each.told_at != word.told_at]
                    self.instructions, self.revision = left, self.revision + 1
                    self._wake()
            others = [each.sequence for each in report.twins]
            others += [each.sequence for each in report.drops]
            self.accepted_through = max([self.accepted_through, *others])
        return _json(ReportAnswer(accepted_through=self.accepted_through))

    async def _settings(self, request: web.Request) -> web.Response:
        self.settings.append(msgspec.json.decode(await request.read(), type=SettingsChange))
        return web.Response(status=204)

    async def _stream(self, request: web.Request) -> web.Response:
        request_id = request.match_info["request_id"]
        async for piece in request.content.iter_any():
            self.streams[request_id] = self.streams.get(request_id, b"") + piece
            if self.leaves_logs:
                break
        return web.Response(status=204)


def _json(document: msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")
