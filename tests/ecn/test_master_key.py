"""The file of master keys: read, made, rotated; the keys are named and never told."""

import os
import stat
import threading
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ecn import master_key
from ecn.master_key import (
    FILE,
    Keyring,
    MasterKey,
    MasterKeyFileUnusable,
    key_file,
    opened,
    parse,
    read,
    rotate,
)

secrets = st.binary(min_size=32, max_size=32)


@given(st.lists(secrets, min_size=1, max_size=5), st.data())
def test_a_file_holds_its_keys_in_order_whatever_stands_between(
    keys: list[bytes], data: st.DataObject
) -> None:
    between = st.sampled_from(["", "\n", "# made in spring\n", "   \n", "\r\n"])
    lines = [
        data.draw(between) + data.draw(st.sampled_from([key.hex(), f"  {key.hex().upper()} "]))
        for key in keys
    ]
    found = parse("\n".join(lines))
    assert [key.secret for key in found] == list(dict.fromkeys(keys))


@given(st.binary(max_size=64).filter(lambda secret: len(secret) != 32))
def test_a_key_has_its_length(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MasterKey(secret)
    with pytest.raises(ValueError, match=r"line 2 is not 64 hexadecimal|no key in it"):
        parse(f"\n{secret.hex()}")


@given(secrets, secrets)
def test_an_id_names_a_key_and_does_not_tell_it(one: bytes, other: bytes) -> None:
    a, b = MasterKey(one), MasterKey(other)
    assert (a.id == b.id) == (one == other)
    assert len(a.id) == 16
    assert a.id not in one.hex()
    assert repr(a) == f"MasterKey({a.id})"


@pytest.mark.parametrize("slip", ["xyzzy", "0" * 63, "zz" * 32, "ab" * 31 + "g "])
def test_what_is_wrong_is_said_without_what_stands_there(tmp_path: Path, slip: str) -> None:
    path = tmp_path / FILE
    path.write_text(f"{'ab' * 32}\n{slip}\n")
    with pytest.raises(MasterKeyFileUnusable, match="line 2 is not 64 hexadecimal") as told:
        read(path)
    assert slip not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize("content", [b"", b"\n# nothing\n", b"\xff\xfe\x00", "é".encode()])
def test_a_file_without_keys_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE
    path.write_bytes(content)
    with pytest.raises(MasterKeyFileUnusable, match="is no file of master keys"):
        opened(tmp_path)
    with pytest.raises(MasterKeyFileUnusable, match="is no file of master keys"):
        rotate(path)
    assert path.read_bytes() == content


def test_the_first_key_is_made_in_the_data_folder_for_its_owner_alone(tmp_path: Path) -> None:
    keyring = opened(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert opened(tmp_path).ids == keyring.ids
    assert len(keyring.ids) == 1


@pytest.mark.parametrize(("mode", "said"), [(0o600, 0), (0o640, 0), (0o604, 1), (0o666, 1)])
def test_a_file_that_everybody_may_read_is_named(tmp_path: Path, mode: int, said: int) -> None:
    (tmp_path / FILE).write_text("ab" * 32)
    (tmp_path / FILE).chmod(mode)
    with structlog.testing.capture_logs() as logged:
        opened(tmp_path)
    assert [each["event"] for each in logged] == ["master_key_file_open_to_others"] * said
    assert "ab" * 32 not in str(logged)


def test_a_file_that_was_named_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "elsewhere"
    monkeypatch.setenv("ECN_MASTER_KEY_FILE", str(named))
    assert key_file(tmp_path) == named
    with pytest.raises(MasterKeyFileUnusable, match="openssl rand -hex 32"):
        opened(tmp_path)
    assert list(tmp_path.iterdir()) == []
    named.write_text("ab" * 32)
    assert opened(tmp_path).current.secret == b"\xab" * 32


def test_rotating_puts_a_fresh_key_before_the_others_and_keeps_all_else(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(f"# ours\n{'ab' * 32}")
    path.chmod(0o644)
    first = rotate(path)
    second = rotate(path)
    assert [key.id for key in second[1:]] == [key.id for key in first]
    assert len({key.id for key in second}) == 3
    assert path.read_text().endswith(f"\n# ours\n{'ab' * 32}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_rotating_replaces_what_a_link_leads_to_and_leaves_the_owner(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("ab" * 32)
    link.symlink_to(real)
    # As whom only root may give it away; everybody else keeps it.
    owner = (12345, 23456) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(real, *owner)
    assert len(rotate(link)) == 2
    assert link.is_symlink()
    assert (real.stat().st_uid, real.stat().st_gid) == owner
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_what_is_not_there_is_not_rotated(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyFileUnusable, match="is not there"):
        rotate(tmp_path / FILE)
    assert list(tmp_path.iterdir()) == []


def test_of_many_who_rotate_at_once_no_key_is_lost(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("ab" * 32 + "\n")
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(rotate(path)[0].id)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ids = [key.id for key in read(path)]
    assert len(ids) == 9
    assert {*made} <= {*ids}


def test_a_key_that_comes_to_the_file_later_is_found_when_it_is_asked_for(tmp_path: Path) -> None:
    keyring = opened(tmp_path)
    (old,) = keyring.ids
    new = rotate(tmp_path / FILE)[0].id
    assert keyring.current.id == old, "only what needs it reads again"
    assert keyring.find(old) is not None
    assert keyring.current.id == old
    assert keyring.find("of nobody") is None
    assert keyring.ids == (new, old)
    assert keyring.find(new) is keyring.current


def test_a_file_that_became_unusable_changes_nothing_for_who_has_read_it(tmp_path: Path) -> None:
    keyring = opened(tmp_path)
    before = keyring.ids
    (tmp_path / FILE).write_text("no key")
    assert keyring.find("of nobody") is None
    (tmp_path / FILE).unlink()
    assert keyring.find("of nobody") is None
    assert keyring.ids == before


def test_a_key_that_left_the_file_still_opens_for_who_has_read_it(tmp_path: Path) -> None:
    keyring = opened(tmp_path)
    (old,) = keyring.ids
    (tmp_path / FILE).write_text("ab" * 32)
    assert keyring.read_again()
    assert not keyring.read_again()
    assert keyring.ids == (MasterKey(b"\xab" * 32).id, old)


def test_a_keyring_without_a_file_has_what_it_was_given() -> None:
    keyring = Keyring([MasterKey(bytes(32))])
    assert keyring.find("of nobody") is None
    assert master_key.KEY_BYTES == 32
