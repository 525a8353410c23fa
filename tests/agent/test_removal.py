"""Which images go: only ours, only what nothing needs, the oldest first, the previous one last."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import NodeConfig
from agent.images.disk import Disk, Room
from agent.images.ledger import Entry, ImageLedger
from agent.images.pruning import Pruning
from agent.images.store import LocalImage
from agent.lifecycle.removal import left_names, removals
from tests.agent.builders import NOW, at
from tests.agent.fake_images import FakeImages

TOKEN = "0" * 32
NAMES = [f"r.example/{name}:{tag}" for name in ("a", "b", "c") for tag in ("1", "2", "3")]
NAMES += [f"r.example/{name}@sha256:{digit}" for name in ("a", "b") for digit in ("aa", "bb")]
NAMES += ["docker.io/library/mine:1", f"127.0.0.1:4000/ecn-{TOKEN}/a@sha256:aa"]


@st.composite
def devices(draw: st.DrawFn) -> tuple[list[LocalImage], set[str], dict[str, Entry], set[str]]:
    """Images of all kinds, ours and not; containers; a ledger; what is wanted."""
    ids = [f"sha256:{n}" for n in range(draw(st.integers(0, 8)))]
    names = draw(st.permutations(NAMES))
    images = []
    for key in ids:
        count = draw(st.integers(0, 3))
        mine, names = tuple(names[:count]), names[count:]
        parent = draw(st.sampled_from(["", "", "", "", "", *ids]))
        images.append(LocalImage(image_id=key, references=mine, parent_id=parent, size_bytes=1))
    own = {image.image_id: image.references for image in images}
    ledger = {
        key: Entry(
            # Mostly its own names, as the agent that pulled it wrote them down.
            references=tuple(
                {*own.get(key, ())}
                if draw(st.integers(0, 3)) and own.get(key)
                else draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3))
            ),
            first_used=NOW,
            last_used=at(draw(st.integers(0, 100))),
        )
        for key in draw(st.sets(st.sampled_from([*ids, "sha256:gone"])))
    }
    in_use = draw(st.sets(st.sampled_from([*ids, "sha256:x"]), max_size=3))
    return images, in_use, ledger, draw(st.sets(st.sampled_from(NAMES), max_size=4))


@given(devices())
def test_nothing_foreign_used_wanted_or_built_upon_goes(
    device: tuple[list[LocalImage], set[str], dict[str, Entry], set[str]],
) -> None:
    images, in_use, ledger, wanted = device
    plan = removals(images, in_use, ledger, wanted)
    by_id = {image.image_id: image for image in images}
    for removal in (*plan.surplus, *plan.previous):
        image = by_id[removal.image_id]
        assert removal.image_id in ledger
        assert removal.image_id not in in_use
        assert not wanted & set(image.references)
        assert all(each.parent_id != removal.image_id for each in images)
        # All of its names, or its own id: nothing that somebody else gave it remains.
        assert set(removal.names) == (set(image.references) or {image.image_id})


@given(devices())
def test_each_image_of_ours_is_in_one_place_and_the_oldest_go_first(
    device: tuple[list[LocalImage], set[str], dict[str, Entry], set[str]],
) -> None:
    images, in_use, ledger, wanted = device
    plan = removals(images, in_use, ledger, wanted)
    going = [each.image_id for each in (*plan.surplus, *plan.previous)]
    assert sorted([*going, *plan.kept, *plan.gone]) == sorted(ledger)
    for some in (plan.surplus, plan.previous):
        used = [each.last_used for each in some]
        assert used == sorted(used)


@given(devices())
def test_the_last_of_a_wanted_repository_is_kept_as_the_previous(
    device: tuple[list[LocalImage], set[str], dict[str, Entry], set[str]],
) -> None:
    images, in_use, ledger, wanted = device
    plan = removals(images, in_use, ledger, wanted)
    repositories = {name.partition("@")[0].rpartition(":")[0] for name in wanted if "@" not in name}
    for repository in repositories:
        going = [
            each
            for each in (*plan.surplus, *plan.previous)
            if any(n.startswith((f"{repository}:", f"{repository}@"))
                   for n in ledger[each.image_id].references)
        ]  # fmt: skip
        if going:
            newest = max(each.last_used for each in going)
            assert any(each in plan.previous and each.last_used == newest for each in going)


@settings(max_examples=30, deadline=None)
@given(devices())
def test_a_round_ends_with_nothing_left_to_do_and_touches_nothing_foreign(
    device: tuple[list[LocalImage], set[str], dict[str, Entry], set[str]],
) -> None:
    images, in_use, ledger, wanted = device
    foreign = {i.image_id: set(i.references) for i in images if i.image_id not in ledger}
    left = {key: {n for n in names if "/ecn-" not in n} for key, names in foreign.items()}

    async def story(folder: Path) -> None:
        store = FakeImages(*images, in_use=in_use)
        book = ImageLedger(folder / "images.json")
        for key, entry in ledger.items():
            book.pulled(key, entry.references, entry.last_used)
        pruning = pruning_of(store, book, wanted)
        await pruning.now()
        for key, names in left.items():
            if names or not foreign[key]:
                assert store.here[key] >= names
        for _ in images:  # what was built upon it goes before an image does
            await pruning.now()
        assert removals(await store.images(), in_use, book.entries, wanted).surplus == ()

    with TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))


def pruning_of(store: FakeImages, ledger: ImageLedger, wanted: set[str] | None) -> Pruning:
    room = Room(total=100 << 30, free=50 << 30)
    disk = Disk(Path("/"), lambda _: room)
    return Pruning(store, ledger, disk, lambda: wanted, lambda: NOW)


def image(key: str, *references: str, size: int = 1 << 20) -> LocalImage:
    return LocalImage(image_id=key, references=references, size_bytes=size)


async def test_told_to_prune_it_says_what_went(tmp_path: Path) -> None:
    ledger = ImageLedger(tmp_path / "images.json")
    store = FakeImages(
        image("new", "r.example/a:2"), image("old", "r.example/a:1"),
        image("other", "r.example/b:1"), image("hand", "r.example/c:1"),
    )  # fmt: skip
    for number, key in enumerate(("old", "new", "other")):
        ledger.pulled(key, store.here[key], at(number))
    pruning = pruning_of(store, ledger, {"r.example/a:2"})
    said = await pruning.now()
    assert said == "removed 2 images (0 MiB more free, 50.0 GiB in all); 1 of those that this " \
        "agent pulled stay"  # fmt: skip
    assert store.removed == ["other", "old"]
    assert sorted(store.here) == ["hand", "new"]
    assert await pruning.now() == (
        "no image could go: of those that this agent pulled, all 1 are needed"
    )


async def test_the_previous_one_stays_until_the_disk_is_short(tmp_path: Path) -> None:
    ledger = ImageLedger(tmp_path / "images.json")
    store = FakeImages(image("new", "r.example/a:2"), image("old", "r.example/a:1"))
    for key in ("old", "new"):
        ledger.pulled(key, store.here[key], NOW)
    room = Room(total=100 << 30, free=4 << 30)
    disk = Disk(tmp_path, lambda _: room)
    pruning = Pruning(store, ledger, disk, lambda: {"r.example/a:2"}, lambda: NOW)
    pruning.configure(NodeConfig(disk_threshold_percent=3))
    await pruning._round(pruning._short)
    assert sorted(store.here) == ["new", "old"]
    await pruning.make_room(all_there_is=False)  # 4 GiB are less than 5 % of 100
    assert sorted(store.here) == ["new"]


async def test_without_a_desired_state_nothing_goes(tmp_path: Path) -> None:
    ledger = ImageLedger(tmp_path / "images.json")
    store = FakeImages(image("old", "r.example/a:1"))
    ledger.pulled("old", ["r.example/a:1"], NOW)
    assert "not known yet" in await pruning_of(store, ledger, None).now()
    assert store.here


async def test_an_image_that_somebody_else_named_too_stays(tmp_path: Path) -> None:
    ledger = ImageLedger(tmp_path / "images.json")
    store = FakeImages(image("x", "r.example/a:1", "docker.io/library/mine:1"))
    ledger.pulled("x", ["r.example/a:1"], NOW)
    await pruning_of(store, ledger, set()).now()
    assert store.here == {"x": {"r.example/a:1", "docker.io/library/mine:1"}}


def test_names_of_a_killed_pull_are_found_unless_it_lives() -> None:
    name = f"127.0.0.1:4000/ecn-{TOKEN}/a@sha256:aa"
    there = [image("x", name, "r.example/a:1"), image("y", "127.0.0.1:5000/ecn-x/a:1")]
    assert left_names(there, ()) == (name,)
    assert left_names(there, (name,)) == ()


def test_a_ledger_is_read_back_and_one_that_makes_no_sense_owns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    ledger = ImageLedger(path)
    ledger.pulled("x", ["r.example/a:1"], NOW)
    ledger.pulled("x", ["r.example/a:2", "r.example/a:1"], at(5))
    assert ImageLedger(path).entries == ledger.entries
    assert ledger.entries["x"].references == ("r.example/a:1", "r.example/a:2")
    path.write_text("{")
    assert not ImageLedger(path).entries


def test_a_ledger_is_written_rarely(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    ledger = ImageLedger(path)
    ledger.pulled("x", ["r.example/a:1"], NOW)
    written = path.stat().st_ino
    for minutes in range(0, 350, 10):
        ledger.used(["x", "nobody"], at(minutes * 60))
    assert path.stat().st_ino == written
    ledger.used(["x"], at(6 * 3600))
    assert ImageLedger(path).entries["x"].last_used == at(6 * 3600)
