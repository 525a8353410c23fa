"""Fields that do not exist, and the ones that were meant."""

import msgspec
import pytest

from ecn.api.documents import ApplicationManifest, MicroserviceManifest
from ecn.api.endpoint import parse
from ecn.errors import Invalid
from events.container_options import ContainerOptions
from events.node import NodeAccess, NodeSettings

WEB = {"name": "web", "node": "gate"}


def refused(said: object, kind: type) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(msgspec.json.encode(said), kind)
    return caught.value


@pytest.mark.parametrize(
    ("said", "kind", "field", "meant"),
    [
        ({**WEB, "imgae": "a:1"}, MicroserviceManifest, "$", "image"),
        ({**WEB, "options": {"readonly_root": True}}, MicroserviceManifest, "$.options",
         "read_only_root"),
        ({**WEB, "depends_on": ["a", {"microservices": "b"}]}, MicroserviceManifest,
         "$.depends_on[1]", "microservice"),
        ({"microservices": [WEB, {**WEB, "options": {"devices": [{"hots": "/dev/a"}]}}]},
         ApplicationManifest, "$.microservices[1].options.devices[0]", "host"),
        ({"access": {"privilged": True}}, NodeSettings, "$.access", "privileged"),
        ({"ReadOnlyRoot": True}, ContainerOptions, "$", "read_only_root"),
    ],
)  # fmt: skip
def test_a_misspelt_field_is_answered_with_the_one_that_was_meant(
    said: object, kind: type, field: str, meant: str
) -> None:
    error = refused(said, kind)
    assert error.field == field
    assert error.detail.endswith(f"; did you mean {meant}?")


def test_where_nothing_is_like_it_all_are_named_if_they_are_few() -> None:
    assert refused({"access": {"x": 1}}, NodeSettings).detail.endswith(
        "; known are: " + ", ".join(sorted(NodeAccess.__struct_fields__))
    )
    assert "; known" not in refused({**WEB, "zzzz": 1}, MicroserviceManifest).detail


def test_other_faults_are_as_they_were() -> None:
    assert refused({**WEB, "started": 1}, MicroserviceManifest).detail == (
        "Expected `bool`, got `int`"
    )
