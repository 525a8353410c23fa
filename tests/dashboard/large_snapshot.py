"""A snapshot of a large network, made up: for drawings that are to be timed."""

import msgspec

POSITION = 10_000_000
"""Later than anything that a stream could tell."""
THEN = "2026-11-20T08:00:00Z"
STATES = ("running",) * 57 + ("backing-off", "pulling", "waiting")
FLOWS = ("up",) * 8 + ("waiting", "refusing")
ZONES = 24


def large_snapshot(*, nodes: int = 1000, per_node: int = 5, routes: int = 2000) -> bytes:
    """JSON as `GET /api/v1/dashboard/snapshot` answers it, with the flow of each route."""
    times = {"created_at": THEN, "updated_at": THEN}
    applications = max(1, nodes // 10)
    microservices = [
        {
            "id": f"m{number}",
            "name": f"part-{number % (10 * per_node)}",
            "application_id": f"a{number // per_node % applications}",
            "node_id": f"n{number // per_node}",
            "image": "edge/part:1",
            "state": STATES[number * 7919 // 13 % len(STATES)],
            "at": THEN,
            "revision": 1,
            **times,
        }
        for number in range(nodes * per_node)
    ]
    return msgspec.json.encode(
        {
            "position": POSITION,
            "time": THEN,
            "put": {
                "nodes": [
                    {
                        "id": f"n{number}",
                        "name": f"edge-{number:04}",
                        "state": "offline" if number * 31 // 7 % 29 == 0 else "online",
                        "since": THEN,
                        "labels": {"zone": f"zone-{number % ZONES}"},
                        **times,
                    }
                    for number in range(nodes)
                ],
                "applications": [
                    {"id": f"a{number}", "name": f"app-{number}", "state": "running", **times}
                    for number in range(applications)
                ],
                "microservices": microservices,
                "routes": [
                    {
                        "id": f"r{number}",
                        "name": f"route-{number}",
                        "application_id": f"a{number % applications}",
                        "source_id": f"m{number * 5 % len(microservices)}",
                        **(
                            {}
                            if number % 9 == 0
                            else {"destination_id": f"m{number * 13 % len(microservices)}"}
                        ),
                        **times,
                    }
                    for number in range(routes)
                ],
            },
            "telemetry": {
                "routes": {
                    f"r{number}": {
                        "state": FLOWS[number % len(FLOWS)],
                        "rate_out": number % 40,
                        "stored": 0 if number % 10 < 8 else number,
                    }
                    for number in range(routes)
                },
                "interior_router": {"state": "up"},
            },
        }
    )
