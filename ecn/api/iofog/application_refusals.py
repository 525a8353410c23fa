"""What is refused about applications, microservices and routes, in ioFog's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from ecn.errors import (
    HostUnknown,
    NoImage,
    NoPublicPort,
    NotFound,
    PortTaken,
    RouteExists,
    RouterMissing,
    UpstreamNotInterior,
)
from ecn.iofog import refusals


@contextmanager
def in_iofogs_words() -> Iterator[None]:
    """Around what is decided about them."""
    try:
        yield
    except NoImage as e:
        message = f"Microservice {e.microservice} does not have a valid image for its Agent type"
        raise refusals.invalid(message) from e
    except PortTaken as e:
        raise refusals.invalid(f"Port '{e.port}' is not available") from e
    except NoPublicPort as e:
        raise refusals.invalid(f"No public port available in range for {e.host}") from e
    except HostUnknown as e:
        template = e.template.removeprefix("${").removesuffix("}")
        raise refusals.invalid(f"Could not find {template} host template") from e
    except (RouterMissing, UpstreamNotInterior) as e:
        raise refusals.invalid(f"Invalid router host {e.ref}") from e
    except RouteExists as e:
        raise refusals.duplicate("route already exists", status=400) from e
    except NotFound as e:
        raise _of_the_body(e) from e


def _of_the_body(error: NotFound) -> Exception:
    """What a body names and is not there; what the path names is left to all others."""
    if error.field and error.kind == "node":
        return refusals.invalid(f"Invalid ioFog UUID '{error.ref}'")
    for end in ("source", "destination"):
        if error.kind == "microservice" and error.field.endswith(f".{end}"):
            name = error.ref.rpartition("/")[2]
            return refusals.not_found(f"Invalid {end} microservice name '{name}'")
    return error
