"""The bodies in which ioFog's clients say what an application or a route should be."""

from msgspec import UNSET, Struct, UnsetType, field

from ecn.iofog.fields import Name
from ecn.iofog.microservice_bodies import CreateMicroservice


class RouteEnds(Struct, frozen=True, kw_only=True, rename="camel"):
    """From where to where: by names within an application, or by uuids."""

    from_: Name | UnsetType = field(default=UNSET, name="from")
    to: Name | UnsetType = UNSET
    source_microservice_uuid: str | UnsetType = UNSET
    dest_microservice_uuid: str | UnsetType = UNSET


class Member(RouteEnds, frozen=True, kw_only=True, rename="camel"):
    """A route where its application is said."""

    name: Name | None = None
    """None: `r-<from>-<to>`."""


class CreateRoute(RouteEnds, frozen=True, kw_only=True, rename="camel"):
    """A route by itself."""

    name: Name
    application: Name | UnsetType = UNSET


class UpdateRoute(RouteEnds, frozen=True, kw_only=True, rename="camel"):
    """What a route is to be."""

    name: Name | UnsetType = UNSET
    application: Name | UnsetType = UNSET


class PatchApplication(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of an application itself is to be another. What is not said stays."""

    name: Name | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    is_activated: bool | UnsetType = UNSET
    is_system: bool | UnsetType = UNSET


class UpdateApplication(PatchApplication, frozen=True, kw_only=True, rename="camel"):
    """An application with its parts. Lists are whole; what is not said stays."""

    microservices: list[CreateMicroservice] | UnsetType = UNSET
    routes: list[Member] | UnsetType = UNSET


class CreateApplication(UpdateApplication, frozen=True, kw_only=True, rename="camel"):
    """A new one."""

    name: Name


class Value(Struct, frozen=True, kw_only=True):
    """What fills a gap of a template."""

    key: str
    value: object = None


class Deployment(Struct, frozen=True, kw_only=True):
    """Of which template an application is made, and how."""

    name: Name
    variables: list[Value] = []


class ChangedApplication(UpdateApplication, frozen=True, kw_only=True, rename="camel"):
    """All that may be sent of an application: its parts may be a template's instead."""

    template: Deployment | UnsetType = UNSET


class WantedApplication(CreateApplication, frozen=True, kw_only=True, rename="camel"):
    """All that may be sent of a new one."""

    template: Deployment | UnsetType = UNSET
