"""An engine whose disk fills up, and one that is killed: in a network and on a disk of its own."""

import asyncio
import os
import secrets
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.contract import NodeConfig
from agent.docker.engine import DockerEngine
from agent.errors import DiskFull, EngineError
from agent.images.disk import Disk, reserve, room_at
from agent.images.fetching import ImageFetching
from agent.images.ledger import ImageLedger
from agent.images.partial_pulls import PartialPulls
from agent.images.pruning import Pruning
from tests.agent.fake_registry import FakeRegistry
from tests.agent.waiting import until_true
from tests.small_engine import SmallEngine, small_engine

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        os.environ.get("ECN_TEST_WITHOUT_DOCKER") == "1", reason="ECN_TEST_WITHOUT_DOCKER=1"
    ),
]

MIB = 1 << 20


@pytest.fixture
def engine() -> Iterator[SmallEngine]:
    with small_engine(300) as small:
        yield small


class Care:
    """What looks after the images of that engine."""

    def __init__(self, engine: DockerEngine, folder: Path, wanted: Collection[str]) -> None:
        self.ledger = ImageLedger(folder / "images.json")
        self.wanted = set(wanted)
        self.disk = Disk(folder)
        self.partials = PartialPulls(folder / "pulls")
        self.pruning = Pruning(
            engine.images, self.ledger, self.disk, lambda: self.wanted, self.now,
            settle=lambda: self.fetching.settle(),
        )  # fmt: skip
        self.fetching = ImageFetching(
            engine.images, self.ledger, self.disk, self.partials, self.pruning.make_room, self.now
        )

    def now(self) -> datetime:
        return datetime.now(UTC)


def test_it_pulls_until_the_disk_is_short_and_goes_on_when_there_is_room(
    engine: SmallEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.images.fetching.LOOK_EVERY", 0.02)

    def roomy() -> bool:
        room = room_at(engine.data)
        return room is not None and room.free > reserve(room.total) / 2

    async def story() -> None:
        registries = [FakeRegistry(45 * MIB, seed=n) for n in range(6)]
        async with asyncio.TaskGroup() as tasks, DockerEngine(engine.url) as docker:
            over = asyncio.Event()
            up = [asyncio.Event() for _ in registries]

            async def serve(registry: FakeRegistry, ready: asyncio.Event) -> None:
                async with registry.serving():
                    ready.set()
                    await over.wait()

            for registry, ready in zip(registries, up, strict=True):
                tasks.create_task(serve(registry, ready))
            for ready in up:
                await ready.wait()
            care = Care(docker, tmp_path, [r.reference for r in registries])
            pulled: list[FakeRegistry] = []

            async def all_of_them() -> None:
                for registry in registries:
                    await care.fetching.pull(registry.reference, None)
                    pulled.append(registry)

            with pytest.raises(DiskFull) as full:
                await all_of_them()
            assert len(pulled) >= 2
            assert "there is no room for 127.0.0.1" in str(full.value)
            # A pull that is called off leaves nothing.
            await until_true(roomy)
            # All of them are wanted, so nothing could go. Then two are not any more.
            stays, gone = pulled[0], pulled[1:]
            engine.docker("create", "--name", "used", stays.reference)
            care.wanted = {registries[-1].reference}
            try:
                await care.fetching.pull(registries[-1].reference, None)
            except DiskFull:
                # More than half of the disk was free, and it took more: now all is made free.
                await until_true(roomy)
                await care.fetching.pull(registries[-1].reference, None)
            left = engine.docker("images", "-q", "--no-trunc").stdout.split()
            assert len(left) == 2
            assert all(r.reference not in engine.docker("images").stdout for r in gone)
            # What a container was made from stays, whoever made it.
            assert "used" in engine.docker("ps", "-a").stdout
            engine.docker("rm", "used")
            care.wanted = set()
            said = await care.pruning.now()
            assert said.startswith("removed 2 images (")
            assert engine.docker("images", "-q").stdout == ""
            assert not care.ledger.entries
            over.set()

    engine.inside(story)


def test_a_full_disk_is_told_as_such_and_healed(engine: SmallEngine, tmp_path: Path) -> None:
    async def story() -> None:
        fake = FakeRegistry(20 * MIB, seed=9)
        async with fake.serving() as registry, DockerEngine(engine.url) as docker:
            care = Care(docker, tmp_path, [registry.reference])
            # Somebody else fills it within the pull: the engine itself runs out.
            filler = engine.data / "filler"
            room = room_at(engine.data)
            assert room is not None
            with filler.open("wb") as file:
                file.write(bytes(room.free - 8 * MIB))
            with pytest.raises(DiskFull, match="no space left on device"):
                await docker.images.pull(registry.reference, None)
            with pytest.raises(DiskFull, match="are kept free for what runs"):
                await care.fetching.pull(registry.reference, None)
            filler.unlink()
            await care.fetching.pull(registry.reference, None)
            assert len(care.ledger.entries) == 1

    engine.inside(story)


@pytest.mark.parametrize("limit", [0, 20_000], ids=["by-the-engine", "through-the-gateway"])
def test_an_engine_that_is_killed_in_a_pull_goes_on_where_it_was(
    engine: SmallEngine, tmp_path: Path, limit: int
) -> None:
    async def story() -> None:
        async with FakeRegistry(30 * MIB, seed=secrets.randbits(32)).serving() as registry:
            async with DockerEngine(engine.url) as docker:
                care = Care(docker, tmp_path, [registry.reference])
                care.fetching.configure(NodeConfig(pull_limit_kib=limit))
                registry.rate = 8 * MIB
                pull = asyncio.create_task(care.fetching.pull(registry.reference, None))
                await until_true(lambda: registry.served > 16 * MIB)
                await asyncio.to_thread(engine.kill)
                with pytest.raises(EngineError):
                    await pull
                registry.rate, before = 0, registry.served
                await asyncio.to_thread(engine.start)
            async with DockerEngine(engine.url) as docker:
                care = Care(docker, tmp_path, [registry.reference])
                await care.fetching.pull(registry.reference, None)
                if limit:
                    # Through the gateway what had come is not asked for again.
                    assert registry.served <= registry.blob_bytes + MIB
                assert registry.served > before
                assert len(care.ledger.entries) == 1
                assert care.partials.begun() == []
                assert await docker.images.image_id(registry.reference) is not None

    engine.inside(story)
