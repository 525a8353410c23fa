"""The one door to RabbitMQ's management API: reads what is there, and takes steps of `changes.py`.

Every wait has a bound. What is there by itself, or is none of ours, is not shown.
"""

import asyncio
import os
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Self, TypeVar, assert_never
from urllib.parse import quote

import aiohttp
import msgspec
import structlog
from msgspec import Struct, field
from yarl import URL

from ecn.broker.changes import (
    Bind,
    DropExchange,
    DropPolicy,
    DropQueue,
    DropUser,
    Found,
    FoundQueue,
    FoundUser,
    PutExchange,
    PutPolicy,
    PutQueue,
    PutUser,
    Step,
    Unbind,
)
from ecn.broker.credentials import hashed
from ecn.broker.settings import BrokerSettings, trust
from ecn.broker.topology import OURS, Binding, Policy, Queue
from routing.amqp import connected
from routing.amqp_shapes import NOT_FOUND, Access, AmqpError, ChannelRefused

ANSWER_WITHIN = 15.0
CONNECT_WITHIN = 5.0
"""Seconds."""
ALL_WITHIN = 60.0
"""Seconds for a list, which may be long."""

POLICIES = "ecn-"
"""How the names of policies begin that are kept here."""

SALT = 4
"""Bytes, as RabbitMQ has it."""

_ONE_READER = "x-single-active-consumer"

T = TypeVar("T")

log = structlog.get_logger()


class BrokerAway(Exception):
    """The broker does not answer, or not now; the sentence says why."""


