"""The controller as a process, with a real Postgres: its start, its neighbours, its end."""

import asyncio
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.ecn.controller_process import ControllerProcess
from tests.ports import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.system]

MASTER_KEY = "ab" * 32
SHORT = aiohttp.ClientTimeout(total=20)


@pytest.fixture(scope="module")
def running(session_folder: Path) -> Iterator[ControllerProcess]:
    """A controller with its own Postgres, for tests that leave it as it is."""
    controller = ControllerProcess(session_folder / "running-controller")
    try:
        controller.start()
        yield controller
    finally:
        controller.end()


class Caller:
    """Speaks to a controller, as its admin."""

    def __init__(self, session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
        self.session = session
        self.url = f"{url}/api/v1"
        self.headers = headers

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, object]]:
        """Status and document."""
        async with self.session.request(
            method,
            self.url + path,
            json=body,
            headers=self.headers | {name.replace("_", "-"): v for name, v in headers.items()},
        ) as response:
            return response.status, await response.json() if response.status != 304 else {}


async def test_the_first_start_leaves_the_admins_secrets_for_its_owner_only(
    running: ControllerProcess,
) -> None:
    for name in ("admin.json", "master.key", "postgres-password"):
        mode = stat.S_IMODE((running.data / name).stat().st_mode)
        assert mode == 0o600, name
    admin = running.admin()
    assert admin["url"] == running.url
    async with aiohttp.ClientSession(timeout=SHORT) as session:
        nobody = Caller(session, running.url, {})
        login = {"name": admin["name"], "password": admin["password"]}
        status, token = await nobody.ask("POST", "/login", login)
        assert (status, token["role"]) == (200, "admin")
        caller = Caller(session, running.url, running.authorization())
        status, _ = await caller.ask("GET", "/users")
        assert status == 200
    for secret in (admin["password"], admin["token"]):
        assert secret not in running.output()


def test_a_second_controller_on_the_same_folder_is_refused(running: ControllerProcess) -> None:
    said = ControllerProcess(running.data).refused()
    assert f"is in use by process {running.process.pid}" in said
    assert "another data folder" in said


def test_a_taken_port_is_named_and_nothing_else_is_touched(
    running: ControllerProcess, open_folder: Path
) -> None:
    data = open_folder / "untouched"
    said = ControllerProcess(data, port=running.port).refused()
    assert f"can't listen on 127.0.0.1:{running.port}" in said
    assert "--listen" in said
    assert not data.exists()


def test_a_certificate_that_is_none_is_named(open_folder: Path) -> None:
    wrong = open_folder / "wrong.pem"
    wrong.write_text("no certificate")
    data = open_folder / "data"
    said = ControllerProcess(data, "--tls-cert", str(wrong), "--tls-key", str(wrong)).refused()
    assert "are no certificate and its key" in said
    assert not data.exists()


async def test_what_postgres_can_not_store_or_seek_is_no_fault(running: ControllerProcess) -> None:
    async with aiohttp.ClientSession(timeout=SHORT) as session:
        caller = Caller(session, running.url, running.authorization())
        for query in ("type=%00", "actor=%00", "command_id=a%00b", "after=999999999999999999"):
            status, _ = await caller.ask("GET", f"/events?{query}")
            assert status in (200, 400), query
        status, _ = await caller.ask("POST", "/nodes", {"name": "a\x00b"})
        assert status == 400
        status, _ = await caller.ask("GET", "/nodes/%00")
        assert status == 404


async def test_a_second_start_keeps_everything_and_the_end_waits_for_no_one(
    open_folder: Path,
) -> None:
    controller = ControllerProcess(open_folder / "data")
    try:
        controller.start()
        admin = controller.admin()
        async with aiohttp.ClientSession(timeout=SHORT) as session:
            caller = Caller(session, controller.url, controller.authorization())
            assert (await caller.ask("POST", "/nodes", {"name": "east"}))[0] == 201
            hub = {"url": "hub.example", "password": "registry-secret"}
            assert (await caller.ask("PUT", "/registries/hub", hub))[0] == 201
            web = {"name": "web", "node": "east", "image": "shop/web:1", "registry": "hub"}
            await caller.ask("PUT", "/applications/shop", {"microservices": [web]})
            _, key = await caller.ask("POST", "/nodes/east/provisioning-key")
            device = {"key": key["key"], "credential": "c" * 40, "facts": {}}
            assert (await caller.ask("POST", "/agent/provision", device))[0] == 200

            agent = Caller(session, controller.url, {"Authorization": f"Bearer {'c' * 40}"})
            _, state = await agent.ask("GET", "/agent/desired-state")
            tag = f'"{state["revision"]}"'
            polls = [
                asyncio.create_task(
                    agent.ask("GET", "/agent/desired-state", If_None_Match=tag, Prefer="wait=60")
                )
                for _ in range(20)
            ]
            feed = await session.get(
                f"{caller.url}/events", headers={**caller.headers, "Accept": "text/event-stream"}
            )
            assert feed.status == 200
            await asyncio.sleep(0.2)
            took = await asyncio.to_thread(controller.terminate)
            assert took < 5
            feed.close()
            await asyncio.gather(*polls, return_exceptions=True)
            assert "Traceback" not in controller.output()

        await asyncio.to_thread(controller.start)
        assert controller.admin() == admin
        async with aiohttp.ClientSession(timeout=SHORT) as session:
            caller = Caller(session, controller.url, controller.authorization())
            _, nodes = await caller.ask("GET", "/nodes")
            assert isinstance(nodes["items"], list)
            assert [each["name"] for each in nodes["items"]] == ["east"]
            agent = Caller(session, controller.url, {"Authorization": f"Bearer {'c' * 40}"})
            _, again = await agent.ask("GET", "/agent/desired-state")
            assert again == state
            assert "registry-secret" in str(again["changed"])
        await asyncio.to_thread(controller.terminate)
    finally:
        controller.end()


