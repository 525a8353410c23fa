"""Refusals: each has a code of its own, and says what to do next."""

from collections.abc import Iterator

import pytest

from ecn import errors
from ecn.errors import (
    AgentTooOld,
    AnswerLost,
    BadCondition,
    BadCredentials,
    Behind,
    CatalogItemInUse,
    Conflict,
    DependedOn,
    HostUnknown,
    ImagesFrozen,
    Invalid,
    KeyRefused,
    KeyReused,
    LastAdmin,
    NameTaken,
    NodeInUse,
    NodesOnline,
    NoImage,
    NoPublicPort,
    NotAllowed,
    NotFound,
    NotOurPage,
    NotRestorable,
    PortTaken,
    PowersInUse,
    PowersNotAllowed,
    ReferenceMoved,
    Refused,
    RegistryInUse,
    RevisionMoved,
    RouteExists,
    RouterHasDownstreams,
    RouterMissing,
    SeedKept,
    SystemNodeExists,
    TooMany,
    TwinMoved,
    Unreachable,
    UpstreamNotInterior,
    VolumeInUse,
    Withdrawn,
)
from tests.builders import NOW

MANY = [f"shop/m{number}" for number in range(7)]
EXAMPLES: list[Refused] = [
    Invalid("is longer", field="$.name"),
    BadCondition("line 1, column 3", "there is no ==", "a == b\n  ^^", hint="Write =."),
    NotFound("node", "east"),
    NameTaken("node", "east"),
    PortTaken(node="east", port=80, protocol="tcp", holder="shop/web", field="$.ports[0].host"),
    NodeInUse("east", MANY),
    RegistryInUse("hub", MANY),
    VolumeInUse("conf", MANY),
    CatalogItemInUse("camera", MANY),
    ImagesFrozen("camera", MANY),
    DependedOn("shop/db", MANY),
    PowersNotAllowed("web", "east", ["privileged"], field="$.options"),
    PowersInUse("east", MANY),
    SeedKept("Hello Web Demo"),
    NoImage("web", "east", "arm", field="$.images"),
    RouteExists("web", "cache", "shop/r-web-cache"),
    NoPublicPort("default-router", 6000, 6999, field="$.ports[0].public.port"),
    HostUnknown("${Agents.east}", field="$.extra_hosts[0].address"),
    RouterMissing("default-router"),
    UpstreamNotInterior("east"),
    RouterHasDownstreams("east", ["west"]),
    SystemNodeExists("east"),
    NodesOnline("anna", ["east"]),
    LastAdmin("anna"),
    RevisionMoved("node", "east"),
    ReferenceMoved("node", "east"),
    AgentTooOld("east", "3.0.0"),
    AnswerLost(),
    NotRestorable("users are not rolled back", next_step="ecn update user"),
    NotAllowed("viewers may only read"),
    NotOurPage("it was made by a page from elsewhere"),
    BadCredentials("no such token"),
    Withdrawn("deprovisioned"),
    KeyRefused(),
    KeyRefused(NOW),
    KeyReused(),
    TooMany("too many logs are read at once", retry_after=1),
    TwinMoved("shop/web", 3, 5),
    Unreachable("node 'east' is offline"),
    Behind(3, 7),
]


def kinds(base: type[Refused] = Refused) -> Iterator[type[Refused]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from kinds(kind)


def test_every_refusal_is_among_the_examples() -> None:
    missing = {*kinds()} - {type(each) for each in EXAMPLES} - {Conflict}
    assert not missing, "a new refusal wants an example above"


@pytest.mark.parametrize("refused", EXAMPLES, ids=lambda each: str(each.code))
def test_a_refusal_is_a_sentence_with_a_next_step(refused: Refused) -> None:
    assert str(refused) == refused.detail
    assert refused.next_step


def test_no_two_refusals_share_a_code() -> None:
    codes = [each.code for each in EXAMPLES]
    assert len(set(codes)) == len(codes)


def test_a_refusal_of_many_names_a_few() -> None:
    assert NodeInUse("east", MANY).detail.endswith(
        "7 microservices: " + ", ".join(MANY[:5]) + ", …"
    )


def test_an_expired_key_does_not_mark_others_as_expired() -> None:
    KeyRefused(NOW)
    assert KeyRefused().code == "provisioning-key-refused"


def test_a_refusal_of_one_of_several_says_of_which() -> None:
    refused = NotFound("node", "east").of("application/shop")
    assert str(refused) == refused.detail == "application/shop: there is no node 'east'"
    assert refused.code == "not-found"
