"""The documentation names what there is: a field, command or endpoint added is one to describe."""

import re
from pathlib import Path

import pytest

from ecn.api.app import ENDPOINTS
from ecn.api.documents import MicroserviceManifest
from ecn.cli.main import Ecn
from events.application import ContainerState, PullPolicy, RestartPolicy

DOCS = Path(__file__).parents[2] / "docs"


def words_of(page: str) -> set[str]:
    """What stands in backquotes, and the words of it."""
    text = re.sub(r"```.*?```", "", (DOCS / page).read_text(), flags=re.DOTALL)
    quoted = re.findall(r"`([^`]+)`", text)
    return {word for text in quoted for word in (text, *text.replace(",", " ").split())}


@pytest.mark.parametrize("field", MicroserviceManifest.__struct_fields__)
def test_each_field_of_a_microservice_is_described(field: str) -> None:
    assert field in words_of("microservices.md")


@pytest.mark.parametrize("word", [*ContainerState, *RestartPolicy, *PullPolicy])
def test_each_state_and_policy_is_described(word: str) -> None:
    assert word in words_of("microservices.md")


@pytest.mark.parametrize("command", Ecn.entries)
def test_each_command_is_in_the_page_of_the_cli(command: str) -> None:
    assert re.search(rf"\becn {command}\b", (DOCS / "cli.md").read_text())


@pytest.mark.parametrize("path", sorted({each.path for each in ENDPOINTS}))
def test_each_endpoint_is_in_the_page_of_the_api(path: str) -> None:
    text = (DOCS / "http-api.md").read_text()
    # Below a microservice's id it is all the same as below its name.
    plain = re.sub(r"{id:[^}]*}}", "{application}/{name}", path)
    beginning, _, last = plain.rpartition("/")
    assert plain in text or (beginning in text and f", /{last}" in text)
