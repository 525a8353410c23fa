"""From a template to the application that is made of it: gaps filled, texts rendered. Pure."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET

from ecn.errors import NotFound
from ecn.iofog import application_bodies as bodies
from ecn.iofog.bodies import typed
from ecn.iofog.refusals import invalid
from events.template import TemplateSettings
from projections.world import World

OVER = ("name", "description", "isActivated", "isSystem")
"""What counts as the request says it, or not at all."""

Rendering = Callable[[object, Mapping[str, object]], object]
"""A document and its variables to the same document rendered."""


def deployment(said: object) -> bodies.Deployment | None:
    """Of which template the body wants an application made; None where of none. Errors: Refusal."""
    template = said.get("template") if isinstance(said, dict) else None
    if not isinstance(template, dict) or not template.get("name"):
        return None
    return typed(template, bodies.Deployment)


def settings_of(world: World, wanted: bodies.Deployment) -> TemplateSettings:
    """The template. Errors: NotFound."""
    key = world.templates.one("name", wanted.name)
    if key is None:
        raise NotFound("template", wanted.name, field="$.template.name")
    return world.templates[key].settings


def filled(
    settings: TemplateSettings, wanted: bodies.Deployment, said: object, render: Rendering
) -> dict[str, object]:
    """The body of an application, as if it had been sent so.

    said: the body that was sent, for what it says besides. Errors: Refusal.
    """
    variables: dict[str, object] = {
        each.key: msgspec.json.decode(each.default)
        for each in settings.variables
        if each.default is not UNSET
    }
    variables |= {each.key: each.value for each in wanted.variables}
    document: object = msgspec.json.decode(settings.application)
    if not isinstance(document, dict):
        raise invalid(f"Application Template {wanted.name} is invalid")
    members = document.get("microservices") or []
    if not isinstance(members, list) or not all(isinstance(each, dict) for each in members):
        raise invalid(f"Application Template {wanted.name} is invalid")
    for member in members:
        config = member.get("config")
        if isinstance(config, str) and config:
            member["config"] = _parsed(config, member.get("name"), wanted.name)
    render(document, variables)
    for member in members:
        if "config" in member and not isinstance(member["config"], str):
            member["config"] = msgspec.json.encode(member["config"]).decode()
    besides: dict[str, object] = said if isinstance(said, dict) else {}
    kept = {key: value for key, value in document.items() if key not in (*OVER, "variables")}
    return {**kept, **{key: besides[key] for key in OVER if key in besides}}


def _parsed(config: str, name: object, template: str) -> object:
    """A config as a document, so that templates in it can be of any type."""
    try:
        return msgspec.json.decode(config)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise invalid(
            f"Application Template {template} is invalid: the config of {name} is no JSON"
        ) from e
