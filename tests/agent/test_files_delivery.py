"""Files that containers mount: exactly the volume's, all of them at once, and nothing outside."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import Volume, VolumeFile
from agent.local.files_delivery import FilesDelivery
from agent.local.volume_files import BadVolume

STEPS = st.sampled_from(["a", "b", "conf", "x.txt", "ü", ".hidden"])
PATHS = st.lists(STEPS, min_size=1, max_size=3).map("/".join)


def volume(
    files: dict[str, bytes], permissions: str = "644", volume_id: str = "v1", revision: int = 1
) -> Volume:
    return Volume(
        volume_id=volume_id,
        name="conf",
        revision=revision,
        destination="",
        permissions=permissions,
        files=[VolumeFile(path=path, content=content) for path, content in files.items()],
    )


def seen(folder: Path) -> dict[str, bytes]:
    """All files as a container sees them, by their paths; what begins with `..` is no file."""

    def below(at: Path, path: str) -> Iterator[tuple[str, bytes]]:
        for each in sorted(at.iterdir()):
            if path == "" and each.name.startswith(".."):
                continue
            here = f"{path}{each.name}"
            if each.is_dir():
                yield from below(each, f"{here}/")
            else:
                yield here, each.read_bytes()

    return dict(below(folder, ""))


def without_conflicts(files: dict[str, bytes]) -> dict[str, bytes]:
    """No file is also a folder."""
    return {
        path: content
        for path, content in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
    }


CONTENTS = st.dictionaries(PATHS, st.binary(max_size=20), max_size=5).map(without_conflicts)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(CONTENTS, st.sampled_from(["644", "600", "444"])), min_size=1, max_size=4)
)
def test_after_any_sequence_of_contents_the_tree_is_exactly_the_last(
    sequence: list[tuple[dict[str, bytes], str]],
) -> None:
    with tempfile.TemporaryDirectory() as above:
        outside = Path(above) / "outside"
        outside.write_text("precious")
        delivery = FilesDelivery(Path(above) / "volumes")
        for files, permissions in sequence:
            delivery.deliver(volume(files, permissions))
            top = delivery.path("v1")
            assert seen(top) == files
            # Nothing is left of the states before.
            tops = {path.split("/")[0] for path in files}
            (state,) = {each.name for each in top.iterdir()} - tops - {"..data"}
            assert str((top / "..data").readlink()) == state
            assert not delivery.deliver(volume(files, permissions))  # and all is left alone
            for each in (top / state).rglob("*"):
                mode = each.stat().st_mode & 0o777
                assert mode == (0o755 if each.is_dir() else int(permissions, 8))
        assert sorted(each.name for each in Path(above).iterdir()) == ["outside", "volumes"]
        assert outside.read_text() == "precious"


DAMAGE = st.sampled_from(
    ["file", "gone", "extra", "link", "no-data", "data-is-folder", "top-is-folder", "half-a-state"]
)


@settings(max_examples=40, deadline=None)
@given(CONTENTS.filter(bool), st.lists(DAMAGE, min_size=1, max_size=3))
def test_whatever_happened_to_the_folder_the_next_delivery_heals_it(
    files: dict[str, bytes], damages: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as above:
        elsewhere = Path(above) / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "precious").write_text("precious")
        delivery = FilesDelivery(Path(above) / "volumes")
        delivery.deliver(volume(files))
        top = delivery.path("v1")
        first = next(iter(files))
        for damage in damages:
            damaged(top, first, damage, elsewhere)
        delivery.deliver(volume(files))
        assert seen(top) == files
        assert (elsewhere / "precious").read_text() == "precious"
        assert not delivery.deliver(volume(files))


def damaged(top: Path, path: str, damage: str, elsewhere: Path) -> None:
    """As a clumsy administrator does it, or a power cut."""
    now, name = top / "..data", path.split("/")[0]
    match damage:
        case "file" if (now / path).is_file():
            (now / path).write_bytes(b"something else entirely")
        case "gone" if (now / path).is_file():
            (now / path).unlink()
        case "extra" if now.is_dir():
            (now / "extra").write_text("x")
        case "link" if now.is_dir() and not (now / "link").is_symlink():
            (now / "link").symlink_to(elsewhere)
        case "no-data" if now.is_symlink():
            now.unlink()
        case "data-is-folder" if now.is_symlink():
            now.unlink()
            now.mkdir()
        case "top-is-folder" if (top / name).is_symlink():
            (top / name).unlink()
            (top / name).mkdir()
            (top / name / "x").write_text("x")
        case "half-a-state":
            (top / "..99").mkdir(exist_ok=True)
            (top / "..99" / "half").write_text("x")


def test_readers_find_one_state_or_the_other_and_never_a_mixture(tmp_path: Path) -> None:
    delivery = FilesDelivery(tmp_path)
    delivery.deliver(volume({"a": b"0", "sub/b": b"0", "only0": b"0"}))
    top, stop, mixtures = delivery.path("v1"), threading.Event(), list[set[bytes]]()
    reads = 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            # As one who wants several files of one state does it.
            state = top / (top / "..data").readlink()
            try:
                found = {(state / "a").read_bytes(), (state / "sub" / "b").read_bytes()}
            except FileNotFoundError:
                continue  # that state is over: look again
            reads += 1
            if len(found) != 1:
                mixtures.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(1, 60):
            content = b"%d" % n
            files = {"a": content, "sub/b": content, f"only{n}": content}
            delivery.deliver(volume(files, revision=n))
            assert (top / f"only{n}").read_bytes() == content
            assert (top / "a").read_bytes() == content
    finally:
        stop.set()
        reader.join()
    assert not mixtures
    assert reads > 50


def test_a_new_name_never_shows_without_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an old one keeps its content until the very step at which all are the new ones."""
    delivery = FilesDelivery(tmp_path)
    delivery.deliver(volume({"a": b"old"}))
    top = delivery.path("v1")
    looks: list[tuple[bytes, bool]] = []
    before = os.replace

    def watched(*arguments: object, **more: object) -> None:
        looks.append(((top / "a").read_bytes(), (top / "b").exists()))
        before(*arguments, **more)  # type: ignore[arg-type]
        looks.append(((top / "a").read_bytes(), (top / "b").exists()))

    monkeypatch.setattr(os, "replace", watched)
    delivery.deliver(volume({"a": b"new", "b": b"new"}))
    assert set(looks) == {(b"old", False), (b"new", True)}


