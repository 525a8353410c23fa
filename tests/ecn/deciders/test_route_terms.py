"""Routes from anywhere and upstream, and what goes there: terms, and what they may not be."""

import pytest

from ecn.commands.application import ApplyApplication, DeleteApplication, WantedRoute
from ecn.commands.node import DropReport, RegisterNode, ReportNode
from ecn.commands.route import CreateRoute, UpdateRoute
from ecn.errors import BadCondition, Invalid, NameTaken, RouteExists
from events.application import ApplicationDeleted, MicroserviceDeleted
from events.envelope import KnownEvent
from events.ids import NodeId, RouteId
from events.node import AgentSettings, NodeCameOnline, NodeSettings
from events.route import (
    DropReason,
    RouteCreated,
    RouteDeleted,
    RouteDropped,
    RouteEnds,
    RouteTerms,
    RouteUpdated,
)
from tests.builders import (
    CACHE,
    EAST,
    NOW,
    SHOP,
    WEB,
    WEST,
    application,
    given,
    key_issued,
    microservice,
    provisioned,
    registered,
)

R = RouteId("route")
HOT = RouteTerms(condition="as_number(temp) > 70")
THERE = RouteEnds(source=WEB, destination=CACHE)
UP = RouteEnds(source=WEB, destination=None)
FROM_ANY = RouteEnds(source=None, destination=CACHE)
OUT = RouteEnds(source=None, destination=None)
SHOP_OF_TWO: tuple[KnownEvent, ...] = (
    registered(),
    registered(WEST),
    application(),
    microservice("web"),
    microservice("cache", node_id=WEST),
)


def create(
    source: str = "web",
    destination: str = "cache",
    terms: RouteTerms = HOT,
    name: str = "",
    *,
    sole: bool = False,
) -> CreateRoute:
    return CreateRoute(
        route_id=R,
        application_id=SHOP,
        name=name,
        source=source,
        destination=destination,
        terms=terms,
        sole=sole,
    )


def there(
    name: str, ends: RouteEnds = THERE, terms: RouteTerms = HOT, route_id: str = "route"
) -> RouteCreated:
    return RouteCreated(
        route_id=RouteId(route_id), application_id=SHOP, name=name, ends=ends, terms=terms
    )


@pytest.mark.parametrize(
    ("source", "destination", "name", "ends"),
    [
        ("web", "$upstream", "r-web-upstream", UP),
        ("*", "cache", "r-any-cache", FROM_ANY),
        ("*", "$upstream", "r-any-upstream", OUT),
    ],
)
def test_it_leads_from_any_microservice_and_upstream(
    source: str, destination: str, name: str, ends: RouteEnds
) -> None:
    given(*SHOP_OF_TWO).when(create(source, destination)).then(there(name, ends))


def test_two_lead_the_same_way_for_other_messages() -> None:
    network = given(*SHOP_OF_TWO, there("hot"))
    assert network.when(create(name="again")).raises(RouteExists).route == "shop/hot"
    network.when(create(terms=RouteTerms(), name="all")).then(there("all", terms=RouteTerms()))
    network.when(create("*", "cache", name="any")).then(there("any", FROM_ANY))
    usual = given(*SHOP_OF_TWO, there("r-web-cache"))
    usual.when(create(terms=RouteTerms())).raises(NameTaken)


def test_whoever_asks_for_the_only_one_is_not_refused_for_conditional_ones() -> None:
    plain = create(terms=RouteTerms(), name="all", sole=True)
    given(*SHOP_OF_TWO, there("hot")).when(plain).then(there("all", terms=RouteTerms()))
    urgent = there("urgent", terms=RouteTerms(priority=0))
    given(*SHOP_OF_TWO, urgent).when(plain).raises(RouteExists)


def test_its_terms_are_changed_and_checked_when_they_are() -> None:
    network = given(*SHOP_OF_TWO, there("hot"))

    def update(terms: RouteTerms, name: str = "hot") -> UpdateRoute:
        return UpdateRoute(route_id=R, name=name, source="web", destination="cache", terms=terms)

    other = RouteTerms(condition="a = 'b'", ttl=0)
    network.when(update(other)).then(RouteUpdated(route_id=R, name="hot", ends=THERE, terms=other))
    network.when(update(RouteTerms(condition="a == 'b'"))).raises(BadCondition)
    # One that an earlier version took is not refused for being renamed.
    old = given(*SHOP_OF_TWO, there("old", terms=RouteTerms(condition="a ==")))
    old.when(update(RouteTerms(condition="a =="), "new")).then(
        RouteUpdated(route_id=R, name="new", ends=THERE, terms=RouteTerms(condition="a =="))
    )


