"""What is refused about nodes and their routers, in ioFog's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from ecn.api.iofog.endpoint import world
from ecn.errors import (
    NameTaken,
    NotFound,
    RouterHasDownstreams,
    RouterMissing,
    SystemNodeExists,
    UpstreamNotInterior,
)
from ecn.iofog import refusals
from events.ids import NodeId


def node_of(request: web.Request) -> NodeId:
    """The node that the path names, by its id. Errors: NotFound."""
    uuid = request.match_info["uuid"]
    if uuid not in world(request).nodes:
        raise NotFound("node", uuid)
    return NodeId(uuid)


@contextmanager
def in_iofogs_words() -> Iterator[None]:
    """Around what is decided about a node."""
    try:
        yield
    except RouterMissing as e:
        raise refusals.not_found(f"Invalid router '{e.ref}'") from e
    except UpstreamNotInterior as e:
        raise refusals.invalid(f"Upstream router must be interior '{e.ref}'") from e
    except RouterHasDownstreams as e:
        message = f"Edge router {e.node} has, or will have, downstream routers"
        raise refusals.invalid(message) from e
    except SystemNodeExists as e:
        raise refusals.invalid("There already is a system fog") from e
    except NameTaken as e:
        message = f"Duplicate name '{e.name}'"
        raise refusals.duplicate(message, status=400) from e
