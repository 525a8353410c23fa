"""Registries: applied by name, deleted when nobody pulls from them."""

import pytest

from ecn.commands.catalog import ApplyRegistry, DeleteRegistry
from ecn.errors import Invalid, RegistryInUse
from events.application import MicroserviceDeleted
from events.catalog import (
    RegistryCreated,
    RegistryDeleted,
    RegistrySettings,
    RegistryUpdated,
    SealedSecret,
)
from events.ids import RegistryId
from tests.builders import HUB, WEB, application, given, microservice, registered, registry, spec

SECRET = SealedSecret(secret_id="secret-1", ciphertext=b"sealed")
OTHER = SealedSecret(secret_id="secret-2", ciphertext=b"sealed")
WITH_PASSWORD = RegistrySettings(url="registry.example:5000", username="robot", password=SECRET)


def apply(
    url: str = "registry.example:5000",
    username: str = "",
    password: SealedSecret | None = None,
    name: str = "hub",
) -> ApplyRegistry:
    return ApplyRegistry(registry_id=HUB, name=name, url=url, username=username, password=password)


def test_a_registry_is_made() -> None:
    command = apply(username="robot", password=SECRET)
    made = (
        given()
        .when(command)
        .then(RegistryCreated(registry_id=HUB, name="hub", settings=WITH_PASSWORD))
    )
    made.when(command).then()


def test_one_that_is_there_keeps_its_id() -> None:
    another = ApplyRegistry(registry_id=RegistryId("fresh"), name="hub", url="b.example")
    given(registry()).when(another).then(
        RegistryUpdated(registry_id=HUB, settings=RegistrySettings(url="b.example"))
    )


def test_no_password_keeps_the_one_that_is_there() -> None:
    there = RegistryCreated(registry_id=HUB, name="hub", settings=WITH_PASSWORD)
    given(there).when(apply(username="robot")).then()
    given(there).when(apply(username="robot", password=OTHER)).then(
        RegistryUpdated(
            registry_id=HUB,
            settings=RegistrySettings(
                url="registry.example:5000", username="robot", password=OTHER
            ),
        )
    )


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (apply(name="Hub"), "$.name"),
        (apply(url="https://registry.example"), "$.url"),
        (apply(username="\x00"), "$.username"),
    ],
)
def test_a_registry_keeps_the_rules(command: ApplyRegistry, field: str) -> None:
    assert given().when(command).raises(Invalid).field == field


def test_a_registry_is_deleted_once() -> None:
    delete = DeleteRegistry(registry_id=HUB)
    given(registry()).when(delete).then(RegistryDeleted(registry_id=HUB)).when(delete).then()


def test_a_registry_in_use_is_not_deleted() -> None:
    used = (
        registry(),
        registered(),
        application(),
        microservice(made_from=spec(registry_id=HUB)),
    )
    refused = given(*used).when(DeleteRegistry(registry_id=HUB)).raises(RegistryInUse)
    assert refused.detail == "registry 'hub' is used by shop/web"
    given(*used, MicroserviceDeleted(microservice_id=WEB)).when(
        DeleteRegistry(registry_id=HUB)
    ).then(RegistryDeleted(registry_id=HUB))
