"""Master keys of whole controllers over Postgres: rotated, missing, lost; secrets forgotten."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from click.testing import CliRunner, Result

from ecn.cli.main import cli
from ecn.master_key import Keyring, MasterKey, read
from ecn.postgres_secret_keys import PostgresSecretKeyStore
from ecn.vault import Vault
from events.postgres_pool import PostgresPool
from tests.ecn.controller_process import ControllerProcess

pytestmark = [pytest.mark.postgres, pytest.mark.system]

OLD, NEW = MasterKey(b"\xab" * 32), MasterKey(b"\xcd" * 32)
SHORT = aiohttp.ClientTimeout(total=20)
CREDENTIAL = "c" * 40


class Site:
    """Controllers over one database, each with a data folder, and callers of them."""

    def __init__(self, dsn: str, folder: Path, session: aiohttp.ClientSession) -> None:
        self.dsn = dsn
        self.folder = folder
        self.session = session
        self.file = folder / "shared.key"
        self.controllers: list[ControllerProcess] = []

    def controller(self, name: str, *arguments: str, file: Path | None = None) -> ControllerProcess:
        """One that is not started yet. file: its own key file instead of the shared one."""
        environment = {
            "ECN_DATABASE_URL": self.dsn,
            "ECN_MASTER_KEY_FILE": str(file or self.file),
        }
        made = ControllerProcess(self.folder / name, *arguments, environment=environment)
        self.controllers.append(made)
        return made

    async def ask(
        self,
        controller: ControllerProcess,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """The good answer's document."""
        status, document = await self.asked(controller, method, path, body, headers)
        assert status in (200, 201), document
        return document

    async def asked(
        self,
        controller: ControllerProcess,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, object]]:
        """Status and document. As the first admin, unless the headers say otherwise."""
        token = f"Bearer {admin_of(self)['token']}"
        sent = {"Authorization": token, **(headers or {})}
        url = f"{controller.url}/api/v1{path}"
        async with self.session.request(method, url, json=body, headers=sent) as response:
            return response.status, await response.json()

    async def node(self, controller: ControllerProcess) -> None:
        """Node east with a device, and shop/web on it, pulled from hub with password `first`."""
        hub = {"url": "hub.example", "username": "u", "password": "first-secret"}
        await self.ask(controller, "PUT", "/registries/hub", hub)
        await self.ask(controller, "POST", "/nodes", {"name": "east"})
        key = (await self.ask(controller, "POST", "/nodes/east/provisioning-key"))["key"]
        device = {"key": key, "credential": CREDENTIAL, "facts": {}}
        await self.ask(controller, "POST", "/agent/provision", device)
        web = {"name": "web", "node": "east", "image": "hub.example/web:1", "registry": "hub"}
        await self.ask(controller, "PUT", "/applications/shop", {"microservices": [web]})

    async def told(self, controller: ControllerProcess, at_least: object = 0) -> object:
        """The registry password that the device is told there."""
        await self.ask(controller, "GET", f"/nodes?at_least={at_least}")
        headers = {"Authorization": f"Bearer {CREDENTIAL}"}
        state = await self.ask(controller, "GET", "/agent/desired-state", headers=headers)
        assert isinstance(state["changed"], list)
        return state["changed"][0]["registry"]["password"]

    async def roles(self, controller: ControllerProcess) -> list[tuple[object, object, object]]:
        """(id, role, how many keys it wraps)."""
        items = (await self.ask(controller, "GET", "/master-keys"))["items"]
        assert isinstance(items, list)
        return [(each["id"], each["role"], each["wraps"]) for each in items]

    async def until(
        self, controller: ControllerProcess, roles: list[tuple[object, object, object]]
    ) -> None:
        """Wait until these are the roles."""
        async with asyncio.timeout(20):
            while await self.roles(controller) != roles:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.05)


@pytest.fixture
async def site(postgres_dsn: str, open_folder: Path) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession(timeout=SHORT) as session:
        site = Site(postgres_dsn, open_folder, session)
        site.file.write_text(OLD.secret.hex())
        try:
            yield site
        finally:
            for each in site.controllers:
                await asyncio.to_thread(each.end)


