"""What microservices use, over the native API: routes, templates, the catalog, edge resources,
volumes, the network; and renaming. Every answer is held against the OpenAPI document."""

import base64

import pytest

from tests.ecn.api.server import Client, Controller, manifest

ROUTE = {"source": "web", "destination": "cache"}
SHOP = {"microservices": [manifest("web"), manifest("cache")], "routes": [ROUTE]}


@pytest.fixture
async def shop(controller: Controller) -> Client:
    """An operator of a network with the shop."""
    await controller.agent("east")
    (await controller.operator.put("/applications/shop", SHOP)).is_good(201)
    return controller.operator


async def test_an_applications_routes_are_those_of_its_manifest(shop: Client) -> None:
    routes = (await shop.get("/routes", application="shop")).is_good().items()
    assert [(each["name"], each["source"]) for each in routes] == [("r-web-cache", "web")]
    again = (await shop.put("/applications/shop", SHOP)).is_good()
    assert again["events"] == []
    less = {"microservices": SHOP["microservices"]}
    changed = (await shop.put("/applications/shop", less)).is_good()
    assert changed["events"] == ["route.deleted.v1"]


async def test_a_new_route_in_an_old_application_makes_no_new_application(shop: Client) -> None:
    more = {**SHOP, "routes": [ROUTE, {"source": "cache", "destination": "web"}]}
    changed = (await shop.put("/applications/shop", more)).is_good(200)
    assert changed["events"] == ["route.created.v1"]


async def test_a_route_is_made_changed_renamed_and_deleted_by_itself(shop: Client) -> None:
    ends = {"source": "cache", "destination": "web"}
    made = (await shop.put("/routes/shop/back", ends)).is_good(201)
    assert made["events"] == ["route.created.v1"]
    (await shop.put("/routes/shop/back", ends)).is_good(200)
    to_itself = {"source": "cache", "destination": "cache"}
    assert (await shop.put("/routes/shop/back", to_itself)).is_good()["events"] == [
        "route.updated.v1"
    ]
    (await shop.post("/routes/shop/back/rename", {"name": "loop"})).is_good()
    shown = (await shop.get("/routes/shop/loop")).is_good()
    assert (shown["source"], shown["destination"]) == ("cache", "cache")
    assert (await shop.get(f"/routes/{shown['id']}")).json == shown.json
    (await shop.delete("/routes/shop/loop")).is_good()
    (await shop.get("/routes/shop/loop")).is_problem(404, "not-found")
    body = {"name": "again", **ends}
    (await shop.post("/applications/shop/routes", body)).is_good(201)
    (await shop.post("/applications/shop/routes", body)).is_problem(409, "name-taken")


async def test_who_goes_by_another_name_is_the_same_still(shop: Client) -> None:
    was = (await shop.get("/microservices/shop/web")).json
    (await shop.post("/applications/shop/rename", {"name": "store"})).is_good()
    (await shop.post("/microservices/store/web/rename", {"name": "www"})).is_good()
    is_ = (await shop.get("/microservices/store/www")).is_good()
    assert (is_["id"], is_["image"]) == (was["id"], was["image"])
    (await shop.get("/applications/shop")).is_problem(404, "not-found")
    (await shop.get("/microservices/shop/web")).is_problem(404, "not-found")
    (await shop.post("/microservices/store/www/rename", {"name": "cache"})).is_problem(
        409, "name-taken"
    )


async def test_a_rebuild_and_instructions_are_events(shop: Client) -> None:
    rebuilt = (await shop.post("/microservices/shop/web/rebuild")).is_good()
    assert rebuilt["events"] == ["microservice.rebuilt.v1"]
    for instruction in ("reboot", "prune", "upgrade", "rollback"):
        told = await shop.post(f"/nodes/east/{instruction}")
        assert told.is_good()["events"] == ["node.instructed.v1"]


async def test_a_template_is_put_shown_and_deleted(operator: Client) -> None:
    body = {
        "description": "a site",
        "variables": [{"key": "node", "default": None}, {"key": "n"}],
        "application": {"microservices": [{"name": "{{ n }}"}], "routes": []},
    }
    (await operator.put("/templates/site", body)).is_good(201)
    (await operator.put("/templates/site", body)).is_good(200)
    shown = (await operator.get("/templates/site")).is_good()
    assert shown["variables"] == [
        {"key": "node", "description": "", "default": None},
        {"key": "n", "description": ""},
    ]
    assert shown["application"] == body["application"]
    assert [each["name"] for each in (await operator.get("/templates")).items()] == ["site"]
    (await operator.delete("/templates/site")).is_good()
    (await operator.get("/templates/site")).is_problem(404, "not-found")


