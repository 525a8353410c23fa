"""The OpenAPI 3.1 document, made from the endpoints and the msgspec types.

Served, and shown as a page, by openapi_page.py.

Nothing here is written by hand twice: what an endpoint row says is what is served and described.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, inspect

from ecn.api.documents import Changed, Problem
from ecn.api.endpoint import Access, Endpoint
from ecn.version import VERSION

BASE = "/api/v1"
COMMON_REFUSALS = (400, 500, 503)
PARAMETER = re.compile(r"{(\w+)(?::[^{}]*(?:{[^{}]*})?[^{}]*)?}")
PATTERN = re.compile(r"{(\w+):([^{}]*(?:{[^{}]*})?[^{}]*)}")
QUERY_TYPES = {str: "string", int: "integer", bool: "boolean"}

Json = dict[str, object]
JSON = "application/json"


class Api(Struct, frozen=True, kw_only=True):
    """What the endpoints of one API have in common."""

    base: str
    title: str
    description: str
    how: str
    """How to speak to it, for readers of the page. HTML."""
    refusal: type
    """The body of every refusal."""
    refusal_media: str
    not_allowed: frozenset[int]
    """What may be answered to whom a token does not let do it."""
    named_by_path: bool = False
    """Operations are called by their method and path: a handler serves several of them."""
    lenient: bool = False
    """No body is as good as an empty one, and an answer without a type has none."""


NATIVE = Api(
    base=BASE,
    title="ECN",
    description="The control plane of an Edge Compute Network.",
    how="Send <code>Authorization: Bearer &lt;token&gt;</code>; with an "
    "<code>Idempotency-Key</code> a retried change takes effect once; errors are RFC 9457 "
    "problems.",
    refusal=Problem,
    refusal_media="application/problem+json",
    not_allowed=frozenset({401}),
)

Refs = Mapping[type, Json]
"""By type, where its schema stands."""


def document(endpoints: Sequence[Endpoint], api: Api = NATIVE) -> Json:
    """The whole description, as an object of plain values."""
    refs, components = schemas_of(endpoints, api)
    paths: dict[str, Json] = {}
    for each in endpoints:
        path = PARAMETER.sub(r"{\1}", each.path)
        paths.setdefault(api.base + path, {})[each.method.lower()] = _operation(each, api, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": api.title,
            "version": VERSION,
            "description": api.description,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def schemas_of(endpoints: Sequence[Endpoint], api: Api) -> tuple[Refs, Json]:
    """Where each type's schema stands, and the schemas. Two types of one name get longer ones."""
    types = {t for each in endpoints for t in (each.body, each.answer) if t is not None}
    types |= {listed for each in endpoints for _, listed in each.or_list}
    ordered = sorted(types | {api.refusal}, key=lambda t: (t.__qualname__, t.__module__))
    refs, components = msgspec.json.schema_components(
        ordered, schema_hook=_any_json, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(ordered, refs, strict=True)), dict(components)


def _any_json(type_: type) -> Json:
    if type_ is object:
        return {"description": "any JSON"}
    raise NotImplementedError(f"{type_} can't be described")


def _operation(each: Endpoint, api: Api, refs: Refs) -> Json:
    operation: Json = {
        "operationId": _operation_id(each, api),
        "summary": each.summary,
        "description": f"Access: {access_of(each)}.",
        "tags": [each.tag],
        "parameters": _parameters(each),
        "responses": _responses(each, api, refs),
        "security": [] if each.access is Access.ANYONE else [{"token": []}],
    }
    if each.body is not None:
        operation["requestBody"] = {
            "required": not api.lenient or _needs_something(each.body),
            "content": _body(each.body, refs, merge=each.merge),
        }
    elif each.file:
        form = {
            "type": "object",
            "properties": {each.file: {"type": "string", "contentMediaType": "application/yaml"}},
            "required": [each.file],
        }
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}},
        }
    return operation


def _needs_something(type_: type) -> bool:
    described = inspect.type_info(type_)
    return not isinstance(described, inspect.StructType) or any(
        each.required for each in described.fields
    )


def _body(type_: type, refs: Refs, *, merge: bool) -> Json:
    if not merge:
        return {"application/json": {"schema": refs[type_]}}
    patch = {
        "type": "object",
        "description": f"An RFC 7396 merge patch of a {type_.__name__}: what is absent stays as "
        "it is, null resets.",
        "properties": {field.encode_name: {} for field in msgspec.structs.fields(type_)},
        "additionalProperties": False,
    }
    return {media: {"schema": patch} for media in ("application/merge-patch+json", JSON)}


def _operation_id(each: Endpoint, api: Api) -> str:
    if api.named_by_path:
        return "_".join(re.findall(r"[A-Za-z0-9]+", f"{each.method.lower()} {each.path}"))
    name = each.handler.__name__
    return f"{name}_by_id" if "{id" in each.path else str(name)


def access_of(each: Endpoint) -> str:
    """Who may call it, in words."""
    return each.access if isinstance(each.access, Access) else f"role {each.access} or more"


def _segment(pattern: str | None) -> Json:
    """A parameter of a path. pattern: that all of it has to match."""
    schema: Json = {"type": "string"}
    if pattern is not None:
        schema["pattern"] = f"^{pattern}$"
    return schema


def _parameters(each: Endpoint) -> list[Json]:
    patterns = dict(PATTERN.findall(each.path))
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": _segment(patterns.get(name))}
        for name in PARAMETER.findall(each.path)
    ]
    parameters += [
        {
            "name": query.name,
            "in": "query",
            "description": query.description,
            "schema": {"type": QUERY_TYPES[query.kind]},
        }
        for query in each.all_queries
    ]
    if each.method != "GET" and each.access is not Access.AGENT:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "a retry with the same key takes effect once",
                "schema": {"type": "string", "maxLength": 255},
            }
        )
    if each.if_match:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "description": "the ETag of what the change was made from",
                "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}")$'},
            }
        )
    return parameters


def _responses(each: Endpoint, api: Api, refs: Refs) -> Json:
    responses: Json = {}
    for status in (each.status, *each.also):
        answer: Json = {"description": "As asked" if status != 101 else "A WebSocket from here on"}
        if each.answer is not None:
            answer["content"] = {each.media: {"schema": refs[each.answer]}} | {
                media: {"schema": {"type": "array", "items": refs[listed]}}
                for media, listed in each.or_list
            }
        elif status not in (101, 204) and not (api.lenient and each.media == JSON):
            answer["content"] = {each.media: {"schema": {"type": "string"}}}
        responses[str(status)] = answer
    refusals = set(each.refusals) | set(COMMON_REFUSALS)
    if each.access is not Access.ANYONE:
        refusals |= api.not_allowed if each.access is Access.AGENT else {401, 403}
    if each.method != "GET" and (each.status != 204 or api.lenient):
        refusals |= {413}
        if api.lenient or (each.answer is not None and issubclass(each.answer, Changed)):
            refusals |= {422}
    for status in sorted(refusals):
        refusal: Json = {"description": "Not changed" if status == 304 else "A problem"}
        if status != 304:
            refusal["content"] = {api.refusal_media: {"schema": refs[api.refusal]}}
        responses[str(status)] = refusal
    return responses
