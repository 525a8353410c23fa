"""A small API with the real documents, served over real HTTP from a thread of its own.

It keeps what it is told and records every request; `device` plays the agents: it decides what
becomes of a microservice that is deployed. It can refuse, be away for a while, and lose answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec
from aiohttp import web
from msgspec import Struct, structs

from ecn.api import documents as d
from events.application import ContainerStatus
from events.user import Role
from tests.ecn.cli.fake_documents import (
    NOW,
    answer,
    microservice_document,
    node_document,
    problem,
    runs,
)
from tests.ecn.cli.fake_log import FakeLog

TOKEN = "token-of-anna"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(Struct, frozen=True):
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class FakeApi(FakeLog):
    """What there is, and what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.asked: list[Asked] = []
        self.nodes = {"local": node_document("local")}
        self.applications: dict[str, d.ApplicationDocument] = {}
        self.registries: dict[str, d.RegistryManifest] = {}
        self.done: dict[str, tuple[int, bytes]] = {}
        """Answers by idempotency key."""
        self.device: Callable[[d.MicroserviceDocument], Iterator[ContainerStatus]] = runs
        self.lost = 0
        """So many answers to changes are lost after they took effect."""

    # --- what tests say

    def requests(self, method: str, path: str = "") -> list[Asked]:
        """Those that came in so."""
        return [a for a in self.asked if a.method == method and a.path.startswith(path)]

    # --- what is served

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware])
        app.add_routes(
            [
                web.get("/api/v1/status", self._status),
                web.post("/api/v1/login", self._login),
                web.post("/api/v1/logout", self._plain("user/anna", [])),
                web.get("/api/v1/nodes", self._nodes),
                web.post("/api/v1/nodes", self._register),
                web.get("/api/v1/nodes/{node}", self._node),
                web.patch("/api/v1/nodes/{node}", self._update_node),
                web.delete("/api/v1/nodes/{node}", self._delete_node),
                web.post("/api/v1/nodes/{node}/provisioning-key", self._key),
                web.get("/api/v1/applications", self._applications),
                web.put("/api/v1/applications/{name}", self._apply),
                web.get("/api/v1/applications/{name}", self._application),
                web.delete("/api/v1/applications/{name}", self._plain("application/x", ["x"])),
                web.post("/api/v1/applications/{name}/stop", self._plain("application/x", ["x"])),
                web.get("/api/v1/microservices", self._microservices),
                web.get("/api/v1/microservices/{app}/{name}", self._microservice),
                web.get("/api/v1/microservices/{app}/{name}/logs", self._logs),
                web.post("/api/v1/microservices/{app}/{name}/stop", self._plain("m/x", [])),
                web.post("/api/v1/microservices/{app}/{name}/move", self._plain("m/x", ["x"])),
                web.put("/api/v1/registries/{name}", self._apply_registry),
                web.get("/api/v1/users", self._users),
                web.patch("/api/v1/users/{name}", self._plain("user/anna", ["x"])),
                web.get("/api/v1/events", self.serve_events),
            ]
        )
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.path.removeprefix("/api/v1"),
                dict(request.query),
                dict(request.headers),
                body,
            )
        )
        if self.away:
            self.away -= 1
            answer = problem(503, "log-unavailable", "the log is away")
            answer.headers["Retry-After"] = "0"
            return answer
        open_to_all = request.path.endswith(("/status", "/login"))
        if not open_to_all and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "unauthenticated", "this needs a token")
        key = request.headers.get("Idempotency-Key", "")
        if key in self.done:
            status, text = self.done[key]
            return web.Response(status=status, body=text, content_type="application/json")
        answer_ = await handler(request)
        if request.method != "GET" and isinstance(answer_, web.Response):
            content = answer_.body if isinstance(answer_.body, bytes) else b""
            self.done[key] = (answer_.status, content)
            if self.lost:
                self.lost -= 1
                assert request.transport is not None
                request.transport.close()
        return answer_

    def _plain(self, subject: str, events: list[str]) -> Handler:
        async def answer(_request: web.Request) -> web.Response:
            return self._changed(subject, events)

        return answer

    def _changed(self, subject: str, events: list[str], status: int = 200) -> web.Response:
        return answer(
            d.Changed(position=len(self.log), command_id="c", subject=subject, events=events),
            status,
        )

    async def _status(self, request: web.Request) -> web.Response:
        at = request.query.get("at", "")
        # A time is some moment in the middle.
        position = int(at) if at.isdecimal() else len(self.log) // 2 if at else len(self.log)
        if position > len(self.log):
            said = f"position {position} is to come: the log ends at {len(self.log)}"
            return problem(400, "invalid", said, field="?at", next_step="Ask for an earlier one.")
        return answer(
            d.Status(
                status="online",
                version="0.1.0",
                position=position,
                time=NOW if position else None,
                stale=False,
                uptime_seconds=5.0,
                nodes=1,
                nodes_online=1,
                microservices=0,
                microservices_running=0,
                interior_router=d.InteriorRouterStatus(state="none"),
            )
        )

    async def _login(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=d.Login)
        if body.password != "right":
            return problem(401, "bad-credentials", "name or password is wrong")
        return answer(
            d.Token(
                position=1,
                command_id="c",
                subject="user/anna-id",
                events=["user.token-issued.v1"],
                token=TOKEN,
                user=body.name,
                role=Role.ADMIN,
                expires_at=NOW,
            )
        )

    async def _nodes(self, _request: web.Request) -> web.Response:
        return answer(d.Nodes(position=len(self.log), items=list(self.nodes.values())))

    async def _node(self, request: web.Request) -> web.Response:
        found = self.nodes.get(request.match_info["node"].removesuffix("-id"))
        return answer(found) if found else problem(404, "not-found", "there is no such node")

    async def _register(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=d.RegisterNode)
        if body.name in self.nodes:
            return problem(
                409,
                "name-taken",
                f"node {body.name} exists",
                field="$.name",
                next_step="choose another name",
            )
        self.nodes[body.name] = node_document(body.name, settings=body.settings)
        return self._changed(f"node/{body.name}-id", ["node.registered.v1"], 201)

    async def _update_node(self, request: web.Request) -> web.Response:
        return self._changed(f"node/{request.match_info['node']}", ["node.updated.v1"])

    async def _delete_node(self, request: web.Request) -> web.Response:
        if self.nodes.pop(request.match_info["node"], None) is None:
            return problem(404, "not-found", "there is no such node")
        return self._changed("node/x", ["node.deleted.v1"])

    async def _key(self, request: web.Request) -> web.Response:
        node = request.match_info["node"]
        return answer(
            d.ProvisioningKey(
                position=1,
                command_id="c",
                subject=f"node/{node}",
                events=["node.key-issued.v1"],
                key="key-1",
                node=node,
                expires_at=NOW,
            ),
            201,
        )

    async def _applications(self, _request: web.Request) -> web.Response:
        items = list(self.applications.values())
        return answer(d.Applications(position=len(self.log), items=items))

    async def _application(self, request: web.Request) -> web.Response:
        found = self.applications.get(request.match_info["name"])
        return answer(found) if found else problem(404, "not-found", "there is none")

    async def _apply(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = msgspec.json.decode(await request.read(), type=d.ApplicationManifest)
        for microservice in body.microservices:
            if microservice.node not in self.nodes:
                return problem(
                    422,
                    "unknown-node",
                    f"there is no node {microservice.node}",
                    field="$.microservices[0].node",
                    next_step="ecn get nodes",
                )
        document = d.ApplicationDocument(
            id=f"{name}-id",
            name=name,
            description=body.description,
            labels=body.labels,
            started=True,
            state="progressing",
            microservices=[
                microservice_document(name, m, node_state=self.nodes[m.node].state)
                for m in body.microservices
            ],
            created_at=NOW,
            updated_at=NOW,
        )
        before = self.applications.get(name)
        if before is not None and _said(before) == _said(document):
            return self._changed(f"application/{name}-id", [])
        self.applications[name] = document
        self.event("application.created.v1", f"application/{name}-id", name)
        asyncio.get_running_loop().call_later(0.02, self._play_device, name)
        status = 201 if before is None else 200
        return self._changed(f"application/{name}-id", ["application.created.v1"], status)

    def _play_device(self, name: str) -> None:
        document = self.applications[name]
        moved = []
        for microservice in document.microservices:
            current = microservice
            for status in self.device(microservice):
                current = structs.replace(current, status=status, current=True)
                self.event("container.reported.v1", f"microservice/{current.id}", current.name)
            moved.append(current)
        self.applications[name] = structs.replace(document, microservices=moved)

    async def _microservices(self, _request: web.Request) -> web.Response:
        items = [m for a in self.applications.values() for m in a.microservices]
        return answer(d.Microservices(position=len(self.log), items=items))

    async def _microservice(self, request: web.Request) -> web.Response:
        application = self.applications.get(request.match_info["app"])
        for microservice in application.microservices if application else []:
            if microservice.name == request.match_info["name"]:
                return answer(microservice)
        return problem(404, "not-found", "there is no such microservice")

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "text/plain"
        await response.prepare(request)
        for part in (b"first li", b"ne\nsecond line\n\xff"):
            await response.write(part)
        return response

    async def _apply_registry(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=d.RegistryManifest)
        self.registries[request.match_info["name"]] = body
        return self._changed("registry/x", ["registry.created.v1"], 201)

    async def _users(self, _request: web.Request) -> web.Response:
        anna = d.UserDocument(id="anna-id", name="anna", role=Role.ADMIN, tokens=1, created_at=NOW)
        return answer(d.Users(position=len(self.log), items=[anna]))


def _said(application: d.ApplicationDocument) -> object:
    return [
        (m.name, m.node, m.image, m.env, m.ports, m.health_check) for m in application.microservices
    ]
