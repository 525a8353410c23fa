"""Image references: which registry an image comes from, and whether credentials belong there.

Pure. Called by `docker/engine.py` before a pull. Docker's own rules: the part before the first
slash is a host if it has a dot or a colon or is `localhost`; anything else lives on Docker Hub.
"""

import re

from agent.contract import Registry

DOCKER_HUB = "docker.io"
GATEWAY_MARK = "ecn-"
"""How the path begins that stands for a pull through the agent's gateway."""
_GATEWAY = re.compile(rf"127\.0\.0\.1:[0-9]+/{GATEWAY_MARK}[0-9a-f]{{32}}/")
# Names under which Docker Hub is known in settings that people bring along.
_HUB_NAMES = frozenset(
    {
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "registry.hub.docker.com",
        "hub.docker.com",
    }
)


def full_reference(image: str) -> str:
    """With host, path and tag spelt out: what the engine makes of it anyway.

    >>> full_reference("busybox"), full_reference("127.0.0.1:5000/a/b@sha256:12")
    ('docker.io/library/busybox:latest', '127.0.0.1:5000/a/b@sha256:12')
    """
    first, slash, rest = image.partition("/")
    if not slash:
        image = f"{DOCKER_HUB}/library/{image}"
    elif not _is_host(first):
        image = f"{DOCKER_HUB}/{image}"
    elif first in _HUB_NAMES and "/" not in rest:
        image = f"{DOCKER_HUB}/library/{rest}"
    last = image.rsplit("/", 1)[-1]
    return image if ":" in last or "@" in last else f"{image}:latest"


def image_host(image: str) -> str:
    """The registry that an image comes from."""
    return full_reference(image).partition("/")[0]


def registry_host(url: str) -> str:
    """Host and port of a registry's address, which may be a URL with scheme and path."""
    host = url.strip().partition("://")[2] or url.strip()
    host = host.partition("/")[0].rpartition("@")[2].lower()
    return DOCKER_HUB if host in _HUB_NAMES else host


def credentials_for(image: str, registry: Registry | None) -> Registry | None:
    """The registry if it has credentials and the image comes from there.

    Sent anywhere else they would be given away: an image of Docker Hub must not carry the
    password of a private registry.
    """
    if registry is None or not registry.username:
        return None
    host = image_host(image)
    host = DOCKER_HUB if host in _HUB_NAMES else host.lower()
    return registry if registry_host(registry.url) == host else None


def _is_host(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost"


def of_gateway(reference: str) -> bool:
    """Whether it is a name that only a pull of an agent's through the loopback gives."""
    return _GATEWAY.match(reference) is not None


def repository_of(reference: str) -> str:
    """Host and path, spelt out, without tag and digest.

    >>> repository_of("busybox"), repository_of("r.example:5000/a:1@sha256:ab")
    ('docker.io/library/busybox', 'r.example:5000/a')
    """
    name = full_reference(reference).partition("@")[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}"


def by_digest(reference: str) -> bool:
    """Whether it names content, which no registry can change."""
    return "@" in reference


def engine_name(image: str) -> str:
    """As the engine lists it: spelt out, and without the tag where there is a digest.

    >>> engine_name("r.example/a:1@sha256:ab"), engine_name("busybox")
    ('r.example/a@sha256:ab', 'docker.io/library/busybox:latest')
    """
    reference = full_reference(image)
    _, at, digest = reference.partition("@")
    return f"{repository_of(reference)}@{digest}" if at else reference
