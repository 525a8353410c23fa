"""Volumes on a device: written whole, only where they belong, and told when that fails."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import DesiredState, Volume, VolumeFile
from agent.local.volume_delivery import deliver_to_destination
from agent.local.volume_files import BadVolume
from agent.storage.desired_state import Known, merged

STEPS = st.sampled_from(["a", "b", "conf", "x.txt", "ü"])
PATHS = st.lists(STEPS, min_size=1, max_size=3).map("/".join)


def volume(destination: Path | str, permissions: str = "640", **files: bytes) -> Volume:
    """One with these files; `__` in a name stands for a slash."""
    made = [VolumeFile(path=name.replace("__", "/"), content=each) for name, each in files.items()]
    return with_files(destination, made, permissions)


def with_files(
    destination: Path | str, files: list[VolumeFile], permissions: str = "640"
) -> Volume:
    return Volume(
        volume_id="v",
        name="conf",
        revision=1,
        destination=str(destination),
        permissions=permissions,
        files=files,
    )


def deliver(wanted: Volume) -> str:
    """What kept it from being delivered; empty when nothing did."""
    try:
        deliver_to_destination(wanted)
    except BadVolume as error:
        return str(error)
    except OSError as error:
        return error.strerror or "refused"
    return ""


def test_files_are_there_with_their_permissions_and_nothing_else_is(tmp_path: Path) -> None:
    there = tmp_path / "not" / "yet"
    assert deliver(volume(there, app=b"1", sub__deep=b"2")) == ""
    found = {each.relative_to(there).as_posix() for each in there.rglob("*")}
    assert found == {"app", "sub", "sub/deep"}
    assert (there / "sub" / "deep").read_bytes() == b"2"
    assert (there / "app").stat().st_mode & 0o777 == 0o640


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(PATHS, st.binary(max_size=20), max_size=4), st.data())
def test_whatever_was_delivered_the_files_are_those_of_the_last(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    below = [one for one in files for other in files if one != other and other.startswith(one)]
    wanted = {path: content for path, content in files.items() if path not in below}

    with tempfile.TemporaryDirectory() as folder:
        earlier = {path: data.draw(st.binary(max_size=5)) for path in wanted}
        for each in (earlier, wanted):
            made = [VolumeFile(path=path, content=content) for path, content in each.items()]
            assert deliver(with_files(folder, made)) == ""
        for path, content in wanted.items():
            assert (Path(folder) / path).read_bytes() == content


def test_a_file_that_is_right_is_left_alone(tmp_path: Path) -> None:
    deliver(volume(tmp_path, app=b"1"))
    before = (tmp_path / "app").stat()
    deliver(volume(tmp_path, app=b"1"))
    assert (tmp_path / "app").stat().st_ino == before.st_ino
    deliver(volume(tmp_path, permissions="600", app=b"1"))
    assert (tmp_path / "app").stat().st_mode & 0o777 == 0o600


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert deliver(volume(tmp_path, app=b"1")) == ""
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../out", "a//b", ".", ""])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    inside = tmp_path / "inside"
    wanted = [VolumeFile(path="fine", content=b""), VolumeFile(path=path, content=b"x")]
    said = deliver(with_files(inside, wanted))
    assert said == f"{path!r} is no path within it"
    assert list(tmp_path.iterdir()) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere, there = tmp_path / "elsewhere", tmp_path / "there"
    for each in (elsewhere, there):
        each.mkdir()
    (elsewhere / "app").write_text("precious")
    (there / "sub").symlink_to(elsewhere)
    (there / "app").symlink_to(elsewhere / "app")
    said = deliver(volume(there, sub__app=b"1"))
    assert said == "Not a directory"
    assert deliver(volume(there, app=b"1")) == ""
    assert (elsewhere / "app").read_text() == "precious"
    assert not (there / "app").is_symlink()
    (tmp_path / "link").symlink_to(elsewhere)
    assert deliver(volume(tmp_path / "link", app=b"1")) != ""
    assert [each.name for each in elsewhere.iterdir()] == ["app"]


@pytest.mark.parametrize("destination", ["relative", "/", "/a/../b"])
def test_a_folder_that_it_may_not_have_is_told(destination: str) -> None:
    assert "is no folder that it may have" in deliver(volume(destination, app=b"1"))


def test_a_difference_keeps_volumes_and_takes_away_those_that_are_gone(tmp_path: Path) -> None:
    one = volume(tmp_path, app=b"1")
    known = Known(revision=3, volumes={"v": one})
    same = merged(known, DesiredState(revision=4, since=3, all_volumes=["v"]))
    assert same is not None
    assert same.volumes == {"v": one}
    gone = merged(known, DesiredState(revision=4, since=3))
    assert gone is not None
    assert gone.volumes == {}
    assert merged(known, DesiredState(revision=4, since=3, all_volumes=["other"])) is None