class BrokerRefused(Exception):
    """The broker answered that it will not; the sentence says what it said."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what}: {said or 'refused'} ({status})")
        self.status = status


class _Named(Struct):
    name: str


class _Exchange(Struct):
    name: str
    type: str


class _Queue(Struct):
    name: str
    type: str = "classic"
    messages: int = 0
    consumers: int = 0
    arguments: dict[str, object] = field(default_factory=dict)


class _Binding(Struct):
    source: str
    destination: str
    destination_type: str
    routing_key: str
    properties_key: str


class _Policy(Struct):
    name: str
    pattern: str
    definition: dict[str, int | str | float | bool]
    apply_to: str = field(name="apply-to", default="all")
    priority: int = 0


class _User(Struct):
    name: str
    password_hash: str = ""
    tags: str | list[str] = ""

    @property
    def all_tags(self) -> list[str]:
        """RabbitMQ 3.8 has them in one text."""
        return self.tags.split(",") if isinstance(self.tags, str) else self.tags


class _Permission(Struct):
    user: str
    configure: str
    write: str
    read: str


class _Channel(Struct):
    user: str = ""
    connection_name: str = ""


class _Consumer(Struct):
    queue: _Named
    channel_details: _Channel | list[object] = field(default_factory=list)


class _Details(Struct):
    consumer_details: list[object] = field(default_factory=list)


class _Problem(Struct):
    error: str = ""
    reason: object = ""


class Reader(Struct, frozen=True):
    """Somebody who reads a queue."""

    queue: str
    user: str
    connection: str


class Management:
    """Of one vhost. Made by `open`."""

    def __init__(self, settings: BrokerSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._vhost = _quoted(settings.vhost)
        self._tag = f"ecn@{settings.vhost}"
        """Of the users that are kept here: a broker may serve more than one network."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: BrokerSettings) -> AsyncIterator[Self]:
        """Connects at the first question."""
        secure: ssl.SSLContext | bool = True
        if settings.management.startswith("https:"):
            secure = trust(settings)
        word = b64encode(f"{settings.username}:{settings.password}".encode()).decode()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=secure, limit=16),
            timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN, sock_connect=CONNECT_WITHIN),
            headers={"Accept": "application/json", "Authorization": f"Basic {word}"},
        ) as session:
            yield cls(settings, session)

    async def check(self) -> None:
        """Whether it answers, and lets us in. Errors: BrokerAway, BrokerRefused."""
        await self._call("GET", "/whoami", "asking who we are")

    async def prepare(self) -> None:
        """See that the vhost is there, and that we may do everything in it."""
        names = await self._list("/vhosts?columns=name", list[_Named])
        if self._settings.vhost not in {each.name for each in names}:
            await self._call("PUT", f"/vhosts/{self._vhost}", "making the vhost", {})
        user = self._settings.username
        permissions = await self._permissions()
        if permissions.get(user) != (".*", ".*", ".*"):
            await self._permit(user, ".*", ".*", ".*")

    async def found(self) -> Found:
        """What is there of ours, but for what is `idle`. Errors: BrokerAway, BrokerRefused."""
        exchanges = await self._list(f"/exchanges/{self._vhost}?columns=name,type", list[_Exchange])
        columns = "name,type,messages,consumers,arguments"
        queues = await self._list(f"/queues/{self._vhost}?columns={columns}", list[_Queue])
        bindings = await self._list(f"/bindings/{self._vhost}", list[_Binding])
        policies = await self._list(f"/policies/{self._vhost}", list[_Policy])
        users = await self._list("/users", list[_User])
        permissions = await self._permissions()
        # Of a large network these are tens of thousands: not the loop's.
        return await asyncio.to_thread(
            lambda: Found(
                exchanges=_exchanges(exchanges),
                queues=_queues(queues),
                bindings=_bindings(bindings),
                policies={
                    each.name: _policy(each) for each in policies if each.name.startswith(POLICIES)
                },
                users={
                    each.name: FoundUser(
                        each.password_hash, *permissions.get(each.name, ("", "", ""))
                    )
                    for each in users
                    if self._tag in each.all_tags
                },
            )
        )

    async def readers(self) -> list[Reader]:
        """Who reads our queues now, as RabbitMQ knew some seconds ago."""
        consumers = await self._list(f"/consumers/{self._vhost}", list[_Consumer])
        return [
            Reader(each.queue.name, each.channel_details.user, each.channel_details.connection_name)
            for each in consumers
            if each.queue.name.startswith(OURS) and isinstance(each.channel_details, _Channel)
        ]

    async def throw_out(self, connection: str) -> None:
        """Close that connection."""
        await self._call(
            "DELETE", f"/connections/{_quoted(connection)}", "closing a connection", gone=True
        )

    async def take(self, step: Step) -> None:
        """Take one step. What is so already, or gone already, is no error.

        Errors: BrokerAway, BrokerRefused.
        """
        match step:
            case PutExchange():
                path = f"/exchanges/{self._vhost}/{_quoted(step.name)}"
                body: object = {"type": step.kind, "durable": True}
                await self._call("PUT", path, f"declaring exchange {step.name}", body)
            case PutQueue():
                kind = "quorum" if step.queue.quorum else "classic"
                arguments: dict[str, str | bool] = {"x-queue-type": kind}
                if step.queue.one_reader:
                    arguments[_ONE_READER] = True
                body = {"durable": True, "arguments": arguments}
                path = f"/queues/{self._vhost}/{_quoted(step.name)}"
                await self._call("PUT", path, f"declaring queue {step.name}", body)
            case Bind():
                body = {"routing_key": step.binding.key}
                path = self._bindings(step.binding)
                await self._call("POST", path, f"binding {step.binding.destination}", body)
            case Unbind():
                await self._unbind(step.binding)
            case PutPolicy():
                body = {
                    "pattern": step.policy.pattern,
                    "definition": step.policy.definition,
                    "apply-to": "queues",
                    "priority": 0,
                }
                path = f"/policies/{self._vhost}/{_quoted(step.name)}"
                await self._call("PUT", path, f"setting policy {step.name}", body)
            case PutUser():
                await self._put_user(step)
            case DropUser():
                await self._drop_user(step.name)
            case DropQueue():
                await self._drop_queue(step.name)
            case DropExchange():
                path = f"/exchanges/{self._vhost}/{_quoted(step.name)}"
                await self._call("DELETE", path, f"removing exchange {step.name}", gone=True)
            case DropPolicy():
                path = f"/policies/{self._vhost}/{_quoted(step.name)}"
                await self._call("DELETE", path, f"removing policy {step.name}", gone=True)
            case _:
                assert_never(step)

    async def _put_user(self, step: PutUser) -> None:
        name, user = step.name, step.user
        if step.anew:
            # Hashed here: the password itself goes to its owner alone.
            body = {
                "password_hash": hashed(user.password, os.urandom(SALT)),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": self._tag,
            }
            await self._call("PUT", f"/users/{_quoted(name)}", f"making user {name}", body)
        await self._permit(name, user.configure, user.write, user.read)

    async def _drop_user(self, name: str) -> None:
        await self._call("DELETE", f"/users/{_quoted(name)}", f"removing user {name}", gone=True)
        # Whoever was let in before would stay in.
        await self._call(
            "DELETE",
            f"/connections/username/{_quoted(name)}",
            f"closing the connections of {name}",
            gone=True,
        )

    async def _drop_queue(self, name: str) -> None:
        """If it is empty and nobody reads it, now: what is counted of it is some seconds old, on a
        busy broker many. RabbitMQ itself removes quorum queues without looking.

        Nothing leads to it any more, so what is true at the look is true at the removal.
        """
        path, what = f"/queues/{self._vhost}/{_quoted(name)}", f"removing queue {name}"
        details = msgspec.json.decode(await self._call("GET", path, what), type=_Details)
        if details.consumer_details or await self._ready(name, what):
            log.info("broker_queue_in_use", queue=name)
            return
        await self._call("DELETE", path, what, gone=True)

    async def _ready(self, queue: str, what: str) -> int:
        """How many messages wait in it, by its own count of this moment, which AMQP alone gives."""
        settings = self._settings
        access = Access(
            url=settings.url,
            user=settings.username,
            password=settings.password,
            ca_pem=settings.ca_pem,
        )
        try:
            async with connected(access, name="controller, counting") as link:
                return await link.waiting_in(queue)
        except ChannelRefused as e:
            if e.code == NOT_FOUND:
                return 0
            raise BrokerAway(f"{what}: {e}") from e
        except AmqpError as e:
            raise BrokerAway(f"{what}: {e}") from e

    async def _unbind(self, binding: Binding) -> None:
        path = self._bindings(binding)
        for each in await self._list(path, list[_Binding]):
            if each.routing_key == binding.key:
                await self._call(
                    "DELETE",
                    f"{path}/{_quoted(each.properties_key)}",
                    f"unbinding {binding.destination}",
                    gone=True,
                )

    async def _permissions(self) -> dict[str, tuple[str, str, str]]:
        path = f"/vhosts/{self._vhost}/permissions"
        return {
            each.user: (each.configure, each.write, each.read)
            for each in await self._list(path, list[_Permission])
        }

    async def _permit(self, user: str, configure: str, write: str, read: str) -> None:
        await self._call(
            "PUT",
            f"/permissions/{self._vhost}/{_quoted(user)}",
            f"giving {user} access",
            {"configure": configure, "write": write, "read": read},
        )

    def _bindings(self, binding: Binding) -> str:
        kind = "q" if binding.to_queue else "e"
        return (
            f"/bindings/{self._vhost}/e/{_quoted(binding.source)}"
            f"/{kind}/{_quoted(binding.destination)}"
        )

    async def _list(self, path: str, type_: type[list[T]]) -> list[T]:
        """All of them: the API gives pages only to those who ask for pages."""
        body = await self._call("GET", path, "asking what is there", within=ALL_WITHIN)
        try:
            # Thousands of bindings take a while to read.
            return await asyncio.to_thread(msgspec.json.decode, body, type=type_)
        except msgspec.DecodeError as e:
            raise BrokerRefused(
                "asking what is there", HTTPStatus.OK, f"no answer of RabbitMQ's: {e}"
            ) from e

    async def _call(
        self,
        method: str,
        path: str,
        what: str,
        body: object = None,
        *,
        gone: bool = False,
        within: float = ANSWER_WITHIN,
    ) -> bytes:
        """The body of the answer. gone: that there is no such thing is as good.

        Errors: BrokerAway, BrokerRefused.
        """
        # Already quoted: a slash in a name must stay one of the name.
        url = URL(f"{self._settings.management}/api{path}", encoded=True)
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method,
                url,
                data=data,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=within, sock_connect=CONNECT_WITHIN),
                allow_redirects=False,
            ) as answer:
                content, status = await answer.read(), answer.status
        except TimeoutError as e:
            raise BrokerAway(f"{what}: no answer within {within:.0f} s") from e
        except aiohttp.ClientError as e:
            raise BrokerAway(f"{what}: {e}") from e
        if status < HTTPStatus.MULTIPLE_CHOICES or (gone and status == HTTPStatus.NOT_FOUND):
            return content
        if status == HTTPStatus.UNAUTHORIZED:
            said = "the username or the password in the file of --broker is not right, or the user "
            raise BrokerRefused(what, status, said + "has not the tag administrator")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise BrokerAway(f"{what}: {_said(content)} ({status})")
        raise BrokerRefused(what, status, _said(content))


