"""What the agent asks of the engine about images, and the values the two exchange.

`docker/images.py` speaks to Docker; `tests/agent/fake_images.py` obeys in memory. As with
`lifecycle/engine.py`, every call has a bound inside, and raises an `EngineError` and nothing else.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from msgspec import Struct

from agent.contract import Registry
from agent.images.pull_progress import LayersProgress

OnProgress = Callable[[LayersProgress], None]
"""Called whenever it changed."""


class LocalImage(Struct, frozen=True, kw_only=True):
    """An image that the engine has, whoever brought it."""

    image_id: str
    references: tuple[str, ...] = ()
    """All its tags and digests, as `reference.engine_name` spells them."""
    parent_id: str = ""
    """Of an image that was built on this device."""
    size_bytes: int = 0


class ImageStore(Protocol):
    """The images of one engine."""

    async def data_root(self) -> str:
        """The folder that the engine keeps images in; empty where it does not say."""
        ...

    async def images(self) -> list[LocalImage]:
        """All that there are, ours or not."""
        ...

    async def in_use(self) -> frozenset[str]:
        """Ids of images that any container was made from, ours or not, running or not."""
        ...

    async def image_id(self, image: str) -> str | None:
        """Of a tag, digest or id; None where it is not here."""
        ...

    async def pull(
        self,
        image: str,
        registry: Registry | None,
        on_progress: OnProgress | None = None,
        stalls_after: float | None = None,
    ) -> None:
        """Fetch it from its registry; the engine does all of it.

        stalls_after: seconds without any word of progress; None is the usual bound.
        """
        ...

    async def tag(self, image: str, reference: str) -> None:
        """Let the image be known by this name too. reference: with a tag, no digest."""
        ...

    async def remove(self, reference: str) -> bool:
        """Take away a name, and with its last one the image; never by force.

        Whether it is away now; False when the engine says that something needs it.
        """
        ...

    async def written(self, container_ids: Collection[str]) -> Mapping[str, int]:
        """Bytes that these containers wrote into their own file systems. Expensive: it counts."""
        ...
