"""How far a pull is, from what the engine says about each layer.

Pure. Fed by `docker_images.py` with each message of the engine's stream. The engine names a layer's
size only when its download begins, and downloads three at a time: until the last one has begun the
total grows, and the percentage may fall. A pull through the agent's gateway knows all sizes from
the manifest instead.
"""

from agent.contract import PullProgress

_HERE = frozenset({"Download complete", "Verifying Checksum", "Extracting", "Pull complete"})


class LayersProgress:
    """Adds up the layers of one pull."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def heard(self, layer: str, status: str, current: int, total: int) -> bool:
        """Whether that changed anything. current, total: compressed bytes of this layer."""
        before = self._layers.get(layer)
        if status == "Downloading" and total > 0:
            self._layers[layer] = (min(current, total), total)
        elif status in _HERE and before is not None:
            # What "Extracting" counts are bytes unpacked: they say nothing about the network.
            self._layers[layer] = (before[1], before[1])
        return self._layers.get(layer) != before

    def progress(self) -> PullProgress:
        """Of all layers whose size is known."""
        return PullProgress(
            done_bytes=sum(done for done, _ in self._layers.values()),
            total_bytes=sum(total for _, total in self._layers.values()),
        )