async def test_two_controllers_over_one_database_are_one(
    postgres_dsn: str, open_folder: Path
) -> None:
    key = open_folder / "master.key"
    key.write_text(MASTER_KEY)
    environment = {"ECN_DATABASE_URL": postgres_dsn, "ECN_MASTER_KEY_FILE": str(key)}
    one, other = (
        ControllerProcess(open_folder / name, environment=environment) for name in ("one", "other")
    )
    try:
        await asyncio.gather(asyncio.to_thread(one.start), asyncio.to_thread(other.start))
        # Both started on an empty log: one of them made the admin, and only that one kept a file.
        (first,) = [each for each in (one, other) if (each.data / "admin.json").exists()]
        async with aiohttp.ClientSession(timeout=SHORT) as session:
            headers = first.authorization()
            here, there = (Caller(session, each.url, headers) for each in (one, other))
            for number in range(20):
                answers = await asyncio.gather(
                    here.ask("POST", "/nodes", {"name": f"n{number}"}),
                    there.ask("POST", "/nodes", {"name": f"n{number}"}),
                )
                assert sorted(status for status, _ in answers) == [201, 409]
                (made,) = [document for status, document in answers if status == 201]
                for caller in (here, there):
                    path = f"/nodes/n{number}?at_least={made['position']}"
                    async with asyncio.timeout(2):
                        status, node = await caller.ask("GET", path)
                    assert (status, f"node/{node['id']}") == (200, made["subject"])

            # A long-poll at one is answered by a change at the other, within a moment.
            _, issued = await here.ask("POST", "/nodes/n0/provisioning-key", Idempotency_Key="k")
            _, again = await there.ask("POST", "/nodes/n0/provisioning-key", Idempotency_Key="k")
            assert again == issued
            device = {"key": issued["key"], "credential": "d" * 40, "facts": {}}
            assert (await there.ask("POST", "/agent/provision", device))[0] == 200
            agent = Caller(session, other.url, {"Authorization": f"Bearer {'d' * 40}"})
            _, state = await agent.ask("GET", "/agent/desired-state")
            poll = asyncio.create_task(
                agent.ask(
                    "GET",
                    "/agent/desired-state",
                    If_None_Match=f'"{state["revision"]}"',
                    Prefer="wait=15",
                )
            )
            await asyncio.sleep(0.1)
            web = {"name": "web", "node": "n0", "image": "shop/web:1"}
            await here.ask("PUT", "/applications/shop", {"microservices": [web]})
            async with asyncio.timeout(2):
                status, news = await poll
            assert status == 200
            assert len(str(news["all_microservices"])) > 2

            # One goes, the other stays.
            await asyncio.to_thread(one.terminate)
            assert (await there.ask("POST", "/nodes", {"name": "alone"}))[0] == 201
    finally:
        one.end()
        other.end()


def make_certificate(cert: Path, key: Path) -> None:
    """For the loopback, signed by itself."""
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-days", "2", *kind, *name, "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )


async def test_tls_is_served_with_a_certificate_of_ones_own(
    postgres_dsn: str, open_folder: Path
) -> None:
    cert, key = open_folder / "cert.pem", open_folder / "key.pem"
    make_certificate(cert, key)
    controller = ControllerProcess(
        open_folder / "data",
        *("--tls-cert", str(cert), "--tls-key", str(key)),
        environment={"ECN_DATABASE_URL": postgres_dsn},
    )
    try:
        await asyncio.to_thread(controller.start)
        assert controller.admin()["url"] == f"https://127.0.0.1:{controller.port}"
        trusted = ssl.create_default_context(cafile=str(cert))
        url = f"https://127.0.0.1:{controller.port}/api/v1/status"
        async with aiohttp.ClientSession(timeout=SHORT) as session:
            async with session.get(url, ssl=trusted) as response:
                assert response.status == 200
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(url)
        with socket.create_connection(("127.0.0.1", controller.port), 5) as plain:
            plain.sendall(b"GET /api/v1/status HTTP/1.0\r\n\r\n")
            assert b"200" not in plain.recv(100)
        assert await asyncio.to_thread(controller.terminate) < 10
    finally:
        controller.end()


def test_a_database_that_is_not_there_is_waited_for_and_then_named(open_folder: Path) -> None:
    nowhere = f"postgresql://ecn@127.0.0.1:{free_port()}/ecn"
    controller = ControllerProcess(open_folder / "data", environment={"ECN_DATABASE_URL": nowhere})
    process = controller.spawn()
    try:
        while "database_unavailable" not in controller.output():
            assert process.poll() is None, controller.output()
        assert controller.terminate() < 5
    finally:
        controller.end()
