"""The description of an API as it is served: the OpenAPI document, and a page to read it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from html import escape

import msgspec
from aiohttp import web

from ecn.api.endpoint import Endpoint
from ecn.api.openapi import (
    BASE,
    NATIVE,
    PARAMETER,
    Api,
    Json,
    access_of,
    document,
    schemas_of,
)
from ecn.version import VERSION

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


def page(endpoints: Sequence[Endpoint], api: Api = NATIVE) -> str:
    """The description as HTML that needs no script and nothing from elsewhere."""
    refs, components = schemas_of(endpoints, api)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(api.title)} API</title>"
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>{escape(api.title)} API</h1>"
        f"<p>Version {escape(VERSION)}. As a document for programs: "
        f'<a href="{api.base}/openapi.json">openapi.json</a>. {api.how}</p>'
    ]
    tag = ""
    for each in sorted(endpoints, key=lambda one: one.tag):
        if each.tag != tag:
            tag = each.tag
            parts.append(f"<h2>{escape(tag)}</h2>")
        path = escape(api.base + PARAMETER.sub(r"{\1}", each.path))
        parts.append(
            f"<details><summary><b>{each.method}</b> <code>{path}</code>"
            f"<span>{escape(each.summary)}</span></summary>"
            f"<p>Access: {escape(access_of(each))}.</p>"
        )
        rows = "".join(
            f"<tr><td><code>?{escape(query.name)}</code></td><td>{escape(query.description)}</td></tr>"
            for query in each.all_queries
        )
        for what, type_ in (("Body", each.body), ("Answer", each.answer)):
            if type_ is not None:
                name = escape(str(refs[type_].get("$ref")).rpartition("/")[2])
                rows += (
                    f'<tr><td>{what}</td><td><a href="#{name}"><code>{name}</code></a></td></tr>'
                )
        parts.append(f"<table>{rows}</table></details>")
    parts.append("<h2>Documents</h2>")
    parts += _schemas(components)
    return "".join(parts) + "</body></html>"


def _schemas(components: Json) -> list[str]:
    parts = []
    for name, schema in sorted(components.items()):
        if not isinstance(schema, dict):
            continue
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


def routes(endpoints: tuple[Endpoint, ...]) -> list[web.RouteDef]:
    """The two paths at which all this is served, for our own API."""
    openapi_json, docs = handlers(endpoints, NATIVE)
    return [web.get(f"{BASE}/openapi.json", openapi_json), web.get(f"{BASE}/docs", docs)]


Shown = Callable[[web.Request], Awaitable[web.Response]]


@cache
def handlers(endpoints: tuple[Endpoint, ...], api: Api) -> tuple[Shown, Shown]:
    """What serves the document, and the page. The description is made once per process."""
    described = msgspec.json.encode(document(endpoints, api))
    readable = page(endpoints, api)

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

    return openapi_json, docs