def ecn(*arguments: str, **environment: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="ecn")


async def test_a_rotation_goes_through_while_the_other_controller_works_on(site: Site) -> None:
    one, other = site.controller("one"), site.controller("other")
    await asyncio.gather(*(asyncio.to_thread(each.start) for each in (one, other)))
    await site.node(one)
    login = {"name": "admin", "password": admin_of(site)["password"]}
    first = await site.ask(one, "POST", "/login", login, {"Idempotency-Key": "t"})
    assert await site.told(one) == await site.told(other) == "first-secret"

    rotated = ecn("master-key", "rotate", ECN_MASTER_KEY_FILE=str(site.file))
    assert rotated.exit_code == 0, rotated.output
    new, old = (key.id for key in read(site.file))
    assert old == OLD.id
    assert f"current key is {new}" in rotated.output
    for key in read(site.file):
        assert key.secret.hex() not in rotated.output
    # Nothing happens before the first start.
    before = [(old, "current", 2), (new, "waiting", 0)]
    assert await site.roles(one) == await site.roles(other) == before

    await asyncio.to_thread(one.terminate)
    await asyncio.to_thread(one.start)
    # The other leads, if it does, with its old key; it reads the file when it meets the new id.
    second = {"url": "hub.example", "username": "u", "password": "second-secret"}
    changed = await site.ask(one, "PUT", "/registries/hub", second)
    assert await site.told(other, changed["position"]) == "second-secret"
    again = await site.ask(other, "POST", "/login", login, {"Idempotency-Key": "t"})
    assert again["token"] == first["token"]
    fresh = await site.ask(one, "POST", "/login", login, {"Idempotency-Key": "u"})
    again = await site.ask(other, "POST", "/login", login, {"Idempotency-Key": "u"})
    assert again["token"] == fresh["token"]

    await asyncio.to_thread(other.terminate)
    await asyncio.to_thread(other.start)
    for each in (one, other):
        await site.until(each, [(new, "current", 2), (old, "former", 0)])
        assert await site.told(each) == "second-secret"
    said = one.output() + other.output()
    assert "former_master_keys_unused" in said
    assert "removable_from" in said

    asked, token = ("master-key", "status", "--server", one.url), admin_of(site)["token"]
    status = await asyncio.to_thread(ecn, *asked, ECN_TOKEN=token)
    assert status.exit_code == 0, status.output
    assert [line.split()[:3] for line in status.output.splitlines()] == [
        ["KEY", "ROLE", "WRAPS"],
        [new, "current", "2"],
        [old, "former", "0"],
    ]

    # And without the former line.
    site.file.write_text(site.file.read_text().splitlines()[0])
    await asyncio.to_thread(other.terminate)
    await asyncio.to_thread(other.start)
    assert await site.told(other) == "second-secret"
    assert await site.roles(other) == [(new, "current", 2)]
    for secret in (OLD.secret.hex(), read(site.file)[0].secret.hex(), "second-secret"):
        assert secret not in one.output() + other.output()


def admin_of(site: Site) -> dict[str, str]:
    """The first admin's credentials."""
    for each in site.controllers:
        with contextlib.suppress(FileNotFoundError):
            return each.admin()
    raise AssertionError("nobody made an admin")


