"""The order in which wishes are carried out: what others refer to comes first. Pure."""

from collections.abc import Sequence

from ecn.manifests.wishes import ORDER, Manifest, NodeChange, NodeManifest, reference


class Circle(Exception):
    """Nodes whose routers lead to each other, so that none can come first."""

    def __init__(self, manifest: Manifest, names: Sequence[str]) -> None:
        super().__init__(f"routers lead in a circle: {' -> '.join(names)}")
        self.manifest = manifest


def ordered(manifests: Sequence[Manifest]) -> list[Manifest]:
    """By kind; nodes behind those that their routers lead to. Errors: Circle."""
    nodes = {m.name: m for m in manifests if isinstance(m, NodeManifest | NodeChange)}
    done: dict[str, NodeManifest | NodeChange] = {}
    for name in nodes:
        _place(name, nodes, done, ())
    others = [m for m in manifests if not isinstance(m, NodeManifest | NodeChange)]
    others.sort(key=lambda m: ORDER.index(reference(m).kind))
    return [*done.values(), *others]


def _place(
    name: str,
    nodes: dict[str, NodeManifest | NodeChange],
    done: dict[str, NodeManifest | NodeChange],
    above: tuple[str, ...],
) -> None:
    if name in done or name not in nodes:
        return
    if name in above:
        raise Circle(nodes[name], (*above[above.index(name) :], name))
    for each in _routers(nodes[name]):
        _place(each, nodes, done, (*above, name))
    done[name] = nodes[name]


def _routers(manifest: NodeManifest | NodeChange) -> list[str]:
    """Those that the node's router leads to, or that it uses."""
    if isinstance(manifest, NodeManifest):
        router = manifest.settings.router
        return [] if router is None else [*router.upstreams, router.network_router]
    said = manifest.settings.get("router")
    if not isinstance(said, dict):
        return []
    upstreams = said.get("upstreams", [])
    return [str(each) for each in [*upstreams, said.get("network_router", "")]]