@pytest.mark.parametrize(
    ("terms", "destination", "field"),
    [
        (RouteTerms(condition="temp > 70"), "cache", "$.condition"),
        (RouteTerms(condition="a \x00"), "cache", "$.condition"),
        (RouteTerms(condition="twin_change_includes(a)"), "cache", "$.condition"),
        (RouteTerms(priority=10), "cache", "$.priority"),
        (RouteTerms(priority=-1), "cache", "$.priority"),
        (RouteTerms(ttl=-1), "cache", "$.ttl"),
        (RouteTerms(ttl=10**10), "cache", "$.ttl"),
        (RouteTerms(output="a/b"), "cache", "$.output"),
        (RouteTerms(input="a b"), "cache", "$.input"),
        (RouteTerms(input="in"), "$upstream", "$.input"),
        (RouteTerms(twin_changes=True, output="out"), "cache", "$.output"),
        (RouteTerms(webhook="https://hook.example"), "cache", "$.webhook"),
        (RouteTerms(webhook="ftp://hook.example"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="hook.example"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="https://"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="https://[::1"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="https://h.example:99999/"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="https://h.example/\r\nX: y"), "$upstream", "$.webhook"),
        (RouteTerms(webhook="https://me:secret@hook.example"), "$upstream", "$.webhook"),
    ],
)
def test_terms_that_break_a_rule_name_their_field(
    terms: RouteTerms, destination: str, field: str
) -> None:
    kind = BadCondition if terms.condition and "\x00" not in terms.condition else Invalid
    refused = given(*SHOP_OF_TWO).when(create("web", destination, terms)).raises(kind)
    assert refused.field == field
    assert "secret" not in str(refused)


@pytest.mark.parametrize(
    "terms",
    [
        RouteTerms(priority=0, ttl=0, durable=False, output="temp", input="in.1"),
        RouteTerms(twin_changes=True, condition="twin_change_includes(a.b)"),
        RouteTerms(priority=9, ttl=60),
    ],
)
def test_good_terms_are_kept_as_they_are(terms: RouteTerms) -> None:
    given(*SHOP_OF_TWO).when(create(terms=terms)).then(there("r-web-cache", terms=terms))


def test_a_refused_condition_says_where_it_is_wrong_in_a_whole_application_too() -> None:
    wanted = [
        WantedRoute(route_id=R, source="web", destination="cache"),
        WantedRoute(
            route_id=R, name="b", source="*", destination="cache", terms=RouteTerms(condition="a =")
        ),
    ]
    apply = ApplyApplication(application_id=SHOP, name="shop", microservices=None, routes=wanted)
    refused = given(*SHOP_OF_TWO).when(apply).raises(BadCondition)
    assert refused.field == "$.routes[1].condition"
    assert refused.detail.startswith("line 1, column ")
    assert refused.next_step


def test_a_route_of_no_end_goes_with_its_application_and_with_no_microservice() -> None:
    network = given(*SHOP_OF_TWO, there("out", OUT), there("any", FROM_ANY, route_id="any"))
    only_web = ApplyApplication(application_id=SHOP, name="shop", microservices=[], routes=None)
    gone = [MicroserviceDeleted(microservice_id=key) for key in (CACHE, WEB)]
    network.when(only_web).then(RouteDeleted(route_id=RouteId("any")), *gone)
    network.when(DeleteApplication(application_id=SHOP)).then(
        RouteDeleted(route_id=RouteId("any")),
        RouteDeleted(route_id=R),
        *gone,
        ApplicationDeleted(application_id=SHOP),
    )


DEVICE: tuple[KnownEvent, ...] = (
    *SHOP_OF_TWO,
    key_issued(),
    provisioned(),
    NodeCameOnline(node_id=EAST),
)


def drop(sequence: int, route_id: str = "route") -> DropReport:
    return DropReport(
        sequence=sequence,
        route_id=RouteId(route_id),
        reason=DropReason.EXPIRED,
        messages=3,
        size=120,
        since=NOW,
        at=NOW,
    )


def dropped(sequence: int) -> RouteDropped:
    return RouteDropped(
        route_id=R,
        node_id=EAST,
        sequence=sequence,
        reason=DropReason.EXPIRED,
        messages=3,
        size=120,
        since=NOW,
        at=NOW,
    )


def test_dropped_messages_are_told_once_and_numbered_with_all_other_words() -> None:
    network = given(*DEVICE, there("hot"))
    told = ReportNode(node_id=EAST, now=NOW, drops=[drop(2), drop(1)])
    again = network.when(told).then(dropped(1), dropped(2)).when(told).then()
    more = ReportNode(node_id=EAST, now=NOW, drops=[drop(2), drop(3)])
    again.when(more).then(dropped(3))


def test_what_was_dropped_of_a_deleted_route_is_told_and_of_an_unknown_one_is_not() -> None:
    network = given(*DEVICE, there("hot"), RouteDeleted(route_id=R))
    told = ReportNode(node_id=EAST, now=NOW, drops=[drop(1), drop(2, "nobody")])
    network.when(told).then(dropped(1))


def test_settings_of_the_message_store_keep_their_bounds() -> None:
    for agent, field in (
        (AgentSettings(message_store_mib=0), "message_store_mib"),
        (AgentSettings(message_store_mib=1 << 21), "message_store_mib"),
        (AgentSettings(message_ttl=-1), "message_ttl"),
    ):
        command = RegisterNode(
            node_id=NodeId("new"), name="new", settings=NodeSettings(agent=agent)
        )
        assert given().when(command).raises(Invalid).field == f"$.settings.agent.{field}"