async def test_microservices_are_made_of_the_catalog_and_follow_it(shop: Client) -> None:
    (await shop.put("/registries/hub", {"url": "hub.example"})).is_good(201)
    item = {"images": {"x86": "hub.example/till:1", "arm": "hub.example/till:1"}, "registry": "hub"}
    (await shop.put("/catalog-items/till", item)).is_good(201)
    (await shop.patch("/nodes/east", {"settings": {"platform": "x86"}})).is_good()
    (await shop.patch("/microservices/shop/web", {"catalog_item": "till"})).is_good()
    web = (await shop.get("/microservices/shop/web")).is_good()
    assert (web["image"], web["catalog_item"]) == ("", "till")
    assert web["runs_image"] == "hub.example/till:1"
    shown = (await shop.get("/catalog-items/till")).is_good()
    assert (shown["registry"], shown["microservices"], shown["seeded"]) == ("hub", 1, False)
    (await shop.delete("/catalog-items/till")).is_problem(409, "catalog-item-in-use")
    newer = {"images": {"x86": "hub.example/till:2"}, "registry": "hub"}
    (await shop.put("/catalog-items/till", newer)).is_good(200)
    assert (await shop.get("/microservices/shop/web"))["runs_image"] == "hub.example/till:2"
    seeds = [each for each in (await shop.get("/catalog-items")).items() if each["seeded"]]
    assert len(seeds) == 17
    (await shop.patch("/microservices/shop/web", {"image": "shop/web:2"})).is_good()
    web = (await shop.get("/microservices/shop/web")).is_good()
    assert (web["image"], web["catalog_item"]) == ("shop/web:2", None)


async def test_an_edge_resource_is_linked_and_unlinked(shop: Client) -> None:
    body = {"endpoints": [{"name": "shot", "url": "/shot"}], "tags": ["cam"], "custom": {"fps": 30}}
    (await shop.put("/edge-resources/camera@1.10.0", body)).is_good(201)
    (await shop.put("/edge-resources/camera@1.10.0", body)).is_good(200)
    (await shop.put("/edge-resources/camera", body)).is_problem(400, "invalid")
    east = {"node": "east"}
    linked = (await shop.post("/edge-resources/camera@1.10.0/link", east)).is_good()
    assert linked["events"] == ["edge-resource.linked.v1"]
    assert (await shop.get("/edge-resources/camera@1.10.0"))["nodes"] == ["east"]
    (await shop.post("/edge-resources/camera@1.10.0/unlink", east)).is_good()
    (await shop.post("/edge-resources/camera@1.10.0/link", {"node": "nowhere"})).is_problem(
        404, "not-found", field="$.node"
    )
    (await shop.delete("/edge-resources/camera@1.10.0")).is_good()
    assert (await shop.get("/edge-resources")).items() == []


async def test_a_volume_reaches_the_agent_of_its_node(controller: Controller) -> None:
    agent, operator = await controller.agent("east"), controller.operator
    have = await agent.revision()
    content = base64.b64encode(b"open: 9-17").decode()
    body = {
        "destination": "/etc/shop",
        "permissions": "644",
        "nodes": ["east"],
        "files": [{"path": "conf/hours.yaml", "content": content}],
    }
    (await operator.put("/volumes/hours", body)).is_good(201)
    (await operator.put("/volumes/hours", body)).is_good(200)
    told = (await agent.desired(have)).is_good()
    [volume] = told.items("volumes")
    assert (volume["destination"], volume["files"]) == ("/etc/shop", body["files"])
    assert told["all_volumes"] == [volume["volume_id"]]
    have = told.number("revision")
    (await agent.desired(have)).is_good(304)
    [listed] = (await operator.get("/volumes")).items()
    assert listed["files"] == [{"path": "conf/hours.yaml", "size": 10, "content": None}]
    assert (await operator.get("/volumes/hours"))["nodes"] == ["east"]
    (await operator.put("/volumes/hours", {**body, "nodes": []})).is_good()
    told = (await agent.desired(have)).is_good()
    assert (told["volumes"], told["all_volumes"]) == ([], [])
    (await operator.delete("/volumes/hours")).is_good()


