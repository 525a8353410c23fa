"""Signed checkpoints: what was stated is what is believed, or nothing is."""

import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.checkpoint import (
    Checkpoint,
    CheckpointRefused,
    check,
    pem,
    public_key,
    read,
    shown,
    sign,
    statement,
)
from tests.events.strategies import times

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATED = Checkpoint(position=1234, hash=bytes(range(32)), signed=NOON)

checkpoints = st.builds(
    Checkpoint,
    position=st.integers(0, 10**18 - 1),
    hash=st.binary(min_size=32, max_size=32),
    signed=times,
)


@given(checkpoints)
def test_what_is_signed_is_what_is_read(stated: Checkpoint) -> None:
    signed = read(msgspec.json.encode(sign(stated, KEY)))
    assert check(signed, KEY.public_key()) == stated
    assert check(signed, None) == stated


def test_the_statement_is_a_few_lines_of_one_form() -> None:
    assert statement(STATED) == (
        "ecn checkpoint v1\n"
        "position 1234\n"
        f"hash {bytes(range(32)).hex()}\n"
        "signed 2026-03-01T12:00:00.000000Z\n"
    )
    elsewhere = replace(STATED, signed=NOON.astimezone(timezone(timedelta(hours=2))))
    assert statement(elsewhere) == statement(STATED)


@given(checkpoints, st.data())
def test_no_byte_of_it_changes_unseen(stated: Checkpoint, data: st.DataObject) -> None:
    content = bytearray(msgspec.json.encode(sign(stated, KEY)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        found = check(read(bytes(content)), KEY.public_key())
    except CheckpointRefused:
        return
    # White space of the PEM, say: what is believed is what was signed.
    assert found == stated


def test_a_checkpoint_of_another_key_is_refused() -> None:
    signed = sign(STATED, OTHER)
    assert check(signed, None) == STATED
    with pytest.raises(CheckpointRefused, match="of another network, or somebody else made it"):
        check(signed, KEY.public_key())
    with pytest.raises(CheckpointRefused, match="signature does not fit"):
        check(replace(signed, public_key=pem(KEY.public_key())), KEY.public_key())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ecn checkpoint v2\n",
        statement(STATED).rstrip(),
        statement(STATED) + "\n",
        statement(STATED).replace("position 1234", "position 01234"),
        statement(STATED).replace("position 1234", "position -1"),
        statement(STATED).replace("2026-03-01", "2026-13-01"),
        statement(STATED).replace("00010203", "00010203".upper() + "AA"),
    ],
)
def test_a_well_signed_statement_of_another_form_says_nothing(text: str) -> None:
    signed = replace(
        sign(STATED, KEY), statement=text, signature=b64encode(KEY.sign(text.encode())).decode()
    )
    with pytest.raises(CheckpointRefused, match=r"another version|time"):
        check(signed, KEY.public_key())


@pytest.mark.parametrize("signature", ["", "no base64!", "AAAA", b64encode(bytes(64)).decode()])
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(CheckpointRefused, match="signature does not fit"):
        check(replace(sign(STATED, KEY), signature=signature), None)


def test_a_key_is_read_as_people_and_as_programs_write_it() -> None:
    key = KEY.public_key()
    assert public_key(pem(key)) == key
    assert public_key(shown(key)) == key
    assert public_key(f" {shown(key).upper()}\n") == key


UNHEARD_OF = pem(KEY.public_key()).replace("MCowBQYDK2Vw", "MCowBQYDK2V4")
"""Its algorithm has a number that nobody knows."""


@pytest.mark.parametrize(
    "text", [UNHEARD_OF, "", "ab", "zz" * 32, "ab" * 31, "-----BEGIN NOTHING-----"]
)
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CheckpointRefused, match="no public key"):
        public_key(text)


def test_a_key_of_another_kind_is_refused() -> None:
    other = generate_private_key(SECP256R1()).public_key()
    text = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(CheckpointRefused, match="another kind than Ed25519"):
        public_key(text)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"statement":1}'])
def test_a_file_that_is_no_checkpoint_is_told_how_to_get_one(content: bytes) -> None:
    with pytest.raises(CheckpointRefused, match="ecn log checkpoint -o FILE"):
        read(content)


def test_openssl_alone_can_check_it(tmp_path: Path) -> None:
    """What docs/log.md shows an auditor."""
    signed = sign(STATED, KEY)
    (tmp_path / "ecn.pem").write_text(signed.public_key)
    (tmp_path / "signature").write_bytes(b64decode(signed.signature))
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "ecn.pem", "-rawin"]
    files = ["-in", "statement", "-sigfile", "signature"]
    for text, good in ((signed.statement, True), (signed.statement + " ", False)):
        (tmp_path / "statement").write_text(text)
        done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode == 0) == good
