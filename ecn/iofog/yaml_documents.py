"""ioFog's YAML documents of three kinds as the JSON bodies that say the same. Pure.

Application, ApplicationTemplate and Microservice are uploaded as files and are turned into bodies
by the controller, before Liquid is rendered in them; all other kinds reach it as JSON. Read from
YAML elsewhere (yaml_text.py), so that `on` and `12:30` are texts.

Used by the uploads of /api/v3, and by `ecn deploy -f` for the same kinds.
"""

import math

import msgspec

from ecn.iofog import refusals

Mapping = dict[str, object]

REGISTRIES = {"remote": 1, "local": 2}
"""Words for the two that are always there."""


def application(document: object) -> Mapping:
    """Kind Application as the body of POST /application.

    What the document leaves out of `microservices` is not there, also where it is an update: a
    file says all. Errors: Refusal.
    """
    metadata, spec = _parts(document, "Application")
    return {"name": metadata.get("name"), **_application(spec)}


def application_template(document: object) -> Mapping:
    """Kind ApplicationTemplate as the body of POST /applicationTemplate. Errors: Refusal."""
    metadata, spec = _parts(document, "ApplicationTemplate")
    return _without_none(
        {
            "name": metadata.get("name"),
            "description": spec.get("description"),
            "variables": spec.get("variables"),
            "application": _application(_mapping(spec.get("application", {}))),
        }
    )


def microservice(document: object) -> Mapping:
    """Kind Microservice as the body of POST /microservices.

    Its name may be `<application>/<name>`. Errors: Refusal.
    """
    metadata, spec = _parts(document, "Microservice")
    body = {"name": metadata.get("name"), **microservice_spec(spec)}
    name = body["name"]
    if isinstance(name, str) and "/" in name:
        of, _, own = name.partition("/")
        if not of or not own or "/" in own:
            raise refusals.invalid(f"Invalid name {name}")
        body["application"], body["name"] = of, own
    return body


def microservice_spec(spec: object) -> Mapping:
    """A microservice, as it stands in all three kinds, as it stands in bodies. Errors: Refusal."""
    said = _mapping(spec)
    container = _mapping(said.get("container") or {})
    config = said.get("config")
    return _without_none(
        {
            "name": said.get("name"),
            "agentName": _mapping(said.get("agent") or {}).get("name"),
            "config": None if config is None else msgspec.json.encode(config).decode(),
            "application": said.get("application"),
            "rebuild": said.get("rebuild"),
            **_images(said.get("images")),
            **container,
            "ports": container.get("ports") or [],
            "volumeMappings": container.get("volumes") or [],
            "cmd": [_text(each) for each in _list(container.get("commands"))],
            "env": [
                {"key": _text(each.get("key")), "value": _text(each.get("value"))}
                for each in map(_mapping, _list(container.get("env")))
            ],
            "extraHosts": container.get("extraHosts") or [],
        }
    )


def _application(spec: Mapping) -> Mapping:
    members = [microservice_spec(each) for each in _list(spec.get("microservices"))]
    return {**_without_none(spec), "isActivated": True, "microservices": members}


def _images(said: object) -> Mapping:
    """From the catalog, or by platform with a registry; nothing where nothing is said."""
    if said is None:
        return {}
    images = _mapping(said)
    item = images.get("catalogId")
    if isinstance(item, int | float) and item > 0:
        return {"catalogItemId": item}
    found = [
        {"fogTypeId": number, "containerImage": image}
        for number, platform in ((1, "x86"), (2, "arm"))
        if (image := images.get(platform)) is not None
    ]
    return {"images": found, "registryId": _registry(images.get("registry"))}


def _registry(said: object) -> object:
    match said:
        case None | "":
            return 1
        case str() if said in REGISTRIES:
            return REGISTRIES[said]
        case str() if said.isascii() and said.isdecimal() and len(said) < 16:
            return int(said)
        case str() if "{{" in said or "{%" in said:
            return said  # known when it is rendered
        case int():
            return said
    raise refusals.not_found(f"Invalid registry id '{_text(said)}'")


def _parts(document: object, kind: str) -> tuple[Mapping, Mapping]:
    said = _mapping(document)
    if said.get("kind") != kind:
        raise refusals.invalid(f"Invalid kind {_text(said.get('kind'))}")
    return _mapping(said.get("metadata")), _mapping(said.get("spec"))


def _mapping(said: object) -> Mapping:
    if not isinstance(said, dict):
        raise refusals.invalid("Invalid YAML format")
    return said


def _list(said: object) -> list[object]:
    if said is None:
        return []
    if not isinstance(said, list):
        raise refusals.invalid("Invalid YAML format")
    return said


def _text(said: object) -> str:
    """As JavaScript writes it: 1.0 is 1, yes and no are true and false; nothing is empty."""
    match said:
        case None:
            return ""
        case str():
            return said
        case float() if math.isfinite(said) and said.is_integer():
            return str(int(said))
    return msgspec.json.encode(said).decode()


def _without_none(said: Mapping) -> Mapping:
    return {key: value for key, value in said.items() if value is not None}