async def test_the_network_has_settings_and_a_default_router(operator: Client) -> None:
    (await operator.put("/network/settings/default-proxy-host", {"value": "p"})).is_good()
    (await operator.put("/network/router", {"host": "router.example"})).is_good()
    network = (await operator.get("/network")).is_good()
    assert network["default_router"] == {
        "node": None,
        "host": "router.example",
        "messaging_port": 5672,
        "edge_port": 56722,
        "inter_router_port": 56721,
    }
    [setting] = network.items("settings")
    assert (setting["key"], setting["value"]) == ("default-proxy-host", "p")
    again = await operator.put("/network/settings/default-proxy-host", {"value": "p"})
    assert again.is_good()["events"] == []


async def test_routers_may_be_named_and_are_kept_by_their_ids(operator: Client) -> None:
    ports = {"edge_port": 56721, "inter_router_port": 56722}
    hub = {"host": "10.0.0.1", "router": {"mode": "interior", "upstreams": [], **ports}}
    await operator.post("/nodes", {"name": "hub", "settings": hub})
    edge = {"host": "10.0.0.2", "router": {"upstreams": ["hub"]}}
    (await operator.post("/nodes", {"name": "edge", "settings": edge})).is_good(201)
    settings = (await operator.get("/nodes/edge"))["settings"]
    assert isinstance(settings, dict)
    assert settings["router"]["upstreams"] == [(await operator.get("/nodes/hub"))["id"]]


async def test_a_rename_is_reverted_and_known_by_its_id(shop: Client) -> None:
    before = (await shop.get("/applications/shop")).is_good()
    position = before.headers["ECN-Position"]
    (await shop.post("/microservices/shop/web/rename", {"name": "www"})).is_good()
    (await shop.post("/applications/shop/rename", {"name": "store"})).is_good()
    (await shop.put("/edge-resources/camera@1.0.0", {})).is_good(201)
    told = (await shop.get("/diff", **{"from": position, "subject": "application/store"})).is_good()
    [difference] = told.items()
    assert difference["fields"] == [
        {"path": "/name", "aspect": "wanted", "before": "shop", "after": "store"}
    ]
    body = {"to": position, "subjects": ["application/store", "edge-resource/camera@1.0.0"]}
    (await shop.post("/revert", body)).is_good()
    after = (await shop.get("/applications/shop")).is_good()
    assert after["id"] == before["id"]
    assert [m["id"] for m in after.items("microservices")] == [
        m["id"] for m in before.items("microservices")
    ]
    assert after["routes"] == [
        {**route, "updated_at": new["updated_at"], "created_at": new["created_at"]}
        for route, new in zip(before.items("routes"), after.items("routes"), strict=True)
    ]
    assert (await shop.get("/edge-resources")).items() == []
    assert (await shop.get("/diff", **{"from": position})).items() == []


@pytest.mark.parametrize(
    "subject",
    [
        "route/shop/r-web-cache",
        "template/site",
        "edge-resource/camera@1.0.0",
        "volume/hours",
        "catalog-item/till",
        "network/default-proxy-host",
        "network/default-router",
        "registry/hub",
    ],
)
async def test_why_blame_audit_diff_and_revert_know_every_kind(shop: Client, subject: str) -> None:
    made = {
        "/templates/site": {},
        "/edge-resources/camera@1.0.0": {},
        "/volumes/hours": {"destination": "/etc/x"},
        "/catalog-items/till": {"images": {"x86": "till"}},
        "/network/settings/default-proxy-host": {"value": "p"},
        "/network/router": {"host": "r"},
        "/registries/hub": {"url": "hub.example"},
    }
    for path, body in made.items():
        assert (await shop.put(path, body)).status in (200, 201)
    kind = subject.partition("/")[0]
    why = (await shop.get(f"/why/{subject}")).is_good()
    chain = why["chain"]
    assert isinstance(chain, dict)
    assert chain["event"]["actor"] == "user/otto"
    blamed = (await shop.get(f"/blame/{subject}")).is_good()
    assert blamed.items("fields")
    listed = (await shop.get("/events", subject=subject)).is_good().items()
    assert [str(each["type"]).split(".")[0] for each in listed] == [kind]
    since = str(listed[0]["position"])
    before = str(int(since) - 1)
    [difference] = (await shop.get("/diff", **{"from": before, "subject": subject})).items()
    assert difference["change"] == "created"
    plan = {"to": since, "subjects": [subject], "plan": True}
    (await shop.post("/revert", plan)).is_good()
