"""The native API as typed calls: a document in, a document out. See docs/http-api.md.

Every command of the CLI speaks to a controller through this, and so may a program. Errors are
those of `transport.py`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from agent.contract import ContainerUsage, EngineEvent, StreamProblem
from ecn.api import documents as d
from ecn.api import history_documents as h
from ecn.api import plan_documents as p
from ecn.api.log_documents import LogPublicKey, LogVerification, SignedCheckpoint
from ecn.api.replay_documents import LogReplay
from ecn.cli.calls import Applied, Calls
from ecn.cli.errors import CliError, NotAllowed, Refused, Unreachable
from ecn.cli.session_socket import SessionSocket
from ecn.cli.sse import Reader
from ecn.cli.transport import Pairs, Query, Reply, connected
from ecn.dashboard.session_documents import DashboardLink
from ecn.manifests.kinds import Reference

RECONNECTS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to take up a broken stream; after the last it is given up."""


class Client(Calls):
    """One controller, one user; and one moment, if it is not now."""

    def as_of(self, at: str) -> "Client":
        """A client whose reads answer as of then. at: a position, or an RFC 3339 time."""
        return Client(self._t, at)

    # --- who asks

    async def status(self) -> d.Status:
        """How the controller is. Needs no token, but for the past."""
        return await self._get(("status",), d.Status)

    async def login(self, body: d.Login) -> d.Token:
        """A token for a name and a password."""
        return await self._t.change("POST", ("login",), d.Token, body=body)

    async def logout(self) -> d.Changed:
        """Revoke the token in use."""
        return await self._t.change("POST", ("logout",), d.Changed)

    async def dashboard_link(self) -> DashboardLink:
        """A token that lets one browser into the dashboard, once."""
        return await self._t.change("POST", ("session", "link"), DashboardLink)

    # --- nodes

    async def nodes(self, query: Query | None = None) -> d.Nodes:
        """All, or those with `state`, `label`, `tag`."""
        return await self._get(("nodes",), d.Nodes, query)

    async def node(self, node: str) -> d.NodeDocument:
        """One, by name or id."""
        return await self._get(("nodes", node), d.NodeDocument)

    async def register_node(self, body: d.RegisterNode) -> d.Changed:
        """Make a place for a device."""
        return await self._t.change("POST", ("nodes",), d.Changed, body=body)

    async def update_node(self, node: str, body: d.UpdateNode) -> d.Changed:
        """Change what operators say of it."""
        return await self._t.change("PATCH", ("nodes", node), d.Changed, body=body)

    async def provisioning_key(self, node: str, body: d.IssueProvisioningKey) -> d.ProvisioningKey:
        """A key that makes one device this node."""
        path = ("nodes", node, "provisioning-key")
        return await self._t.change("POST", path, d.ProvisioningKey, body=body)

    async def deprovision(self, node: str) -> d.Changed:
        """Withdraw the device's credential."""
        return await self._t.change("POST", ("nodes", node, "deprovision"), d.Changed)

    # --- applications and microservices

    async def applications(self) -> d.Applications:
        """All."""
        return await self._get(("applications",), d.Applications)

    async def application(self, name: str, *, at_least: int = 0) -> d.ApplicationDocument:
        """One, as of a position at least."""
        query = {"at_least": str(at_least)} if at_least else None
        return await self._get(("applications", name), d.ApplicationDocument, query)

    async def apply_application(self, name: str, body: d.ApplicationManifest) -> Applied:
        """Make it so; nothing changes when it is."""
        return await self._applied(("applications", name), body)

    async def microservices(self, query: Query | None = None) -> d.Microservices:
        """All, or those of an `application`, a `node`, in a `state`."""
        return await self._get(("microservices",), d.Microservices, query)

    async def microservice(self, name: str) -> d.MicroserviceDocument:
        """One, by `<application>/<name>` or id."""
        return await self._get(("microservices", *name.split("/")), d.MicroserviceDocument)

    async def move(self, microservice: str, body: d.MoveMicroservice) -> d.Changed:
        """To another node."""
        path = ("microservices", *microservice.split("/"), "move")
        return await self._t.change("POST", path, d.Changed, body=body)

    async def start(self, collection: str, name: str) -> d.Changed:
        """Let it run. collection: applications or microservices."""
        return await self._t.change("POST", (collection, *name.split("/"), "start"), d.Changed)

    async def stop(self, collection: str, name: str) -> d.Changed:
        """Let it not run."""
        return await self._t.change("POST", (collection, *name.split("/"), "stop"), d.Changed)

    @asynccontextmanager
    async def logs(self, microservice: str, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """What its container wrote, as it comes."""
        path = ("microservices", *microservice.split("/"), "logs")
        headers = {"Accept": "text/plain"}
        silent = "follow" in query
        async with self._t.stream(path, query=query, headers=headers, silent=silent) as chunks:
            yield chunks

    @asynccontextmanager
    async def exec(self, microservice: str) -> AsyncIterator[SessionSocket]:
        """A session in its container; see ecn/api/sessions.py for what is said."""
        path = ("microservices", *microservice.split("/"), "exec")
        async with self._t.socket(path) as socket:
            yield socket

    @asynccontextmanager
    async def forward(self, reference: Reference) -> AsyncIterator[SessionSocket]:
        """Connections to ports of a microservice's container, or of a node's device; see
        ecn/api/forwards.py for what is said."""
        path = (reference.kind.plural, *reference.name.split("/"), "forward")
        async with self._t.socket(path) as socket:
            yield socket

    async def usage(self, node: str, query: Query | Pairs) -> AsyncGenerator[ContainerUsage]:
        """What the node's containers use, again and again. Errors: CliError when it can't say."""
        async for line in self._node_lines(node, "usage", query):
            yield self._t.decoded(Reply(200, line), ContainerUsage)

    async def engine_events(self, node: str, query: Query | Pairs) -> AsyncGenerator[EngineEvent]:
        """What happened to the node's containers. Errors: CliError when it can't say."""
        async for line in self._node_lines(node, "engine-events", query):
            yield self._t.decoded(Reply(200, line), EngineEvent)

    async def _node_lines(
        self, node: str, what: str, query: Query | Pairs
    ) -> AsyncGenerator[bytes]:
        path = ("nodes", node, what)
        async with self._t.stream(path, query=query, headers={}, silent=True) as chunks:
            async for text in lines(chunks):
                line = text.encode()
                if line.startswith(b'{"problem"'):
                    problem = self._t.decoded(Reply(200, line), StreamProblem)
                    raise CliError(f"node {node}: {problem.problem}")
                yield line

    # --- users

    async def master_keys(self) -> d.MasterKeys:
        """Which master keys are in use, by id."""
        return await self._t.get(("master-keys",), d.MasterKeys)

    async def users(self) -> d.Users:
        """All."""
        return await self._get(("users",), d.Users)

    async def create_user(self, body: d.CreateUser) -> d.Changed:
        """Let someone log in."""
        return await self._t.change("POST", ("users",), d.Changed, body=body)

    async def update_user(self, user: str, body: d.UpdateUser) -> d.Changed:
        """Another password or role."""
        return await self._t.change("PATCH", ("users", user), d.Changed, body=body)

    # --- what would happen

    async def plan(self, body: p.PlanRequest) -> p.Plan:
        """What changes would lead to."""
        return await self._t.change("POST", ("plan",), p.Plan, body=body)

    async def revert(self, body: p.RevertRequest) -> p.Reverted:
        """Let things be as they were; or only say what that would be."""
        return await self._t.change("POST", ("revert",), p.Reverted, body=body)

    # --- whatever it is

    async def delete(self, collection: str, name: str, *, force: bool = False) -> d.Changed:
        """Delete one. force: a node with its microservices."""
        query = {"force": "true"} if force else None
        path = (collection, *name.split("/"))
        return await self._t.change("DELETE", path, d.Changed, query=query)

    # --- the log as a whole

    @asynccontextmanager
    async def export(self, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """The log as a file, as it comes: all, or `from` and `to` positions."""
        async with self._t.stream(("log", "export"), query=query, headers={}) as chunks:
            yield chunks

    async def verify(self, query: Query) -> AsyncGenerator[LogVerification]:
        """How far the verification is, again and again; the outcome is `done`.

        query: `position` and `hash` of a checkpoint to hold the log against, or nothing.
        """
        async with self._t.stream(("log", "verify"), query=query, headers={}) as chunks:
            async for line in lines(chunks):
                yield self._t.decoded(Reply(200, line.encode()), LogVerification)

    async def replay(self) -> AsyncGenerator[LogReplay]:
        """How far the replay is, again and again; the outcome is `done`."""
        async with self._t.stream(("log", "replay"), query={}, headers={}) as chunks:
            async for line in lines(chunks):
                yield self._t.decoded(Reply(200, line.encode()), LogReplay)

    async def checkpoint(self) -> SignedCheckpoint:
        """A signed statement of where the log is."""
        return await self._t.get(("log", "checkpoint"), SignedCheckpoint)

    async def log_public_key(self) -> LogPublicKey:
        """The key that checkpoints are signed with."""
        return await self._t.get(("log", "public-key"), LogPublicKey)

    # --- history

    async def events(self, query: Query) -> d.Events:
        """A page of the log."""
        return await self._get(("events",), d.Events, query)

    async def differences(self, query: Query) -> h.Differences:
        """How two moments differ: `from`, and `to`, `subject`."""
        return await self._t.get(("diff",), h.Differences, query)

    async def why(self, kind: str, name: str, query: Query | None = None) -> h.Why:
        """Why something is as it is, or is gone."""
        return await self._get(("why", kind, *name.split("/")), h.Why, query)

    async def blame(self, kind: str, name: str, query: Query | None = None) -> h.Blame:
        """Who set each field."""
        return await self._get(("blame", kind, *name.split("/")), h.Blame, query)

    async def follow(self, query: Query, *, after: int | None) -> AsyncGenerator[d.EventDocument]:
        """Each event once, in order, from behind `after` (None: from now on), without end.

        A broken stream is taken up again where it was, for as long as that works.
        Errors: those of `transport.py` when it does not.
        """
        last = None if after is None else str(after)
        failures = 0
        while True:
            headers = {"Accept": "text/event-stream"}
            if last is not None:
                headers["Last-Event-ID"] = last
            started_at = query if last is None else {**query, "after": last}
            try:
                async with self._t.stream(("events",), query=started_at, headers=headers) as raw:
                    reader = Reader(last or "")
                    async for line in lines(raw):
                        failures = 0
                        message = reader.feed(line)
                        last = reader.last_id or last
                        if message is not None and message.data.startswith("{"):
                            yield self._event(message.data)
            except NotAllowed:
                raise
            except Refused as e:
                if e.problem.status < 500 or failures >= len(RECONNECTS):
                    raise
            except Unreachable:
                if failures >= len(RECONNECTS):
                    raise
            await asyncio.sleep(RECONNECTS[min(failures, len(RECONNECTS) - 1)])
            failures += 1

    def _event(self, data: str) -> d.EventDocument:
        try:
            return msgspec.json.decode(data, type=d.EventDocument)
        except msgspec.ValidationError as e:
            raise CliError(
                f"the controller sent an event that this ecn does not understand ({e})",
                next_step="install the version of ecn that the controller has: ecn status",
            ) from e


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Bytes as lines, without their ends, however they were cut."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", errors="replace")


@asynccontextmanager
async def client_of(server: str, token: str, ca: str = "") -> AsyncIterator[Client]:
    """A client whose connections are closed at the end."""
    async with connected(server, token, ca) as transport:
        yield Client(transport)