async def test_killed_in_the_midst_of_wrapping_again_the_next_start_goes_on(site: Site) -> None:
    count = 12_000
    async with PostgresPool.open(site.dsn) as pool:
        keys = PostgresSecretKeyStore(pool)
        vault = Vault(Keyring([OLD]), keys)
        signing = (await vault.signing_key()).private_bytes_raw()
        sealed = [await vault.seal("the first"), await vault.seal("the last")]
        await put_many(pool, vault, count)
        controller = site.controller("one")
        site.file.write_text(f"{NEW.secret.hex()}\n{OLD.secret.hex()}\n")
        kills = 0
        process = controller.spawn()
        async with asyncio.timeout(60):
            while True:
                left = (await keys.by_master_key()).get(OLD.id, 0)
                done = (await keys.by_master_key()).get(NEW.id, 0)
                if left == 0:
                    break
                if done > kills * count // 4:
                    controller.kill()
                    kills += 1
                    process = controller.spawn()
                assert process.poll() is None, controller.output()
                await asyncio.sleep(0.002)
        assert kills >= 2
        assert (await keys.by_master_key())[NEW.id] == count + 3
        new = Vault(Keyring([NEW]), keys)
        assert [await new.open(each) for each in sealed] == ["the first", "the last"]
        assert (await new.signing_key()).private_bytes_raw() == signing


async def put_many(pool: PostgresPool, vault: Vault, count: int) -> None:
    """So many keys, wrapped as the vault does it."""
    made = [vault._wrapped(f"{number:032x}", bytes(32)) for number in range(count)]
    async with pool.connection() as connection:
        await connection.execute(
            """insert into ecn.secret_key (secret_id, wrapped_key, master_key_id)
               select * from unnest($1::text[], $2::bytea[], $3::text[])""",
            [each.secret_id for each in made],
            [each.wrapped for each in made],
            [each.master_key_id for each in made],
        )


async def test_a_controller_without_the_networks_key_is_refused_at_its_start(site: Site) -> None:
    one = site.controller("one")
    await asyncio.to_thread(one.start)
    await site.node(one)
    elsewhere = site.folder / "elsewhere.key"
    elsewhere.write_text(NEW.secret.hex())
    other = site.controller("other", file=elsewhere)
    said = await asyncio.to_thread(other.refused)
    assert f"wrapped under master key {OLD.id}" in said
    assert f"holds only {NEW.id}" in said
    assert "Add the missing key to the file" in said
    assert NEW.secret.hex() not in said
    assert await site.roles(one) == [(OLD.id, "current", 2)], "the refused one left nothing"
    # With the key as a former one it works, whatever is current there.
    elsewhere.write_text(f"{NEW.secret.hex()}\n{OLD.secret.hex()}")
    await asyncio.to_thread(other.start)
    assert await site.told(other) == "first-secret"


async def test_of_two_fresh_controllers_with_different_keys_one_is_refused(site: Site) -> None:
    names = ("one", "other")
    for name, key in zip(names, (OLD, NEW), strict=True):
        (site.folder / f"{name}.key").write_text(key.secret.hex())
    pair = [site.controller(name, file=site.folder / f"{name}.key") for name in names]
    for each in pair:
        each.spawn()
    async with asyncio.timeout(60):
        while True:
            ended = [each for each in pair if each.process.poll() is not None]
            ready = [each for each in pair if '"event": "ready"' in each.output()]
            if ended and ready:
                break
            assert len(ended) < 2, pair[0].output() + pair[1].output()
            assert len(ready) < 2
            await asyncio.sleep(0.02)
    (refused,), (works,) = ended, ready
    assert refused is not works
    assert "wrapped under master key" in refused.output()
    assert "Traceback" not in refused.output()
    assert len(await site.roles(works)) == 1


async def test_a_key_that_is_lost_for_good_can_be_given_up(site: Site) -> None:
    one = site.controller("one")
    await asyncio.to_thread(one.start)
    await site.node(one)
    not_lost = site.controller("not-lost", "--forget-master-key", OLD.id)
    assert "is not lost" in await asyncio.to_thread(not_lost.refused)
    await asyncio.to_thread(one.terminate)

    site.file.write_text(NEW.secret.hex())
    again = site.controller("again", "--forget-master-key", OLD.id)
    await asyncio.to_thread(again.start)
    assert '"keys": 2' in again.output()
    assert await site.roles(again) == [(NEW.id, "current", 1)]
    # The device is told no password, and all else; and the one that is set again.
    assert await site.told(again) == ""
    hub = {"url": "hub.example", "username": "u", "password": "first-secret"}
    await site.ask(again, "PUT", "/registries/hub", hub)
    assert await site.told(again) == "first-secret"


