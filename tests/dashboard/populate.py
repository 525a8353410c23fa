"""Fills a network with all that a dashboard may have to show, and with a history worth a film.

Told by real commands over HTTP: people deploy and change, devices report. The same each time: what
looks like chance is counted.
"""

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct, field

from tests.dashboard.scene import Refusal, Scene, Snapshot

HISTORY = timedelta(hours=36)
"""How long ago it begins, where the clock lets it."""
NAMES = ("anna", "bert")
SITES = (
    ("berlin", 52.52, 13.40, "eu-north"),
    ("hamburg", 53.55, 9.99, "eu-north"),
    ("lyon", 45.76, 4.84, "eu-south"),
    ("milan", 45.46, 9.19, "eu-south"),
    ("boston", 42.36, -71.06, "us-east"),
    ("osaka", 34.69, 135.50, "ap-east"),
)
PARTS = ("camera", "detector", "recorder", "collector", "display")
"""What each node runs."""
NODES_PER_APPLICATION = 3
RATES_OVER = 10.0
"""Seconds between what devices say last and what they said before."""

# What stands in the one application that has everything: name, then its container's word.
STATES: dict[str, dict[str, object]] = {
    "web": {"state": "running", "health": "healthy"},
    "cart": {"state": "starting"},
    "cache": {"state": "pulling", "reason": "pulling shop/cache:7"},
    "payments": {
        "state": "backing-off",
        "exit_code": 1,
        "restarts": 7,
        "reason": "exited with code 1; the next start is in 40 s",
    },
    "search": {
        "state": "failed",
        "reason": "the image shop/search:9 is not in the registry hub.example",
    },
    "import": {"state": "exited", "exit_code": 0, "reason": "ended by itself"},
    "legacy": {"state": "stopped", "reason": "stopped as asked"},
    "audit": {"state": "waiting", "reason": "waits for cache to be healthy"},
    "stock": {
        "state": "running",
        "health": "unhealthy",
        "reason": "GET /health answered 503 three times",
    },
    "sync": {"state": "unknown", "reason": "the engine does not answer"},
    "reports": {},
}


class Device(Struct):
    """A node, and who speaks for it."""

    name: str
    node_id: str
    credential: str
    site: str
    sequence: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    """Messages by route so far."""


class Populated(Struct):
    """What there is."""

    devices: list[Device]
    tokens: dict[str, str]
    """By user."""
    applications: list[str]


async def populate(scene: Scene, nodes: int = 12) -> Populated:
    """Everything. nodes: at least 6."""
    found = scene.found = Populated(devices=[], tokens={}, applications=[])
    scene_steps = max(1.0, HISTORY.total_seconds() / 40)
    await _people(scene, found)
    await _offers(scene, found)
    scene.pass_time(scene_steps)
    await _nodes(scene, found, nodes)
    scene.pass_time(scene_steps * 2)
    await _applications(scene, found, scene_steps)
    await _shop(scene, found)
    scene.pass_time(scene_steps)
    await reported(scene, found.devices, large=nodes > 100)
    await _life(scene, found, scene_steps)
    if scene.behind > RATES_OVER:
        scene.pass_time(scene.behind - RATES_OVER)
    await _now(scene, found)
    return found


async def _people(scene: Scene, found: Populated) -> None:
    for name in NAMES:
        password = f"password-of-{name}"
        wanted = {"name": name, "password": password, "role": "operator"}
        await scene.ask("POST", "/users", wanted)
        login = await scene.ask("POST", "/login", {"name": name, "password": password})
        found.tokens[name] = str(login["token"])
    if scene.controller is None:
        for name, role in (("otto", "operator"), ("vera", "viewer")):
            wanted = {"name": name, "password": f"password-of-{name}", "role": role}
            await scene.ask("POST", "/users", wanted)


