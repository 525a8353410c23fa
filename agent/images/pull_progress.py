"""How far a pull is, from what the engine says about each layer.

Pure. Fed by `docker/images.py` with each message of the engine's stream. The engine names a layer's
size only when its download begins, and downloads three at a time: until the last one has begun the
total grows, and the percentage may fall. A pull through the agent's gateway knows all sizes from
the manifest instead, and learns here only what the engine had already.
"""

from agent.contract import PullProgress

_CAME = frozenset({"Download complete", "Verifying Checksum", "Extracting", "Pull complete"})


class LayersProgress:
    """Adds up the layers of one pull. Layers have the first 12 hex digits of their digests."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self.here: set[str] = set()
        """Those that were on this device before."""

    def heard(self, layer: str, status: str, current: int, total: int) -> bool:
        """Whether that changed anything. current, total: compressed bytes of this layer."""
        if status == "Already exists" and layer not in self.here:
            self.here.add(layer)
            return True
        before = self._layers.get(layer)
        if status == "Downloading" and total > 0:
            self._layers[layer] = (min(current, total), total)
        elif status in _CAME and before is not None:
            # What "Extracting" counts are bytes unpacked: they say nothing about the network.
            self._layers[layer] = (before[1], before[1])
        return self._layers.get(layer) != before

    def progress(self) -> PullProgress:
        """Of all layers whose size is known."""
        return PullProgress(
            done_bytes=sum(done for done, _ in self._layers.values()),
            total_bytes=sum(total for _, total in self._layers.values()),
        )
