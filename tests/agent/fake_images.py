"""The images of an engine, in memory; it obeys, and refuses to remove what is in use."""

from collections.abc import Collection, Mapping

from agent.contract import Registry
from agent.errors import ImageNotFound
from agent.images.reference import full_reference
from agent.images.store import LocalImage, OnProgress


class FakeImages:
    """`registry`: image id by reference."""

    def __init__(self, *images: LocalImage, in_use: Collection[str] = ()) -> None:
        self.here = {image.image_id: set(image.references) for image in images}
        self.sizes = {image.image_id: image.size_bytes for image in images}
        self.parents = {image.image_id: image.parent_id for image in images}
        self.used = set(in_use)
        self.registry: dict[str, str] = {}
        self.removed: list[str] = []
        self.sizes_written: dict[str, int] = {}
        self.asked_sizes: list[set[str]] = []

    async def data_root(self) -> str:
        return "/var/lib/engine"

    async def images(self) -> list[LocalImage]:
        return [
            LocalImage(
                image_id=key,
                references=tuple(sorted(names)),
                parent_id=self.parents.get(key, ""),
                size_bytes=self.sizes.get(key, 0),
            )
            for key, names in self.here.items()
        ]

    async def in_use(self) -> frozenset[str]:
        return frozenset(self.used)

    async def image_id(self, image: str) -> str | None:
        wanted = full_reference(image)
        for key, names in self.here.items():
            if wanted in names or image == key:
                return key
        return None

    async def pull(
        self,
        image: str,
        registry: Registry | None,
        on_progress: OnProgress | None = None,
        stalls_after: float | None = None,
    ) -> None:
        reference = full_reference(image)
        if reference not in self.registry:
            raise ImageNotFound(f"the registry has no image {image}")
        await self._name(self.registry[reference], reference)

    async def tag(self, image: str, reference: str) -> None:
        key = await self.image_id(image)
        assert key is not None
        await self._name(key, reference)

    async def _name(self, key: str, reference: str) -> None:
        for names in self.here.values():
            names.discard(reference)
        self.here.setdefault(key, set()).add(reference)

    async def remove(self, reference: str) -> bool:
        key = await self.image_id(reference)
        if key is None:
            return True
        last = not self.here[key] - {reference}
        if last and (key in self.used or key in self.parents.values()):
            return False
        self.here[key].discard(reference)
        if last:
            del self.here[key]
            self.parents.pop(key, None)
            self.removed.append(key)
        return True

    async def written(self, container_ids: Collection[str]) -> Mapping[str, int]:
        self.asked_sizes.append(set(container_ids))
        return {key: self.sizes_written.get(key, 0) for key in container_ids}
