"""Pulls by a real engine, directly and through the agent's gateway, from a registry that fails."""

import asyncio
import gc
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from agent.contract import NodeConfig, PullProgress, Registry
from agent.docker.engine import DockerEngine
from agent.errors import (
    DiskFull,
    EngineError,
    ImageNotFound,
    RegistryRefused,
    RegistryUnreachable,
)
from agent.images.disk import Disk, Room
from agent.images.fetching import ImageFetching
from agent.images.ledger import ImageLedger
from agent.images.partial_pulls import PartialPulls
from agent.images.reference import engine_name
from tests.agent.fake_registry import FakeRegistry
from tests.agent.waiting import until_true
from tests.docker_fixtures import docker, forget_image
from tests.ports import free_port

pytestmark = pytest.mark.docker

MIB = 1 << 20


class Puller:
    """What fetches, and what it is made of."""

    def __init__(self, engine: DockerEngine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.room = Room(total=100 << 30, free=50 << 30)
        self.seen: list[PullProgress] = []
        self.begin_anew()

    def begin_anew(self) -> None:
        """As an agent that was started again."""
        self.ledger = ImageLedger(self.folder / "images.json")
        self.partials = PartialPulls(self.folder / "pulls")
        self.fetching = ImageFetching(
            self.engine.images,
            self.ledger,
            Disk(self.folder, lambda _: self.room),
            self.partials,
            self._no_room_to_make,
            lambda: datetime.now(UTC),
            on_progress=self._seen,
        )

    def limit(self, kib: int) -> None:
        self.fetching.configure(NodeConfig(pull_limit_kib=kib))

    async def _no_room_to_make(self, *, all_there_is: bool) -> None:
        return

    def _seen(self) -> None:
        self.seen += self.fetching.progress.values()


@pytest.fixture
def puller(docker_engine: DockerEngine, tmp_path: Path) -> Puller:
    return Puller(docker_engine, tmp_path)


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    fake = FakeRegistry(3 * MIB, 64 * 1024, seed=secrets.randbits(32))
    async with fake.serving():
        yield fake
        forget_image(fake.reference)
        forget_image(f"{fake.address}/{fake.repository}@{fake.digest}")


def names(reference: str) -> tuple[str, str]:
    """Tags and digests of an image as the engine shows them."""
    return (
        docker("image", "inspect", "-f", "{{.RepoTags}}", reference),
        docker("image", "inspect", "-f", "{{.RepoDigests}}", reference),
    )


async def test_through_the_gateway_an_image_gets_its_true_names(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    await puller.fetching.pull(registry.reference, None)
    assert names(registry.reference) == (
        f"[{registry.reference}]",
        f"[{registry.address}/{registry.repository}@{registry.digest}]",
    )
    assert registry.served == registry.blob_bytes
    every = docker("images", "--digests").splitlines()
    assert not [line for line in every if "/ecn-" in line and registry.repository in line]
    assert not list(puller.folder.glob("pulls/*"))
    last = puller.seen[-1]
    assert last.done_bytes == last.total_bytes == registry.blob_bytes
    (entry,) = puller.ledger.entries.values()
    assert entry.references == (registry.reference,)


async def test_an_image_that_did_not_change_is_not_transferred(
    puller: Puller, registry: FakeRegistry
) -> None:
    await puller.fetching.pull(registry.reference, None)
    served = registry.served
    await puller.fetching.pull(registry.reference, None)
    puller.limit(100_000)
    await puller.fetching.pull(registry.reference, None)
    assert registry.served == served


async def test_by_digest_too(puller: Puller, registry: FakeRegistry) -> None:
    puller.limit(100_000)
    by_digest = f"{registry.address}/{registry.repository}@{registry.digest}"
    await puller.fetching.pull(by_digest, None)
    assert names(by_digest) == ("[]", f"[{by_digest}]")


async def test_a_tag_beside_a_digest_says_nothing(puller: Puller, registry: FakeRegistry) -> None:
    puller.limit(100_000)
    both = f"{registry.reference}@{registry.digest}"
    by_digest = f"{registry.address}/{registry.repository}@{registry.digest}"
    await puller.fetching.pull(both, None)
    (entry,) = puller.ledger.entries.values()
    assert entry.references == (by_digest,) == (engine_name(both),)
    (here,) = [each for each in await puller.engine.images.images() if by_digest in each.references]
    assert here.image_id in puller.ledger.entries


async def test_two_who_want_it_with_other_credentials_are_no_trouble(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    registry.user = ("edge", "s3cret")
    good = Registry(url=f"http://{registry.address}", username="edge", password="s3cret")
    outcomes = await asyncio.gather(
        *(puller.fetching.pull(registry.reference, each) for each in (good, None, good)),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [type(None), RegistryRefused, type(None)]
    assert registry.served == registry.blob_bytes


async def test_what_broke_off_goes_on_where_it_broke(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    registry.drops_at = [2 * MIB]
    await puller.fetching.pull(registry.reference, None)
    assert registry.served == registry.blob_bytes
    assert 2 * MIB in registry.offsets


async def test_a_killed_agent_goes_on_where_it_was(puller: Puller, registry: FakeRegistry) -> None:
    puller.limit(100_000)
    registry.rate = 2 * MIB
    pull = asyncio.create_task(puller.fetching.pull(registry.reference, None))
    await until_true(lambda: registry.served > 2 * MIB)
    pull.cancel()
    await asyncio.wait([pull])
    kept = puller.partials.kept_bytes()
    assert kept > 1.5 * MIB
    registry.rate, registry.served = 0, 0
    # As after kill -9: another process finds what is on the disk. Without a limit, because it
    # broke off before.
    puller.begin_anew()
    await puller.fetching.pull(registry.reference, None)
    assert registry.served <= registry.blob_bytes - kept
    assert names(registry.reference)[0] == f"[{registry.reference}]"
    assert puller.partials.kept_bytes() == 0


async def test_a_direct_pull_that_broke_off_goes_on_through_the_gateway(
    puller: Puller, registry: FakeRegistry
) -> None:
    registry.rate = 2 * MIB
    pull = asyncio.create_task(puller.fetching.pull(registry.reference, None))
    await until_true(lambda: registry.served > MIB)
    pull.cancel()
    await asyncio.wait([pull])
    registry.rate = 0
    before = len(registry.asked)
    await puller.fetching.pull(registry.reference, None)
    # Of its own client, not the engine's: one question for the manifest before any blob.
    assert registry.asked[before] == "manifest 1"
    assert names(registry.reference)[0] == f"[{registry.reference}]"


async def test_a_called_off_pull_leaves_no_connection_open(
    docker_engine: DockerEngine, registry: FakeRegistry
) -> None:
    registry.rate = MIB
    pull = asyncio.create_task(docker_engine.images.pull(registry.reference, None))
    await until_true(lambda: registry.served > 0)
    pull.cancel()
    await asyncio.wait([pull])
    answers = [each for each in gc.get_objects() if isinstance(each, aiohttp.ClientResponse)]
    assert not [answer for answer in answers if answer.connection is not None]


async def test_a_registry_without_ranges_begins_anew(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    registry.ranges = False
    registry.drops_at = [MIB, 2 * MIB]
    await puller.fetching.pull(registry.reference, None)
    assert set(registry.offsets) == {0}
    assert names(registry.reference)[0] == f"[{registry.reference}]"


async def test_something_else_than_was_asked_for_is_refused_and_fetched_anew(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    registry.spoils = 10
    with pytest.raises(RegistryUnreachable, match="digest is wrong"):
        await puller.fetching.pull(registry.reference, None)
    registry.spoils = 0
    await puller.fetching.pull(registry.reference, None)
    assert names(registry.reference)[0] == f"[{registry.reference}]"


async def test_the_limit_is_kept_and_may_change_on_the_way(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(1024)
    began = time.monotonic()
    pull = asyncio.create_task(puller.fetching.pull(registry.reference, None))
    await until_true(lambda: bool(puller.seen) and puller.seen[-1].done_bytes > MIB)
    took = time.monotonic() - began
    # A quarter of a second's worth is free at the beginning.
    assert 0.65 < took < 2.5
    puller.limit(0)
    await pull
    assert time.monotonic() - began - took < 2


async def test_bearer_tokens_and_redirects_give_no_password_away(
    puller: Puller, registry: FakeRegistry
) -> None:
    puller.limit(100_000)
    registry.bearer, registry.redirects, registry.user = True, True, ("edge", "s3cret")
    known = Registry(url=f"http://{registry.address}", username="edge", password="s3cret")
    await puller.fetching.pull(registry.reference, known)
    assert names(registry.reference)[0] == f"[{registry.reference}]"
    assert set(registry.blob_authorizations) == {""}
    assert not [each for each in registry.authorizations if each.startswith("Basic")]


@pytest.mark.parametrize("limit", [0, 100_000], ids=["by-the-engine", "through-the-gateway"])
async def test_refusals_are_told_with_the_next_step(
    puller: Puller, registry: FakeRegistry, limit: int
) -> None:
    puller.limit(limit)
    registry.user = ("edge", "s3cret")
    good = Registry(url=f"http://{registry.address}", username="edge", password="s3cret")
    wrong = replace(good, password="wrong-one")
    elsewhere = replace(good, url="http://registry.example")

    async def failure(image: str, known: Registry | None) -> EngineError:
        with pytest.raises(EngineError) as refused:
            await puller.fetching.pull(image, known)
        said = str(refused.value)
        assert "s3cret" not in said
        assert "wrong-one" not in said
        assert "ecn-" not in said
        assert not list(puller.folder.glob("pulls/*"))
        return refused.value

    for known in (None, elsewhere):
        error = await failure(registry.reference, known)
        assert type(error) is RegistryRefused
        assert "create a registry with" in str(error)
    error = await failure(registry.reference, wrong)
    assert type(error) is RegistryRefused
    assert "check the password and the rights of 'edge'" in str(error)
    missing = f"{registry.address}/{registry.repository}:nobody-pushed-it"
    error = await failure(missing, good)
    assert type(error) is ImageNotFound
    assert "check its name and tag" in str(error)
    error = await failure(f"127.0.0.1:{free_port()}/lab/image:1", None)
    assert type(error) is RegistryUnreachable
    assert "check the device's network" in str(error)
    error = await failure("registry.nowhere.invalid/lab/image:1", None)
    assert type(error) is RegistryUnreachable
    assert "DNS" in str(error) or "network" in str(error)
    assert [a for a in registry.authorizations if a.startswith("Basic")]
    await puller.fetching.pull(registry.reference, good)


async def test_a_registry_that_goes_down_half_way_is_told_and_kept(
    puller: Puller, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.images.blob_relay.RETRIES", 2)
    monkeypatch.setattr("agent.images.blob_relay.FIRST_PAUSE", 0.05)
    puller.limit(100_000)
    registry.rate = 2 * MIB
    pull = asyncio.create_task(puller.fetching.pull(registry.reference, None))
    await until_true(lambda: registry.served > MIB)
    registry.down, registry.drops_at, registry.rate = True, [0] * 50, 0
    for _ in range(3):
        registry.drops_at.append(0)
    pull_done, _ = await asyncio.wait([pull], timeout=30)
    assert pull_done
    if pull.exception() is None:
        return  # what was under way was all there was
    assert isinstance(pull.exception(), RegistryUnreachable)
    assert puller.partials.kept_bytes() > MIB / 2


async def test_no_pull_is_begun_without_room_and_one_is_called_off_when_it_runs_out(
    puller: Puller, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.images.fetching.LOOK_EVERY", 0.05)
    puller.room = Room(total=10 << 30, free=400 << 20)
    with pytest.raises(DiskFull, match=r"400 MiB of 10\.0 GiB are free, 512 MiB are kept free"):
        await puller.fetching.pull(registry.reference, None)
    assert registry.asked == []
    puller.room = replace(puller.room, free=600 << 20)
    registry.rate = MIB
    pull = asyncio.create_task(puller.fetching.pull(registry.reference, None))
    await until_true(lambda: registry.served > MIB)
    puller.room = replace(puller.room, free=300 << 20)
    await asyncio.sleep(0.3)
    assert not pull.done()
    puller.room = replace(puller.room, free=200 << 20)
    await asyncio.wait([pull], timeout=5)
    with pytest.raises(DiskFull, match="only 200 MiB were left"):
        await pull
    assert not list(puller.folder.glob("pulls/*"))


async def test_what_was_pulled_when_the_agent_was_killed_is_ours_all_the_same(
    puller: Puller, registry: FakeRegistry
) -> None:
    kept = puller.partials.of(registry.reference)
    kept.begin([each.image_id for each in await puller.engine.images.images()])
    await puller.engine.images.pull(registry.reference, None)  # and here it was killed
    puller.begin_anew()
    assert not puller.ledger.entries
    await puller.fetching.settle()
    image_id = await puller.engine.images.image_id(registry.reference)
    assert list(puller.ledger.entries) == [image_id]
    assert not kept.exists


async def test_an_image_that_was_here_before_is_not_ours(
    puller: Puller, registry: FakeRegistry
) -> None:
    await puller.engine.images.pull(registry.reference, None)
    await puller.fetching.pull(registry.reference, None)
    assert not puller.ledger.entries
