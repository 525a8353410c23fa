"""What the OpenAPI document of ioFog's API has in common over all endpoints."""

from ecn.api.iofog.errors import Told
from ecn.api.openapi import JSON, Api

BASE = "/api/v3"

IOFOG = Api(
    base=BASE,
    title="ioFog v3 at ECN",
    description="The API of ioFog's Controller 3.0.4, for its clients and agents as they are. "
    "What is done here and by ECN's own API is one network.",
    how="Send <code>Authorization: &lt;token&gt;</code>, with <code>Bearer</code> or without. "
    "Errors are <code>{name, message}</code>.",
    refusal=Told,
    refusal_media=JSON,
    not_allowed=frozenset({401, 403}),
    named_by_path=True,
    lenient=True,
)
