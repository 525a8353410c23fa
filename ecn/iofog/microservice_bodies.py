"""The bodies in which ioFog's clients say what a microservice should be."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ecn.iofog.fields import Name, Natural
from events.application import Protocol, PublicProtocol

PortNumber = Annotated[int, Meta(ge=0, le=65535)]


class Image(Struct, frozen=True, kw_only=True, rename="camel"):
    """What to run on one type of device."""

    container_image: str = ""
    fog_type_id: Annotated[int, Meta(ge=0, le=2)]


class PublicRouter(Struct, frozen=True, kw_only=True):
    """Where a public port opens."""

    host: str = ""
    """A node's uuid; empty or `default-router` for the usual one."""
    port: PortNumber = 0
    """0: any that is free."""


class Public(Struct, frozen=True, kw_only=True):
    """That a port is reached from elsewhere, and how."""

    schemes: list[str]
    protocol: PublicProtocol
    enabled: bool = True
    router: PublicRouter = PublicRouter()


class Port(Struct, frozen=True, kw_only=True):
    """A port of the device that leads into the container."""

    internal: PortNumber
    external: PortNumber
    protocol: Protocol = Protocol.TCP
    public: Public | None = None
    proxy: bool | None = None


class VolumeMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something of the device inside the container."""

    host_destination: str
    container_destination: str
    access_mode: str
    type: Literal["volume", "bind"] = "bind"


class Variable(Struct, frozen=True, kw_only=True):
    """Of the environment."""

    key: str
    value: str


class ExtraHost(Struct, frozen=True, kw_only=True):
    """A name, and the address or the template that it stands for."""

    name: str
    address: str


class UpdateMicroservice(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of a microservice is to be another. What is not said stays; lists are whole."""

    name: Name | UnsetType = UNSET
    config: str | UnsetType = UNSET
    catalog_item_id: int | UnsetType | None = UNSET
    """None: what it is made of stands in `images`."""
    images: Annotated[list[Image], Meta(max_length=2)] | UnsetType = UNSET
    registry_id: int | UnsetType = UNSET
    iofog_uuid: str | UnsetType = UNSET
    agent_name: str | UnsetType = UNSET
    """Where there is no uuid."""
    root_host_access: bool | UnsetType = UNSET
    log_size: Natural | UnsetType = UNSET
    """MB."""
    volume_mappings: list[VolumeMapping] | UnsetType = UNSET
    ports: list[Port] | UnsetType = UNSET
    extra_hosts: list[ExtraHost] | UnsetType = UNSET
    env: list[Variable] | UnsetType = UNSET
    cmd: list[str] | UnsetType = UNSET
    rebuild: bool | UnsetType = UNSET
    application: object = UNSET
    """Looked at only where one is made; as the next."""
    flow_id: object = UNSET


class CreateMicroservice(UpdateMicroservice, frozen=True, kw_only=True, rename="camel"):
    """A new one."""

    name: Name
    catalog_item_id: Annotated[int, Meta(ge=4)] | UnsetType | None = UNSET