async def _offers(scene: Scene, found: Populated) -> None:
    anna = found.tokens["anna"]

    async def put(path: str, body: object) -> None:
        await scene.ask("PUT", path, body, token=anna)

    hub = {"url": "hub.example:5000", "username": "anna", "password": "not-shown-anywhere"}
    await put("/registries/hub", hub)
    await put("/registries/mirror", {"url": "mirror.example", "public": True})
    images = {"x86": "hub.example:5000/till:2", "arm": "hub.example:5000/till:2-arm"}
    till = {"images": images, "registry": "hub", "description": "A shop's till"}
    await put("/catalog-items/till", {**till, "category": "SHOP", "publisher": "Shop & Sons"})
    site = {
        "description": "What every site has",
        "variables": [
            {"key": "node", "description": "Where it runs"},
            {"key": "rate", "description": "Readings in a second", "default": 5},
        ],
        "application": {"microservices": [{"name": "reader", "config": {"rate": "{{ rate }}"}}]},
    }
    await put("/templates/site", site)
    await put("/network/settings/default-proxy-host", {"value": "proxy.example"})
    await put("/network/router", {"host": "router.example"})
    await scene.interior_router("amqps://mq.example:5671/ecn")
    camera = {
        "description": "Cameras at the doors",
        "endpoints": [{"name": "shot", "method": "GET", "url": "/shot"}],
        "tags": ["cam"],
        "custom": {"fps": 30},
    }
    await put("/edge-resources/camera@1.10.0", camera)