@pytest.mark.parametrize(
    "path", ["../out", "/etc/passwd", "a/../../out", "a//b", ".", "", "..data", "..7/x"]
)
def test_nothing_is_written_outside_or_over_what_is_the_mounts_own(
    tmp_path: Path, path: str
) -> None:
    delivery = FilesDelivery(tmp_path / "volumes")
    with pytest.raises(BadVolume):
        delivery.deliver(volume({"fine": b"", path: b"x"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("volume_id", ["..", "a/b", "", "../volumes"])
def test_an_id_names_one_folder_here(tmp_path: Path, volume_id: str) -> None:
    with pytest.raises(BadVolume):
        FilesDelivery(tmp_path).path(volume_id)


def test_links_in_the_place_of_folders_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("precious")
    delivery = FilesDelivery(tmp_path / "volumes")
    (tmp_path / "volumes").mkdir()
    delivery.path("v1").symlink_to(elsewhere)
    with pytest.raises(OSError, match="Not a directory"):
        delivery.deliver(volume({"a": b"x"}))
    assert (elsewhere / "a").read_text() == "precious"
    delivery.withdraw("v1")
    assert (elsewhere / "a").read_text() == "precious"


def test_the_folder_stays_the_same_one_for_whoever_has_mounted_it(tmp_path: Path) -> None:
    delivery = FilesDelivery(tmp_path)
    delivery.deliver(volume({"a": b"1"}))
    before = delivery.path("v1").stat().st_ino
    delivery.deliver(volume({"b": b"2"}, permissions="400"))
    assert delivery.path("v1").stat().st_ino == before


class Killed(BaseException):
    """As `kill -9` at this very call: nothing is cleaned up."""


STEPS_TO_DIE_AT = ("mkdir", "open", "replace", "symlink", "unlink", "fsync", "fchmod")


@settings(max_examples=40, deadline=None)
@given(CONTENTS, CONTENTS, st.integers(0, 40))
def test_a_kill_at_any_step_leaves_one_whole_state_and_the_next_delivery_the_last(
    before: dict[str, bytes], after: dict[str, bytes], at: int
) -> None:
    with tempfile.TemporaryDirectory() as above, pytest.MonkeyPatch.context() as patched:
        delivery = FilesDelivery(Path(above))
        delivery.deliver(volume(before))
        left = at

        def mortal(act: Callable[..., object]) -> Callable[..., object]:
            def acted(*arguments: object, **more: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Killed
                return act(*arguments, **more)

            return acted

        for name in STEPS_TO_DIE_AT:
            patched.setattr(os, name, mortal(getattr(os, name)))
        with suppress(Killed):
            delivery.deliver(volume(after))
        patched.undo()
        # What a container finds behind the one link is the one or the other, whole.
        assert seen(delivery.path("v1") / "..data") in (before, after)
        FilesDelivery(Path(above)).deliver(volume(after))
        assert seen(delivery.path("v1")) == after


def test_a_write_that_fails_leaves_the_state_before_and_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = FilesDelivery(tmp_path)
    old = {"a": b"1", "sub/b": b"1"}
    delivery.deliver(volume(old))
    top = delivery.path("v1")
    names = {each.name for each in top.iterdir()}
    real, left = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    done = False
    for steps in range(20):
        left = steps
        try:
            delivery.deliver(volume({"a": b"2", "new": b"2", "sub/b": b"2"}))
        except OSError:
            # Links to names that are not filled yet may be there: opening them finds nothing.
            files = {path for path in ("a", "sub/b", "new") if (top / path).exists()}
            found = {(top / path).read_bytes() for path in files}
            assert (files, found) in (
                ({"a", "sub/b"}, {b"1"}),
                ({"a", "sub/b", "new"}, {b"2"}),  # it failed after the very last step
            )
            states = {each.name for each in top.iterdir()} - names - {"new"}
            assert len(states) <= 1
        else:
            done = True
            break
    assert done
    assert seen(top) == {"a": b"2", "new": b"2", "sub/b": b"2"}
