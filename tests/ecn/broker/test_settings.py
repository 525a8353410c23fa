"""The file of --broker: what it may say, and what is said when it is not right."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ecn.broker.settings import BrokerSettings, read
from ecn.broker.topology import Limits
from ecn.settings import CannotStart
from tests.certificates import Certificates

GOOD: Mapping[str, object] = {
    "url": "amqps://router.example:5671",
    "management": "https://router.example:15671/",
    "username": "ecn",
    "password": "pa:ss w0rd",
}


def written(folder: Path, said: object, mode: int = 0o600) -> Path:
    path = folder / "broker.yaml"
    path.write_text(said if isinstance(said, str) else yaml.safe_dump(said))
    path.chmod(mode)
    return path


def test_the_least_that_it_says(tmp_path: Path) -> None:
    found = read(written(tmp_path, dict(GOOD)))
    assert found == BrokerSettings(
        url="amqps://router.example:5671/ecn",
        agents_url="amqps://router.example:5671/ecn",
        management="https://router.example:15671",
        username="ecn",
        password="pa:ss w0rd",
        vhost="ecn",
    )
    assert found.broker.url == found.agents_url
    assert "w0rd" not in repr(found)


def test_all_that_it_can_say(tmp_path: Path) -> None:
    made = Certificates.made(tmp_path / "tls")
    more = {
        "agents_url": "amqp://[::1]:5672/a%2Fb",
        "url": "amqp://127.0.0.1:5672/",
        "vhost": "a/b",
        "ca_file": "tls/ca.pem" if (tmp_path / "tls/ca.pem").exists() else str(made.authority),
        "limits": {"inbox": 1, "dead": 2},
    }
    found = read(written(tmp_path, {**GOOD, **more}))
    assert found.url == "amqp://127.0.0.1:5672/a%2Fb"
    assert found.agents_url == "amqp://[::1]:5672/a%2Fb"
    assert found.ca_pem == made.ca_pem
    assert found.limits == Limits(inbox=1, dead=2)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"url": "http://router.example"}, "url is no amqp://HOST:PORT"),
        ({"url": "amqp://"}, "url is no amqp://HOST:PORT"),
        ({"url": "amqp://h:99999"}, "url is no amqp://HOST:PORT"),
        ({"url": "amqp://ecn:secret@h"}, "url has a user: say that with `username`"),
        ({"url": "amqp://h/other"}, "names another vhost"),
        ({"agents_url": "amqps://u@h"}, "agents_url has a user"),
        ({"management": "amqp://h"}, "management is no http://HOST:PORT"),
        ({"management": "http://h?x=1"}, "management is no http://HOST:PORT"),
        ({"username": ""}, "must not be empty"),
        ({"username": "a:b"}, "no colon"),
        ({"password": ""}, "must not be empty"),
        ({"passwort": "x"}, "unknown field `passwort`"),
        ({"limits": {"inbox": 0}}, "at least 1 MiB"),
        ({"ca_file": "missing.pem"}, "has no certificates"),
        ({"ca_file": "broker.yaml"}, "has no certificates"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, more: dict[str, object], words: str) -> None:
    with pytest.raises(CannotStart, match=words) as said:
        read(written(tmp_path, {**GOOD, **more}))
    assert "w0rd" not in str(said.value)
    assert "secret@" not in str(said.value)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="missing required field `management`"):
        read(written(tmp_path, {"url": "amqp://h"}))


@pytest.mark.parametrize("text", ["password: [w0rd", "\tpassword: w0rd", "password: w0rd: x"])
def test_what_is_no_yaml_is_said_without_its_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(CannotStart, match="is no YAML") as said:
        read(written(tmp_path, text))
    assert "w0rd" not in str(said.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(CannotStart, match="chmod 600"):
        read(written(tmp_path, dict(GOOD), mode))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="can't be read: No such file"):
        read(tmp_path / "none.yaml")


def test_a_private_key_among_the_certificates_is_refused(tmp_path: Path) -> None:
    made = Certificates.made(tmp_path / "tls")
    both = tmp_path / "both.pem"
    both.write_text(made.ca_pem + Path(made.key).read_text())
    with pytest.raises(CannotStart, match="private key"):
        read(written(tmp_path, {**GOOD, "ca_file": "both.pem"}))
