"""The OpenAPI 3.1 document, made from the endpoints and the msgspec types, and a page to read it.

Nothing here is written by hand twice: what an endpoint row says is what is served and described.
"""

import re
from collections.abc import Sequence
from html import escape

import msgspec
from aiohttp import web

from ecn.api.documents import Changed, Problem
from ecn.api.endpoint import Access, Endpoint
from ecn.version import VERSION

BASE = "/api/v1"
COMMON_REFUSALS = (400, 500, 503)
PARAMETER = re.compile(r"{(\w+)(?::[^{}]*(?:{[^{}]*})?[^{}]*)?}")
QUERY_TYPES = {str: "string", int: "integer", bool: "boolean"}

Json = dict[str, object]
JSON = "application/json"


def document(endpoints: Sequence[Endpoint]) -> Json:
    """The whole description, as an object of plain values."""
    types = {t for each in endpoints for t in (each.body, each.answer) if t is not None}
    types |= {listed for each in endpoints for _, listed in each.or_list}
    _, components = msgspec.json.schema_components(
        sorted(types | {Problem}, key=lambda t: t.__qualname__),
        schema_hook=_any_json,
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, Json] = {}
    for each in endpoints:
        path = PARAMETER.sub(r"{\1}", each.path)
        paths.setdefault(BASE + path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ECN",
            "version": VERSION,
            "description": "The control plane of an Edge Compute Network.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _any_json(type_: type) -> Json:
    if type_ is object:
        return {"description": "any JSON"}
    raise NotImplementedError(f"{type_} can't be described")


def _operation(each: Endpoint) -> Json:
    operation: Json = {
        "operationId": _operation_id(each),
        "summary": each.summary,
        "description": f"Access: {_access(each)}.",
        "tags": [each.tag],
        "parameters": _parameters(each),
        "responses": _responses(each),
        "security": [] if each.access is Access.ANYONE else [{"token": []}],
    }
    if each.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": _body(each.body, merge=each.merge),
        }
    return operation


def _body(type_: type, *, merge: bool) -> Json:
    if not merge:
        return {"application/json": {"schema": _ref(type_)}}
    patch = {
        "type": "object",
        "description": f"An RFC 7396 merge patch of a {type_.__name__}: what is absent stays as "
        "it is, null resets.",
        "properties": {field.encode_name: {} for field in msgspec.structs.fields(type_)},
        "additionalProperties": False,
    }
    return {media: {"schema": patch} for media in ("application/merge-patch+json", JSON)}


def _operation_id(each: Endpoint) -> str:
    name = each.handler.__name__
    return f"{name}_by_id" if "{id" in each.path else str(name)


def _access(each: Endpoint) -> str:
    return each.access if isinstance(each.access, Access) else f"role {each.access} or more"


def _parameters(each: Endpoint) -> list[Json]:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
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
    return parameters


def _responses(each: Endpoint) -> Json:
    responses: Json = {}
    for status in (each.status, *each.also):
        answer: Json = {"description": "As asked"}
        if each.answer is not None:
            answer["content"] = {each.media: {"schema": _ref(each.answer)}} | {
                media: {"schema": {"type": "array", "items": _ref(listed)}}
                for media, listed in each.or_list
            }
        elif status != 204:
            answer["content"] = {each.media: {"schema": {"type": "string"}}}
        responses[str(status)] = answer
    refusals = set(each.refusals) | set(COMMON_REFUSALS)
    if each.access is not Access.ANYONE:
        refusals |= {401} if each.access is Access.AGENT else {401, 403}
    if each.method != "GET" and each.status != 204:
        refusals |= {413}
        if each.answer is not None and issubclass(each.answer, Changed):
            refusals |= {422}
    for status in sorted(refusals):
        refusal: Json = {"description": "Not changed" if status == 304 else "A problem"}
        if status != 304:
            refusal["content"] = {"application/problem+json": {"schema": _ref(Problem)}}
        responses[str(status)] = refusal
    return responses


def _ref(type_: type) -> Json:
    return {"$ref": f"#/components/schemas/{type_.__name__}"}


STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0;
padding: 0.4rem 0.8rem; }
summary { cursor: pointer; overflow: hidden; } summary b { display: inline-block; width: 4.5rem; }
summary span { float: right; opacity: 0.75; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 0.2rem 0.6rem;
border-bottom: 1px solid var(--line); vertical-align: top; }
"""


def page(endpoints: Sequence[Endpoint]) -> str:
    """The description as HTML that needs no script and nothing from elsewhere."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ECN API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>ECN API</h1><p>Version {escape(VERSION)}. "
        f'As a document for programs: <a href="{BASE}/openapi.json">openapi.json</a>. Send '
        "<code>Authorization: Bearer &lt;token&gt;</code>; with an <code>Idempotency-Key</code> "
        "a retried change takes effect once; errors are RFC 9457 problems.</p>"
    ]
    tag = ""
    for each in sorted(endpoints, key=lambda one: one.tag):
        if each.tag != tag:
            tag = each.tag
            parts.append(f"<h2>{escape(tag)}</h2>")
        path = escape(BASE + PARAMETER.sub(r"{\1}", each.path))
        parts.append(
            f"<details><summary><b>{each.method}</b> <code>{path}</code>"
            f"<span>{escape(each.summary)}</span></summary><p>Access: {escape(_access(each))}.</p>"
        )
        rows = "".join(
            f"<tr><td><code>?{escape(query.name)}</code></td><td>{escape(query.description)}</td></tr>"
            for query in each.all_queries
        )
        for what, type_ in (("Body", each.body), ("Answer", each.answer)):
            if type_ is not None:
                name = escape(type_.__name__)
                rows += (
                    f'<tr><td>{what}</td><td><a href="#{name}"><code>{name}</code></a></td></tr>'
                )
        parts.append(f"<table>{rows}</table></details>")
    parts.append("<h2>Documents</h2>")
    parts += _schemas(endpoints)
    return "".join(parts) + "</body></html>"


def _schemas(endpoints: Sequence[Endpoint]) -> list[str]:
    components = document(endpoints)["components"]
    schemas = components["schemas"] if isinstance(components, dict) else {}
    parts = []
    for name, schema in sorted(schemas.items()):
        fields = (
            "".join(
                f"<tr><td><code>{escape(field)}</code></td><td><code>{_type(said)}</code></td>"
                f"<td>{'required' if field in schema.get('required', ()) else ''}</td></tr>"
                for field, said in schema.get("properties", {}).items()
            )
            or f"<tr><td>{escape(', '.join(map(str, schema.get('enum', ()))))}</td></tr>"
        )
        parts.append(
            f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
            f"<p>{escape(str(schema.get('description', '')))}</p><table>{fields}</table></details>"
        )
    return parts


def _type(schema: object) -> str:
    if not isinstance(schema, dict):
        return ""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {})) or 'anything'}"
    return escape(str(schema.get("format") or schema.get("type") or "anything"))


def routes(endpoints: Sequence[Endpoint]) -> list[web.RouteDef]:
    """The two paths at which all this is served. The description is made once."""
    described = msgspec.json.encode(document(endpoints))
    readable = page(endpoints)

    async def openapi_json(_: web.Request) -> web.Response:
        return web.Response(body=described, content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        return web.Response(
            text=readable,
            content_type="text/html",
            headers={
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
                "img-src data:; base-uri 'none'; form-action 'none'",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return [web.get(f"{BASE}/openapi.json", openapi_json), web.get(f"{BASE}/docs", docs)]
