"""The typed calls about what microservices use, and about the network as a whole.

Part of `client.py`, which has those about nodes, applications and history.
"""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemDocument, CatalogItemManifest, CatalogItems
from ecn.api.edge_resource_documents import (
    EdgeResourceDocument,
    EdgeResourceManifest,
    EdgeResources,
    LinkedNode,
)
from ecn.api.iofog_documents import IofogDocument
from ecn.api.network_documents import NetworkDocument, RouterManifest, SettingManifest
from ecn.api.public_port_documents import PublicPorts
from ecn.api.route_documents import ApplyRoute, CreateRoute, Routes
from ecn.api.template_documents import TemplateDocument, TemplateManifest, Templates
from ecn.api.topology_documents import Routers
from ecn.api.twin_documents import TwinDocument
from ecn.api.volume_documents import VolumeDocument, VolumeManifest, Volumes
from ecn.cli.transport import Query, Transport

D = TypeVar("D")


class Applied(Struct, frozen=True):
    """What a PUT did."""

    changed: d.Changed
    created: bool

    @property
    def word(self) -> str:
        """For people: created, updated or unchanged."""
        if self.created:
            return "created"
        return "updated" if self.changed.events else "unchanged"


class Calls:
    """One controller, one user; and one moment, if it is not now."""

    def __init__(self, transport: Transport, at: str = "") -> None:
        self._t = transport
        self._at = at

    async def routers(self) -> Routers:
        """All, as they are now."""
        return await self._get(("routers",), Routers)

    async def public_ports(self) -> PublicPorts:
        """Where each is reached, and whether it is open."""
        return await self._get(("public-ports",), PublicPorts)

    # --- registries and the catalog

    async def registries(self) -> d.Registries:
        """All."""
        return await self._get(("registries",), d.Registries)

    async def registry(self, name: str) -> d.RegistryDocument:
        """One, without its password."""
        return await self._get(("registries", name), d.RegistryDocument)

    async def apply_registry(self, name: str, body: d.RegistryManifest) -> Applied:
        """Make it so."""
        return await self._applied(("registries", name), body)

    async def catalog_items(self) -> CatalogItems:
        """All."""
        return await self._get(("catalog-items",), CatalogItems)

    async def catalog_item(self, name: str) -> CatalogItemDocument:
        """One."""
        return await self._get(("catalog-items", name), CatalogItemDocument)

    async def apply_catalog_item(self, name: str, body: CatalogItemManifest) -> Applied:
        """Make it so."""
        return await self._applied(("catalog-items", name), body)

    async def templates(self) -> Templates:
        """All."""
        return await self._get(("templates",), Templates)

    async def template(self, name: str) -> TemplateDocument:
        """One."""
        return await self._get(("templates", name), TemplateDocument)

    async def apply_template(self, name: str, body: TemplateManifest) -> Applied:
        """Make it so."""
        return await self._applied(("templates", name), body)

    # --- what sites have

    async def edge_resources(self) -> EdgeResources:
        """All."""
        return await self._get(("edge-resources",), EdgeResources)

    async def edge_resource(self, name: str) -> EdgeResourceDocument:
        """One, by `<name>@<version>` or id."""
        return await self._get(("edge-resources", name), EdgeResourceDocument)

    async def apply_edge_resource(self, name: str, body: EdgeResourceManifest) -> Applied:
        """Make it so."""
        return await self._applied(("edge-resources", name), body)

    async def link(self, edge_resource: str, body: LinkedNode) -> d.Changed:
        """Let microservices of the node use it."""
        path = ("edge-resources", edge_resource, "link")
        return await self._t.change("POST", path, d.Changed, body=body)

    async def unlink(self, edge_resource: str, body: LinkedNode) -> d.Changed:
        """Let them use it no more."""
        path = ("edge-resources", edge_resource, "unlink")
        return await self._t.change("POST", path, d.Changed, body=body)

    async def volumes(self) -> Volumes:
        """All, without their files' contents."""
        return await self._get(("volumes",), Volumes)

    async def volume(self, name: str) -> VolumeDocument:
        """One."""
        return await self._get(("volumes", name), VolumeDocument)

    async def apply_volume(self, name: str, body: VolumeManifest) -> Applied:
        """Make it so."""
        return await self._applied(("volumes", name), body)

    # --- routes

    async def routes(self, query: Query | None = None) -> Routes:
        """All, or those of an `application`."""
        return await self._get(("routes",), Routes, query)

    async def route(self, name: str) -> d.RouteDocument:
        """One, by `<application>/<name>` or id."""
        return await self._get(("routes", *name.split("/")), d.RouteDocument)

    async def create_route(self, application: str, body: CreateRoute) -> d.Changed:
        """Add one."""
        path = ("applications", application, "routes")
        return await self._t.change("POST", path, d.Changed, body=body)

    async def change_route(self, name: str, patch: dict[str, object]) -> d.Changed:
        """Change what is said of one; the rest stays."""
        path = ("routes", *name.split("/"))
        return await self._t.change("PATCH", path, d.Changed, body=patch)

    async def apply_route(self, name: str, body: ApplyRoute) -> Applied:
        """Make it so."""
        return await self._applied(("routes", *name.split("/")), body)

    # --- twins

    async def twin(self, microservice: str) -> TwinDocument:
        """By `<application>/<name>` or id of the microservice."""
        path = ("microservices", *microservice.split("/"), "twin")
        return await self._get(path, TwinDocument)

    async def patch_twin(
        self, microservice: str, patch: Mapping[str, object], *, seen: int | None
    ) -> d.Changed:
        """Change a part of its desired properties. seen: only if they are at that version."""
        return await self._change_twin("PATCH", microservice, patch, seen)

    async def replace_twin(
        self, microservice: str, desired: Mapping[str, object], *, seen: int | None
    ) -> d.Changed:
        """Let exactly these be its desired properties."""
        return await self._change_twin("PUT", microservice, desired, seen)

    async def _change_twin(
        self, method: str, microservice: str, body: Mapping[str, object], seen: int | None
    ) -> d.Changed:
        path = ("microservices", *microservice.split("/"), "twin", "desired")
        tag = "" if seen is None else f'"{seen}"'
        return await self._t.change(method, path, d.Changed, body=body, if_match=tag)

    # --- the network as a whole

    async def network(self) -> NetworkDocument:
        """Its default router, and its settings."""
        return await self._get(("network",), NetworkDocument)

    async def set_router(self, body: RouterManifest) -> d.Changed:
        """Let nodes without another upstream lead there."""
        return await self._t.change("PUT", ("network", "router"), d.Changed, body=body)

    async def set_setting(self, key: str, body: SettingManifest) -> d.Changed:
        """Let the setting have that value."""
        return await self._t.change("PUT", ("network", "settings", key), d.Changed, body=body)

    # --- what does not fit elsewhere

    async def instruct(
        self, node: str, instruction: str, body: d.UpgradeNode | None = None
    ) -> d.Changed:
        """reboot, prune, upgrade (to what the body says) or rollback."""
        return await self._t.change("POST", ("nodes", node, instruction), d.Changed, body=body)

    async def rename(self, collection: str, name: str, body: d.Rename) -> d.Changed:
        """An application, or a microservice."""
        path = (collection, *name.split("/"), "rename")
        return await self._t.change("POST", path, d.Changed, body=body)

    async def rebuild(self, microservice: str) -> d.Changed:
        """Let its container be made anew."""
        path = ("microservices", *microservice.split("/"), "rebuild")
        return await self._t.change("POST", path, d.Changed)

    async def apply_document(self, body: IofogDocument) -> Applied:
        """Make it so, what ioFog's YAML says."""
        changed = await self._t.change("POST", ("iofog-documents",), d.Changed, body=body)
        kind = {"ApplicationTemplate": "template"}.get(body.kind, body.kind.lower())
        return Applied(changed, f"{kind}.created.v1" in changed.events)

    # --- ways

    async def _get(self, path: tuple[str, ...], kind: type[D], query: Query | None = None) -> D:
        """Read something that has a past."""
        if self._at:
            query = {**(query or {}), "at": self._at}
        return await self._t.get(path, kind, query)

    async def _applied(self, path: tuple[str, ...], body: Struct) -> Applied:
        reply = await self._t.request("PUT", path, body=body)
        return Applied(self._t.decoded(reply, d.Changed), reply.status == 201)
