"""Room on disks, a bound on the link, how far pulls are, what the device uses: small rules."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import ContainerSpec, PullProgress
from agent.device.device_usage import PULLS_EVERY, SIGN_OF_LIFE, Usage
from agent.images.bandwidth import BURST, Bandwidth
from agent.images.disk import LEAST_RESERVE, MOST_RESERVE, Disk, Room, amount, reserve, room_at
from agent.images.disk_quotas import DiskQuotas
from agent.images.pull_progress import LayersProgress
from tests.agent import faked_time
from tests.agent.builders import microservice, new_container
from tests.agent.fake_engine import FakeEngine
from tests.agent.fake_images import FakeImages

GIB = 1 << 30
IMAGE = "ecn-test/busybox:1"


@given(st.integers(0, 1 << 60))
def test_the_reserve_is_bounded_on_every_disk(total: int) -> None:
    kept = reserve(total)
    assert 0 <= kept <= MOST_RESERVE
    assert kept <= total / 4
    if total >= 4 * LEAST_RESERVE:
        assert kept >= LEAST_RESERVE
        assert kept == pytest.approx(max(LEAST_RESERVE, min(total * 0.05, MOST_RESERVE)), abs=1)


def test_the_shorter_of_two_disks_counts(tmp_path: Path) -> None:
    rooms = {
        Path("/engine"): Room(total=100 * GIB, free=4 * GIB),
        tmp_path: Room(total=10 * GIB, free=6 * GIB),
    }
    disk = Disk(tmp_path, rooms.get)
    assert disk.shortest() == rooms[tmp_path]
    assert disk.below_reserve() is None
    disk.engine_root = "/engine"
    assert disk.below_reserve() == disk.shortest() == rooms[Path("/engine")]
    assert disk.below_reserve(0.5) is None
    assert disk.below_threshold(3) is None
    assert disk.below_threshold(5) == rooms[Path("/engine")]
    disk.engine_root = "/on/another/machine"
    assert disk.engine() is None
    assert disk.rooms() == [rooms[tmp_path]]


def test_a_true_disk_is_read(tmp_path: Path) -> None:
    room = room_at(tmp_path)
    assert room is not None
    assert 0 < room.free <= room.total
    assert room_at(tmp_path / "nowhere") is None
    assert (amount(312 << 20), amount(int(4.2 * GIB))) == ("312 MiB", "4.2 GiB")


@given(
    st.lists(st.lists(st.integers(1, 65536), max_size=20), min_size=1, max_size=4),
    st.integers(10_000, 10**7),
)
def test_all_together_never_take_more_than_the_rate(pulls: list[list[int]], rate: int) -> None:
    async def story() -> tuple[float, int]:
        clock = asyncio.get_running_loop().time
        bucket, began = Bandwidth(clock, rate), clock()

        async def pull(pieces: list[int]) -> None:
            for piece in pieces:
                await bucket.take(piece)

        async with asyncio.TaskGroup() as tasks:
            for pieces in pulls:
                tasks.create_task(pull(pieces))
        return clock() - began, sum(map(sum, pulls))

    took, came = faked_time.run(story)
    assert came <= rate * (took + BURST) * 1.001 + 1
    # And it is no slower than that.
    assert took <= came / rate + 0.01 * sum(map(len, pulls)) + 0.01


def test_without_a_rate_nobody_waits_and_a_new_one_holds_at_once() -> None:
    async def story() -> None:
        clock = asyncio.get_running_loop().time
        bucket, began = Bandwidth(clock), clock()
        await bucket.take(10**12)
        assert clock() == began
        bucket.set_rate(1000)
        waits = asyncio.create_task(bucket.take(100_000))
        await asyncio.sleep(10)
        assert not waits.done()
        bucket.set_rate(0)
        await waits
        assert clock() - began < 12

    faked_time.run(story)


def test_layers_add_up() -> None:
    layers = LayersProgress()
    assert layers.heard("a", "Downloading", 10, 100)
    assert not layers.heard("a", "Downloading", 10, 100)
    assert layers.heard("b", "Downloading", 300, 200)
    assert layers.progress() == PullProgress(done_bytes=210, total_bytes=300)
    assert not layers.heard("c", "Pulling fs layer", 0, 0)
    assert layers.heard("a", "Download complete", 0, 0)
    assert not layers.heard("a", "Extracting", 4000, 9000)
    assert layers.heard("d", "Already exists", 0, 0)
    assert layers.here == {"d"}
    assert layers.progress() == PullProgress(done_bytes=300, total_bytes=300)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_usage_is_told_every_now_and_then_and_pulls_more_often(tmp_path: Path) -> None:
    clock, news, pulls = Clock(), [], dict[str, PullProgress]()
    wanted = {
        m.microservice_id: m
        for m in (microservice("m1", of=ContainerSpec(image="a/b")), microservice("m2"))
    }
    usage = Usage(
        Disk(tmp_path), lambda: pulls, lambda: wanted, lambda: news.append(clock.now), clock
    )
    first = usage.now()
    assert first is not None
    assert first.pulls == {}
    assert first.disk_free_mib > 0
    assert first.memory_available_mib > 0
    assert 5 < first.agent_memory_mib < 2000
    clock.now += SIGN_OF_LIFE - 1
    assert usage.now() is None
    pulls["docker.io/a/b:latest"] = PullProgress(done_bytes=1, total_bytes=2)
    usage.pulls_moved()
    assert len(news) == 1
    second = usage.now()
    assert second is not None
    assert second.pulls == {"m1": PullProgress(done_bytes=1, total_bytes=2)}
    pulls["docker.io/a/b:latest"] = PullProgress(done_bytes=2, total_bytes=2)
    usage.pulls_moved()
    assert usage.now() is None
    assert len(news) == 1
    clock.now += PULLS_EVERY
    usage.pulls_moved()
    assert len(news) == 2
    assert usage.now() is not None
    clock.now += PULLS_EVERY
    assert usage.now() is None
    pulls.clear()
    assert usage.now() is not None
    clock.now += SIGN_OF_LIFE
    assert usage.now() == usage.latest


def test_shares_are_of_the_time_between(tmp_path: Path) -> None:
    clock = Clock()
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 700 100 0 0 0 0 0\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9\nMemAvailable:    2048000 kB\n")
    usage = Usage(Disk(tmp_path), dict, dict, clock=clock, proc=tmp_path)
    stat.write_text("cpu  125 0 100 770 105 0 0 0 0 0\n")
    clock.now += 10
    read = usage.now()
    assert read is not None
    assert (read.cpu_percent, read.memory_available_mib) == (25.0, 2000)
    stat.unlink()
    clock.now += 100
    read = usage.now()
    assert read is not None
    assert read.cpu_percent == 0


async def test_only_containers_with_a_limit_are_counted_and_the_next_one_is_innocent() -> None:
    engine, images = FakeEngine(images={IMAGE}), FakeImages()
    limited = microservice("m1")
    limited = replace(limited, spec=replace(limited.spec, disk_limit_mib=100))
    news: list[int] = []
    quotas = DiskQuotas(
        "n1", engine, images, lambda: {"m1": limited, "m2": microservice("m2")},
        lambda: news.append(1),
    )  # fmt: skip
    first = await engine.create(new_container("n1", "m1"))
    await engine.create(new_container("n1", "m2"))
    await quotas.count()
    assert images.asked_sizes == [{first}]
    assert quotas.over(await engine.containers("n1")) == {}
    images.sizes_written[first] = 101 << 20
    await quotas.count()
    await quotas.count()
    assert quotas.over(await engine.containers("n1")) == {
        "m1": "it wrote 101 MiB into its container's own file system, its limit is 100 MiB"
    }
    assert len(news) == 1
    await engine.remove(first)
    await engine.create(new_container("n1", "m1"))
    assert quotas.over(await engine.containers("n1")) == {}


async def test_without_limits_nothing_is_asked() -> None:
    engine, images = FakeEngine(images={IMAGE}), FakeImages()
    quotas = DiskQuotas("n1", engine, images, lambda: {"m1": microservice("m1")})
    await quotas.count()
    assert images.asked_sizes == []
    assert engine.calls == []