@pytest.mark.parametrize("content", ["", "no key", "ab" * 31])
async def test_a_key_file_that_is_none_is_named(site: Site, content: str) -> None:
    site.file.write_text(content)
    said = await asyncio.to_thread(site.controller("one").refused)
    assert f"{site.file} is no file of master keys" in said
    assert "openssl rand -hex 32" in said
    if content:
        assert content not in said


async def test_what_is_deleted_is_forgotten_and_the_audit_tells_only_that_it_was(
    site: Site,
) -> None:
    secrets = ["first-secret", "second-secret"]
    one = site.controller("one")
    await asyncio.to_thread(one.start)
    await site.node(one)
    hub = {"url": "hub.example", "username": "u", "password": "second-secret"}
    heard = [await site.ask(one, "PUT", "/registries/hub", hub)]
    await site.ask(one, "DELETE", "/applications/shop")
    heard += [
        await site.ask(one, "DELETE", "/registries/hub"),
        await site.ask(one, "GET", "/events?limit=1000"),
        await site.ask(one, "GET", "/registries"),
    ]
    assert await site.roles(one) == [(OLD.id, "current", 1)], "the log's signing key is left"
    events = heard[2]["items"]
    assert isinstance(events, list)
    told = [each for each in events if each["type"].startswith("registry.")]
    assert [each["type"] for each in told] == [
        f"registry.{what}.v1" for what in ("created", "updated", "deleted")
    ]
    ids = [each["data"]["settings"]["password"] for each in told[:2]]
    assert [list(each) for each in ids] == [["secret_id"], ["secret_id"]]
    assert ids[0] != ids[1]
    tables = "\n".join([text async for text in everything(site.dsn)])
    assert "hub.example" in tables, "what is not secret is found this way"
    for secret in secrets:
        assert secret not in tables
        assert secret not in one.output()
        assert secret not in str(heard)


async def everything(dsn: str) -> AsyncIterator[str]:
    """All of all tables of ours; bytes as text, where they are some."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'ecn'"
        )
        for (name,) in names:
            for row in await connection.fetch(f'select * from ecn."{name}"'):
                for value in row.values():
                    text = value.decode(errors="replace") if isinstance(value, bytes) else value
                    yield str(text)
    finally:
        await connection.close()


@pytest.fixture
def embedded(open_folder: Path) -> Iterator[ControllerProcess]:
    """A controller with its own Postgres."""
    controller = ControllerProcess(open_folder / "data")
    try:
        yield controller
    finally:
        controller.end()


def test_a_controller_with_its_own_postgres_rotates_by_a_command_and_a_restart(
    embedded: ControllerProcess,
) -> None:
    embedded.start()
    data, token = str(embedded.data), embedded.admin()["token"]

    def roles() -> list[list[str]]:
        shown = ecn("master-key", "status", "--server", embedded.url, ECN_TOKEN=token)
        assert shown.exit_code == 0, shown.output
        return [line.split()[:3] for line in shown.stdout.splitlines()[1:]]

    ((old, _, wraps),) = roles()
    assert ecn("master-key", "rotate", "--data", data).exit_code == 0
    in_file = ecn("master-key", "status", "--data", data, "-o", "json")
    assert f'"id": "{old}"' in in_file.output
    assert in_file.output.index("current") < in_file.output.index("former")
    embedded.terminate()
    embedded.start()
    while "former_master_keys_unused" not in embedded.output():
        time.sleep(0.05)
    found = roles()
    assert [each[1:] for each in found] == [["current", wraps], ["former", "0"]]
    assert found[1][0] == old
    assert "master_key_rotated" in embedded.output()


def test_a_file_that_is_not_there_is_neither_rotated_nor_shown(open_folder: Path) -> None:
    for command in ("rotate", "status"):
        said = ecn("master-key", command, "--data", str(open_folder / "nowhere"))
        assert said.exit_code == 1
        assert "is not there" in said.output
    assert list(open_folder.iterdir()) == []
