"""The volumes of a device: written when they change, told when they are not, gone when unneeded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.contract import ContainerSpec, Microservice, Mount, Volume, VolumeFile
from agent.errors import FilesMissing
from agent.lifecycle.reconcile import spec_digest
from agent.local import volumes as module
from agent.local.files_delivery import FilesDelivery
from agent.local.volumes import Volumes
from agent.storage.desired_state import Known
from tests.agent.builders import microservice, spec
from tests.agent.waiting import until_true


def mounting(m: str = "m1", volume_id: str = "v1") -> Microservice:
    mount = Mount(kind="files", source=volume_id, target="/etc/conf")
    return microservice(m, of=replace(spec(), volumes=[mount]))


def volume(content: bytes = b"1", destination: Path | str = "", volume_id: str = "v1") -> Volume:
    return Volume(
        volume_id=volume_id,
        name=f"conf-{volume_id}",
        revision=1,
        destination=str(destination),
        permissions="644",
        files=[VolumeFile(path="app", content=content)],
    )


def known(*wanted: Microservice | Volume) -> Known:
    return Known(
        revision=1,
        microservices={m.microservice_id: m for m in wanted if isinstance(m, Microservice)},
        volumes={v.volume_id: v for v in wanted if isinstance(v, Volume)},
    )


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.volumes = Volumes(FilesDelivery(folder), on_facts=self._tell)

    def _tell(self) -> None:
        self.told.append(self.volumes.problem)

    def shows(self, content: str, volume_id: str = "v1") -> bool:
        try:
            return (self.folder / volume_id / "app").read_text() == content
        except FileNotFoundError:
            return False


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    task = asyncio.create_task(scene.volumes.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "volumes")


async def test_what_is_mounted_is_written_and_follows_and_what_is_not_is_not(scene: Scene) -> None:
    async with running(scene):
        scene.volumes.wish(known(mounting(), volume(), volume(volume_id="v2")))
        await until_true(lambda: scene.shows("1"), 5)
        scene.volumes.wish(known(mounting(), volume(b"2"), volume(volume_id="v2")))
        await until_true(lambda: scene.shows("2"), 5)
        assert not (scene.folder / "v2").exists()
        assert scene.told == []


async def test_one_volume_may_be_in_a_place_and_mounted(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / "srv" / "conf"
    scene.volumes.wish(known(mounting(), volume(destination=place)))
    await scene.volumes.look()
    assert scene.shows("1")
    assert (place / "app").read_bytes() == b"1"


async def test_what_fails_is_told_keeps_no_other_and_is_told_when_it_is_over(
    scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    bad = volume(destination=tmp_path / "file" / "below", volume_id="v2")
    too_open = replace(volume(volume_id="v3"), permissions="99", destination="/tmp/nowhere-at-all")
    scene.volumes.wish(known(mounting(), volume(), bad, too_open))
    await scene.volumes.look()
    assert scene.shows("1")
    (said,) = scene.told
    assert "volume conf-v2: File exists" in said
    assert "volume conf-v3: '99' are no permissions" in said
    await scene.volumes.look(everything=True)
    assert len(scene.told) == 1  # each problem once
    scene.volumes.wish(known(mounting(), volume()))
    await scene.volumes.look()
    assert scene.told[1:] == [""]


async def test_a_disk_that_is_full_is_tried_again_by_itself(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.02)
    full = True
    deliver = FilesDelivery.deliver

    def delivered(self: FilesDelivery, wanted: Volume) -> bool:
        if full:
            raise OSError(28, "No space left on device")
        return deliver(self, wanted)

    monkeypatch.setattr(FilesDelivery, "deliver", delivered)
    async with running(scene):
        scene.volumes.wish(known(mounting(), volume()))
        await until_true(lambda: scene.told == ["volume conf-v1: No space left on device"], 5)
        with pytest.raises(FilesMissing, match="No space left"):
            await scene.volumes.ready(mounting())
        full = False
        await until_true(lambda: scene.told[1:] == [""], 5)
        assert scene.shows("1")
        full = True
        # An older state of the files is better than no microservice.
        scene.volumes.wish(known(mounting(), volume(b"2")))
        await scene.volumes.ready(mounting())
        assert scene.shows("1")


async def test_nothing_starts_before_its_files_are_there(scene: Scene) -> None:
    with pytest.raises(FilesMissing, match="volume v1 is not in the desired state"):
        await scene.volumes.ready(mounting())
    scene.volumes.wish(known(mounting(), volume()))
    await scene.volumes.ready(mounting())
    assert scene.shows("1")
    await scene.volumes.ready(microservice("m2"))


async def test_what_nobody_mounts_goes_when_it_is_said_that_no_container_is_left(
    scene: Scene,
) -> None:
    scene.volumes.wish(known(mounting(), volume()))
    await scene.volumes.ready(mounting())
    assert scene.volumes.surplus()  # it was never looked what an agent before left
    await scene.volumes.tidy()
    assert not scene.volumes.surplus()
    scene.volumes.wish(known(microservice(), volume()))
    assert scene.volumes.surplus()
    assert scene.shows("1")
    await scene.volumes.tidy()
    assert not (scene.folder / "v1").exists()
    scene.volumes.wish(known(mounting(), volume()))
    await scene.volumes.ready(mounting())
    assert scene.shows("1")


async def test_the_engine_is_told_of_a_folder_and_the_digest_of_what_was_wished(
    scene: Scene,
) -> None:
    wanted = mounting().spec
    (mount,) = scene.volumes.in_place(wanted).volumes
    assert mount == Mount(
        kind="bind", source=str(scene.folder / "v1"), target="/etc/conf", read_only=True
    )
    others = [Mount(kind="tmpfs", target="/t"), Mount(source="data", target="/d")]
    plain = ContainerSpec(image="a", volumes=others)
    assert scene.volumes.in_place(plain) == plain
    with pytest.raises(FilesMissing):
        scene.volumes.in_place(mounting(volume_id="../../etc").spec)
    # The files are not in it: another content is no other container.
    assert spec_digest(wanted) == spec_digest(mounting().spec)