def _exchanges(there: list[_Exchange]) -> dict[str, str]:
    return {each.name: each.type for each in there if each.name.startswith(OURS)}


def _queues(there: list[_Queue]) -> dict[str, FoundQueue]:
    return {
        each.name: FoundQueue(
            Queue(each.type == "quorum", each.arguments.get(_ONE_READER) is True),
            each.messages,
            each.consumers,
        )
        for each in there
        if each.name.startswith(OURS)
    }


def _bindings(there: list[_Binding]) -> frozenset[Binding]:
    return frozenset(
        Binding(each.source, each.destination, each.routing_key, each.destination_type == "queue")
        for each in there
        if each.source.startswith(OURS)
    )


def _said(content: bytes) -> str:
    try:
        problem = msgspec.json.decode(content, type=_Problem)
    except msgspec.DecodeError:
        return ""
    return problem.reason if isinstance(problem.reason, str) else problem.error


def _policy(each: _Policy) -> Policy:
    """As it is told apart from what it should be: one for exchanges is never right."""
    definition = {name: value for name, value in each.definition.items() if type(value) is not bool}
    applies = each.apply_to == "queues" and each.priority == 0
    said = {name: value for name, value in definition.items() if isinstance(value, int | str)}
    return Policy(each.pattern if applies and len(said) == len(each.definition) else "", said)


def _quoted(name: str) -> str:
    return quote(name, safe="")