async def _nodes(scene: Scene, found: Populated, count: int) -> None:
    sites = max(4, min(len(SITES), count // 3))
    several = [_node(scene, number, sites) for number in range(count)]
    found.devices += await asyncio.gather(*several)
    for name in ("attic", "cellar"):
        settings = {"description": "Bought, not yet set up", "labels": {"zone": "eu-north"}}
        await scene.ask("POST", "/nodes", {"name": f"spare-{name}", "settings": settings})
    for device in found.devices[:2]:
        linked = {"node": device.name}
        await scene.ask("POST", "/edge-resources/camera@1.10.0/link", linked)
    content = base64.b64encode(b"open: 9-17\n").decode()
    volume = {
        "destination": "/etc/shop",
        "permissions": "644",
        "nodes": [device.name for device in found.devices[:3]],
        "files": [{"path": "conf/hours.yaml", "content": content}],
    }
    await scene.ask("PUT", "/volumes/hours", volume, token=found.tokens["bert"])


async def _node(scene: Scene, number: int, sites: int) -> Device:
    site, latitude, longitude, zone = SITES[number % sites]
    name = f"{site}-{number // sites + 1}"
    arm = number % 3 == 1
    settings = {
        "description": f"In {site.capitalize()}",
        "labels": {"zone": zone, "site": site, "rack": str(number // sites % 7)},
        "tags": ["arm"] if arm else ["x86"],
        "location": site.capitalize(),
        "latitude": latitude,
        "longitude": longitude,
        "host": f"10.{number // 250}.{number % 250}.5",
    }
    made = await scene.ask("POST", "/nodes", {"name": name, "settings": settings})
    node_id = str(made["subject"]).removeprefix("node/")
    issued = await scene.ask("POST", f"/nodes/{node_id}/provisioning-key")
    credential = f"credential-of-{name}-".ljust(48, "x")
    facts = {
        "agent_version": "0.1.0" if number % 5 else "0.0.9",
        "architecture": "aarch64" if arm else "x86_64",
        "operating_system": "Debian GNU/Linux 12",
        "kernel": "6.1.0-21",
        "host_name": name,
        "cpus": 4 if arm else 8,
        "memory_mib": 3792 if arm else 16003,
        "disk_mib": 29_500 if arm else 245_000,
        "engine_version": "27.3.1",
    }
    body = {"key": issued["key"], "credential": credential, "facts": facts}
    await scene.ask("POST", "/agent/provision", body)
    return Device(name=name, node_id=node_id, credential=credential, site=site)


async def _applications(scene: Scene, found: Populated, step: float) -> None:
    """One for each few nodes: what looks, what decides, what shows; with routes between."""
    devices = found.devices
    groups = [
        devices[start : start + NODES_PER_APPLICATION]
        for start in range(0, len(devices), NODES_PER_APPLICATION)
    ]
    for number, group in enumerate(groups):
        name = f"vision-{number + 1}"
        manifest = _vision(group, number)
        token = found.tokens[NAMES[number % 2]]
        await scene.ask("PUT", f"/applications/{name}", manifest, token=token)
        found.applications.append(name)
        if number < 8:
            scene.pass_time(step / 4)


def _vision(group: Sequence[Device], number: int) -> dict[str, object]:
    microservices, routes = [], []
    for place, device in enumerate(group, 1):
        for part in PARTS:
            wanted: dict[str, object] = {
                "name": f"{part}-{place}",
                "node": device.name,
                "image": f"vision/{part}:{number % 3 + 1}.{place}",
                "labels": {"part": part},
                "env": {"SITE": device.site, "RATE": str(place)},
                "memory_limit_mib": 256,
            }
            if part == "display":
                wanted["ports"] = [{"host": 8080, "container": 80}]
                wanted["health_check"] = {"http": {"port": 80, "path": "/health"}}
            if part == "recorder":
                wanted["depends_on"] = [f"detector-{place}"]
            microservices.append(wanted)
        routes += [
            {"name": f"seen-{place}", "source": f"camera-{place}",
             "destination": f"detector-{place}", "output": "frames"},
            {"name": f"alarm-{place}", "source": f"detector-{place}", "priority": 0,
             "destination": f"recorder-{place}", "condition": "as_number(confidence) > 0.8"},
            {"name": f"facts-{place}", "source": f"collector-{place}",
             "destination": "$upstream", "ttl": "2h"},
        ]  # fmt: skip
    if len(group) > 1:
        routes.append({"name": "across", "source": "detector-1", "destination": "display-2"})
    return {
        "description": "Looks at doors, and tells who came",
        "labels": {"team": ("doors", "floors")[number % 2]},
        "microservices": microservices,
        "routes": routes,
    }


async def _shop(scene: Scene, found: Populated) -> None:
    """An application that has a container in every state."""
    first, second, third = found.devices[:3]
    where = [first.name, second.name, third.name]
    microservices: list[dict[str, object]] = [
        {"name": name, "node": where[place % 3], "image": f"shop/{name}:{place + 1}"}
        for place, name in enumerate(STATES)
    ]
    by_name = {str(each["name"]): each for each in microservices}
    public = {"schemes": ["https"], "protocol": "http", "port": 6000, "allow": ["10.0.0.0/8"]}
    by_name["web"].update(
        ports=[{"host": 8443, "container": 443, "public": public}],
        health_check={"http": {"port": 443, "path": "/health"}},
        config={"title": "Shop", "currency": "EUR", "features": {"search": True}},
        volumes=[{"source": "hours", "target": "/etc/shop", "kind": "files"}],
        registry="hub",
    )
    by_name["legacy"]["started"] = False
    by_name["audit"]["depends_on"] = [{"microservice": "cache", "condition": "healthy"}]
    routes = [
        {"name": "orders", "source": "web", "destination": "payments", "priority": 0,
         "condition": "as_number(total) > 0"},
        {"name": "stock-changes", "source": "stock", "destination": "search"},
        {"name": "log", "source": "*", "destination": "$upstream", "durable": False},
    ]  # fmt: skip
    body = {
        "description": "Sells what the tills sell, at night too",
        "labels": {"team": "shop"},
        "microservices": microservices,
        "routes": routes,
    }
    await scene.ask("PUT", "/applications/shop", body, token=found.tokens["anna"])
    found.applications.append("shop")
    twin = {"brightness": 70, "opening": {"from": "09:00", "to": "17:00"}}
    desired = "/microservices/shop/web/twin/desired"
    await scene.ask("PATCH", desired, twin, token=found.tokens["bert"])


async def reported(scene: Scene, devices: Sequence[Device], *, large: bool = False) -> None:
    """Every device tells how its containers are. large: just how they are in the end."""
    snapshot = await scene.snapshot()
    applications = {str(each["id"]): each["name"] for each in snapshot.applications}
    by_node: dict[str, list[dict[str, object]]] = {}
    for row in snapshot.microservices:
        shop = applications[str(row["application_id"])] == "shop"
        by_node.setdefault(str(row["node_id"]), []).append({**row, "shop": shop})
    await asyncio.gather(
        *(_report(scene, device, by_node.get(device.node_id, []), large) for device in devices)
    )


async def _report(
    scene: Scene, device: Device, rows: Sequence[dict[str, object]], large: bool
) -> None:
    said = []
    for place, row in enumerate(rows):
        last: dict[str, object] = {"state": "running"}
        if row["shop"]:
            last = STATES[str(row["name"])]
            if not last:
                continue
        elif str(row["name"]).startswith("display"):
            last = {"state": "running", "health": "healthy"}
        steps = [last]
        if last["state"] == "running" and not large:
            steps = [{"state": "pulling"}, {"state": "starting"}, last]
        for each in steps:
            device.sequence += 1
            status = {
                **each,
                "at": scene.now.isoformat(),
                "revision": row["revision"],
                "container_id": f"{place:02x}" * 32,
            }
            microservice = {"microservice_id": row["id"], "status": status}
            said.append({"sequence": device.sequence, **microservice})
    if said:
        await scene.ask("POST", "/agent/report", {"containers": said}, token=device.credential)


async def say(scene: Scene, device: Device, microservice: str, status: dict[str, object]) -> None:
    """One transition of one container, by path."""
    row = await scene.ask("GET", f"/microservices/{microservice}")
    device.sequence += 1
    whole = {**status, "at": scene.now.isoformat(), "revision": row["revision"]}
    one = {"sequence": device.sequence, "microservice_id": row["id"], "status": whole}
    await scene.ask("POST", "/agent/report", {"containers": [one]}, token=device.credential)


async def _life(scene: Scene, found: Populated, step: float) -> None:
    """A day and a half: changes, mistakes, failures, repairs."""
    anna, bert = found.tokens["anna"], found.tokens["bert"]
    first, second, third = found.devices[:3]

    async def act(method: str, path: str, body: object = None, token: str = anna) -> None:
        await scene.ask(method, path, body, token=token)
        scene.pass_time(step / 3)

    await act("PATCH", "/microservices/vision-1/camera-1", {"image": "vision/camera:2.0"})
    await say(scene, first, "vision-1/camera-1", {"state": "pulling"})
    scene.pass_time(40)
    failed = {"state": "backing-off", "exit_code": 127, "restarts": 3}
    reason = "exited with code 127: /app/camera: not found; the next start is in 10 s"
    await say(scene, first, "vision-1/camera-1", {**failed, "reason": reason})
    scene.pass_time(step / 6)
    await act("PATCH", "/microservices/vision-1/camera-1", {"image": "vision/camera:2.1"}, bert)
    await say(scene, first, "vision-1/camera-1", {"state": "running", "restarts": 3})
    await act("POST", "/microservices/vision-1/recorder-2/move", {"node": third.name}, bert)
    await say(scene, third, "vision-1/recorder-2", {"state": "running"})
    await act("POST", "/applications/vision-2/stop")
    await act("POST", "/applications/vision-2/start")
    await act("PATCH", f"/nodes/{second.name}", {"settings": {"labels": {"rack": "9"}}})
    await act("POST", f"/nodes/{second.name}/prune")
    lost = found.devices[4]
    await scene.silence(lost.node_id, lost.credential)
    scene.pass_time(step)
    await scene.ask("POST", "/agent/report", {}, token=lost.credential)
    extra = {"microservices": [{"name": "once", "node": first.name, "image": "tools/once:1"}]}
    await act("PUT", "/applications/trial", extra, bert)
    await act("DELETE", "/applications/trial", None, bert)
    await act("PATCH", "/microservices/shop/web/twin/desired", {"brightness": 40}, bert)
    await act("PUT", "/routes/shop/stock-changes", {"source": "stock", "destination": "cart"})


async def _now(scene: Scene, found: Populated) -> None:
    """How it is at last: some are away, one has a problem, and all say what they use."""
    third = found.devices[2]
    for device in found.devices[5::16]:
        await scene.silence(device.node_id, device.credential)
    facts: dict[str, object] = {
        "agent_version": "0.1.0", "architecture": "x86_64", "cpus": 8, "memory_mib": 16003,
        "disk_mib": 245_000, "operating_system": "Debian GNU/Linux 12", "engine_version": "27.3.1",
    }  # fmt: skip
    problem = "the engine answers, but refuses: permission denied at /var/run/docker.sock"
    said = {"facts": {**facts, "host_name": third.name, "engine_problem": problem}}
    await scene.ask("POST", "/agent/report", said, token=third.credential)
    leaving = {"goodbye": True}
    await scene.ask("POST", "/agent/report", leaving, token=found.devices[3].credential)
    # Twice: the second time tells how fast routes are.
    snapshot = await scene.snapshot()
    await used(scene, found.devices, snapshot, 0)
    scene.pass_time(RATES_OVER)
    await used(scene, found.devices, snapshot, 1)
    scene.pass_time(HISTORY.total_seconds())
    await scene.ask("POST", "/nodes", {"name": "new-kiosk"}, token=found.tokens["bert"])


async def used(scene: Scene, devices: Sequence[Device], snapshot: Snapshot, round_: int) -> None:
    """Every device that is there says what it uses, and how its routes are."""
    online = {row["id"] for row in snapshot.nodes if row["state"] == "online"}
    by_node: dict[str, list[dict[str, object]]] = {}
    for row in snapshot.microservices:
        by_node.setdefault(str(row["node_id"]), []).append(row)
    node_of = {row["id"]: str(row["node_id"]) for row in snapshot.microservices}
    nodes_of: dict[object, set[str]] = {}
    for row in snapshot.microservices:
        nodes_of.setdefault(row["application_id"], set()).add(str(row["node_id"]))
    by_source: dict[str, list[dict[str, object]]] = {}
    for route in snapshot.routes:
        # Without a source it is of any microservice of its application.
        source = route.get("source_id")
        for node in nodes_of[route["application_id"]] if source is None else {node_of[source]}:
            by_source.setdefault(node, []).append(route)
    await asyncio.gather(
        *(
            _used(
                scene,
                device,
                by_node.get(device.node_id, []),
                by_source.get(device.node_id, []),
                number + round_,
            )
            for number, device in enumerate(devices)
            if device.node_id in online
        )
    )


async def _used(
    scene: Scene,
    device: Device,
    rows: Sequence[dict[str, object]],
    routes: Sequence[dict[str, object]],
    number: int,
) -> None:
    pulling = [row["id"] for row in rows if row["state"] == "pulling"]
    usage = {
        "cpu_percent": 3 + number * 37 % 60 + number % 10 / 10,
        "memory_available_mib": 900 + number * 791 % 2400,
        "disk_free_mib": 4000 + number * 977 % 20000,
        "agent_cpu_percent": 0.2 + number % 5 / 10,
        "agent_memory_mib": 38 + number % 12,
        "pulls": {key: {"done_bytes": 31_000_000, "total_bytes": 72_000_000} for key in pulling},
    }
    statuses = []
    for place, route in enumerate(routes):
        key = str(route["id"])
        device.accepted[key] = device.accepted.get(key, 0) + (number * 7 + place * 13) % 90
        state, stored, reason = "up", 0, ""
        if route["name"] == "orders":
            state, stored, reason = "waiting", 418, "payments does not run"
        if route["name"] == "stock-changes":
            state, stored, reason = "refusing", 20_000, "the store of messages is full"
        accepted = device.accepted[key]
        statuses.append(
            {"route_id": key, "state": state, "reason": reason, "stored": stored,
             "stored_bytes": stored * 812, "accepted": accepted, "delivered": accepted - stored
             if accepted > stored else accepted, "dropped": 12 if state == "refusing" else 0}
        )  # fmt: skip
    try:
        report = {"usage": usage, "routes": statuses}
        await scene.ask("POST", "/agent/report", report, token=device.credential)
    except Refusal:
        return  # a visitor of the demo deleted the node
    running = {
        str(row["id"]): (
            (number * 3 + place * 11) % 40 / 2,
            24.0 + (number * 17 + place * 29) % 180,
        )
        for place, row in enumerate(rows)
        if row["state"] == "running"
    }
    scene.containers_use(device.node_id, running)
