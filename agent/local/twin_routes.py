"""What a microservice can ask of its twin, over its own socket. A table for `socket.py`.

| request | body | answer |
|---|---|---|
| `GET /v1/twin` | | `WholeTwin`, held |
| `GET /v1/twin/desired` | | the desired properties, held |
| `PATCH /v1/twin/desired` | merge patch | `DesiredChanged` |
| `GET /v1/twin/reported` | | the reported properties |
| `PATCH /v1/twin/reported` | merge patch | `ReportedChanged` |

Held: with `If-None-Match: "<etag>"` and `Prefer: wait=<seconds>` the answer comes when there is
another, or 304 when the time is over. The etag of desired properties is the controller's version of
them, with more behind a `+` while changes that were made here wait for the controller.
"""

import msgspec
from msgspec import Raw, Struct

from agent.local.merge_patch import encoded
from agent.local.requests import Answer, Asked, Local, Routes
from agent.local.twins import Twins


class WholeTwin(Struct, frozen=True, kw_only=True):
    """Both sections."""

    desired: Raw
    desired_version: int
    """The controller's."""
    edits: int
    """Changes of desired properties that were made on this device and are not decided yet."""
    reported: Raw
    reported_version: int


class DesiredChanged(Struct, frozen=True, kw_only=True):
    """Desired properties are as asked, on this device."""

    changed: bool
    version: int
    """The controller's, which it was made from."""
    edits: int
    """As in WholeTwin."""


class ReportedChanged(Struct, frozen=True, kw_only=True):
    """Reported properties are as asked."""

    changed: bool
    version: int


def twin_routes(twins: Twins) -> Routes:
    """The routes, for these twins."""

    def whole(local: Local) -> Answer:
        key = local.microservice_id
        desired, (reported, version) = twins.desired(key), twins.reported(key)
        return Answer(
            body=msgspec.json.encode(
                WholeTwin(
                    desired=encoded(desired.properties),
                    desired_version=desired.version,
                    edits=desired.edits,
                    reported=encoded(reported),
                    reported_version=version,
                )
            ),
            etag=f"{desired.etag}.{version}",
        )

    def wished(local: Local) -> Answer:
        desired = twins.desired(local.microservice_id)
        return Answer(body=bytes(encoded(desired.properties)), etag=desired.etag)

    def said(local: Local) -> Answer:
        reported, version = twins.reported(local.microservice_id)
        return Answer(body=bytes(encoded(reported)), etag=str(version))

    async def show_twin(local: Local, asked: Asked) -> Answer:
        return await local.current(asked, lambda: whole(local))

    async def show_desired(local: Local, asked: Asked) -> Answer:
        return await local.current(asked, lambda: wished(local))

    async def show_reported(local: Local, asked: Asked) -> Answer:
        return await local.current(asked, lambda: said(local))

    async def patch_desired(local: Local, asked: Asked) -> Answer:
        key = local.microservice_id
        changed = twins.patch_desired(key, asked.body)
        after = twins.desired(key)
        answer = DesiredChanged(changed=changed, version=after.version, edits=after.edits)
        return Answer(body=msgspec.json.encode(answer), etag=after.etag)

    async def patch_reported(local: Local, asked: Asked) -> Answer:
        key = local.microservice_id
        changed = twins.patch_reported(key, asked.body)
        answer = ReportedChanged(changed=changed, version=twins.reported(key)[1])
        return Answer(body=msgspec.json.encode(answer), etag=str(answer.version))

    return {
        ("GET", "/v1/twin"): show_twin,
        ("GET", "/v1/twin/desired"): show_desired,
        ("PATCH", "/v1/twin/desired"): patch_desired,
        ("GET", "/v1/twin/reported"): show_reported,
        ("PATCH", "/v1/twin/reported"): patch_reported,
    }
