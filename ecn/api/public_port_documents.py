"""Documents of public ports: where each is reached, and whether an interior proxy has it open."""

from msgspec import field

from ecn.api.documents import Answer, Page


class PublicPortDocument(Answer, frozen=True, kw_only=True):
    """A port at the centre that leads to a microservice."""

    microservice: str
    """`<application>/<name>`."""
    port: int
    protocol: str
    """http or tcp."""
    container: int
    """The port of the container."""
    node: str
    """That the microservice belongs on."""
    router: str
    """On whose host it opens: a node's name, or default-router."""
    links: list[str] = field(default_factory=list)
    """One for each scheme."""
    allow: list[str] = field(default_factory=list)
    """Networks from which connections are taken; none: from everywhere."""
    longest_idle: int = 0
    """Seconds, as the next; 0: no limit."""
    longest: int = 0
    state: str
    """open; closed: an interior proxy should have it open and has not; disabled; unknown: this
    controller has heard of no interior proxy that opens it."""
    reason: str = ""


class PublicPorts(Page, frozen=True, kw_only=True):
    """By number."""

    items: list[PublicPortDocument]
