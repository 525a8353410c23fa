"""compose.yaml: whole, described, and with passwords that those who need them can read."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecn.broker import settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PAGE = (ROOT / "docs/compose.md").read_text()


def filled(text: str) -> str:
    """With the defaults of all variables, as compose fills them in."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", r"\2", text).replace("$$", "$")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_uses_only_what_there_is(name: str) -> None:
    service = SERVICES[name]
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        assert source.startswith("/") or source in COMPOSE["volumes"], mount
    for other in service.get("depends_on", {}):
        assert other in SERVICES
        # What is always started must not need what is started only when it is asked for.
        assert set(SERVICES[other].get("profiles", [])) <= set(service.get("profiles", []))


def test_each_volume_is_used() -> None:
    mounted = {each.split(":")[0] for one in SERVICES.values() for each in one.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= mounted


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"\$\{(\w+):-", TEXT))))
def test_each_variable_is_described(variable: str) -> None:
    assert f"`{variable}`" in PAGE


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_password_stands_in_it(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        assert "PASSWORD" not in variable or value.startswith("/")


def test_the_passwords_are_made_once_and_can_be_used(tmp_path: Path) -> None:
    (command,) = SERVICES["password"]["command"]
    script = filled(command).replace("chown ecn:", "true")
    for folder in ("secret", "broker"):
        (tmp_path / folder).mkdir()
        script = script.replace(f"cd /{folder}", f"cd {tmp_path / folder}")

    def run() -> dict[str, str]:
        subprocess.run(["sh", "-euc", script], check=True, env={"PATH": os.environ["PATH"]})
        return {
            str(path.relative_to(tmp_path)): path.read_text()
            for path in tmp_path.rglob("*")
            if path.is_file()
        }

    made = run()
    assert run() == made
    password = made["broker/password"]
    assert len(password) >= 40
    assert f"default_pass = {password}\n" in made["broker/rabbitmq.conf"]
    found = settings.read(tmp_path / "broker/broker.yaml")
    assert (found.username, found.password, found.vhost) == ("ecn", password, "ecn")
    assert found.agents_url == "amqp://127.0.0.1:5672/ecn"
    assert found.url == "amqp://rabbitmq:5672/ecn"
    assert f"default_vhost = {found.vhost}\n" in made["broker/rabbitmq.conf"]
