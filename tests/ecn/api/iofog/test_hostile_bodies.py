"""Bodies that nobody means well are refused, and never a fault of the controller's."""

import json
import time

import aiohttp
import pytest

from tests.ecn.api.server import OPERATOR, Controller

DEEP = "[" * 5_000 + "]" * 5_000
DEEP_OBJECT = '{"microservices":' * 2_000 + "1" + "}" * 2_000
LOOP = "{% for a in (1..9999999) %}{{ a }}{% endfor %}"
DOUBLING = "{% assign a = 'xxxxxxxx' %}" + "{% assign a = a | append: a %}" * 40 + "{{ a }}"
NODE = "{{ '' | findAgent | map: 'name' | first }}"

BODIES = {
    "deep lists": DEEP,
    "deep objects": DEEP_OBJECT,
    "no json": '{"name": ',
    "not UTF-8": b'{"name": "\xff"}',
    "a lone surrogate": '{"name": "\\ud800"}',
    "a list": "[]",
    "a number": "7",
    "a text": '"text"',
    "nulls": json.dumps(dict.fromkeys(["name", "microservices", "routes", "template", "ports"])),
    "numbers": json.dumps(dict.fromkeys(["name", "microservices", "routes", "env", "cmd"], 1e308)),
    "a huge number": '{"name": "a", "logSize": 1' + "0" * 400 + "}",
    "a NUL": '{"name": "a", "description": "\\u0000", "config": "\\u0000"}',
    "a long loop": json.dumps({"name": "a", "description": LOOP}),
    "texts that double": json.dumps({"name": "a", "description": DOUBLING}),
    "copies of copies": json.dumps({str(n): "{{ self }}" for n in range(200)}),
    "a huge template": json.dumps({"name": "{{" + "a" * 300_000 + "}}"}),
    "many templates": json.dumps({"name": "{{ 1 }}" * 30_000}),
    "a template of everything": json.dumps({"name": "a", "description": "{{ self }}"}),
    "templates for types": json.dumps(
        {"name": "a", "microservices": "{{ 1 }}", "routes": "{{ self.microservices }}"}
    ),
    "a template for a template": json.dumps({"name": "a", "template": {"name": "{{ 1 }}"}}),
    "an odd template": json.dumps({"name": "a", "template": {"name": "b", "variables": 1}}),
    "a file to read": json.dumps({"name": "{% include '/etc/passwd' %}"}),
    "odd microservices": json.dumps({"name": "a", "microservices": [1, None, {}, []]}),
    "two of a name": json.dumps(
        {
            "name": "a",
            "microservices": [
                {
                    "name": "m",
                    "agentName": NODE,
                    "images": [{"containerImage": "i", "fogTypeId": 1}],
                }
            ]
            * 2,
        }
    ),
    "many microservices": json.dumps({"name": "a", "microservices": [{"name": "m"}] * 5_000}),
    "odd ports": json.dumps({"name": "a", "ports": [{"internal": -1, "external": 99999999}]}),
    "odd images": json.dumps({"images": [{"fogTypeId": 7}, {"containerImage": 1}]}),
    "a name that is slow to look at": json.dumps({"name": "a" * 30_000 + "!"}),
}
ENDPOINTS = [
    ("POST", "/application"),
    ("PUT", "/application/shop"),
    ("PATCH", "/application/shop"),
    ("POST", "/flow"),
    ("POST", "/microservices"),
    ("PATCH", "/microservices/x"),
    ("POST", "/microservices/x/port-mapping"),
    ("POST", "/microservices/x/volume-mapping"),
    ("POST", "/routes"),
    ("PATCH", "/routes/shop/x"),
    ("DELETE", "/application/nothing"),
    ("GET", "/microservices?application=%00&flowId=%F0"),
    ("GET", "/application/%2e%2e%2f"),
]
FILES = {
    "nothing": "",
    "a bomb": "a: &a [x,x,x,x,x,x,x,x]\n"
    + "\n".join(
        f"{chr(n + 1)}: &{chr(n + 1)} [" + ",".join([f"*{chr(n)}"] * 8) + "]"
        for n in range(97, 110)
    ),
    "itself": "&a {kind: Application, metadata: {name: a}, spec: *a}",
    "deep": "[" * 3_000,
    "an object of Python's": "!!python/object/apply:os.system [ls]",
    "two documents": "{kind: Application}\n---\n{kind: Application}",
    "odd parts": "{kind: Application, metadata: {name: [1]}, spec: {microservices: {a: 1}}}",
    "odd microservice": "{kind: Microservice, metadata: {name: a/b/c}, spec: {images: 1}}",
    "templates": "{kind: Application, metadata: {name: a}, spec: {description: '" + LOOP + "'}}",
}
UPLOADS = [
    ("POST", "/application/yaml"),
    ("PUT", "/application/yaml/shop"),
    ("POST", "/microservices/yaml"),
    ("PATCH", "/microservices/yaml/x"),
]
SLOW = 5.0
"""Seconds that no answer takes, on a machine that does other things too."""


@pytest.fixture
async def session(controller: Controller) -> aiohttp.ClientSession:
    """With an application `shop` there."""
    session = controller.network.session
    headers = {"Authorization": OPERATOR}
    url = controller.url + "/api/v3/application"
    async with session.post(url, json={"name": "shop"}, headers=headers) as response:
        assert response.status == 201
    return session


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
async def test_a_body_is_taken_or_refused(
    controller: Controller, session: aiohttp.ClientSession, body: str | bytes
) -> None:
    for method, path in ENDPOINTS:
        began = time.monotonic()
        async with session.request(
            method,
            controller.url + "/api/v3" + path,
            data=body,
            headers={"Authorization": OPERATOR, "Content-Type": "application/json"},
        ) as response:
            content = await response.read()
        shown = f"{method} {path}: {response.status} {content[:200]!r}"
        assert response.status < 500, shown
        assert time.monotonic() - began < SLOW, shown
        assert b"root:" not in content
        if response.status >= 400:
            assert set(json.loads(content)) == {"name", "message"}, shown


@pytest.mark.parametrize("file", FILES.values(), ids=list(FILES))
async def test_a_file_is_taken_or_refused(
    controller: Controller, session: aiohttp.ClientSession, file: str
) -> None:
    for method, path in UPLOADS:
        form = aiohttp.FormData()
        form.add_field("application", file, filename="f.yaml")
        async with session.request(
            method,
            controller.url + "/api/v3" + path,
            data=form,
            headers={"Authorization": OPERATOR},
        ) as response:
            content = await response.read()
        shown = f"{method} {path}: {response.status} {content[:200]!r}"
        assert 400 <= response.status < 500, shown
        assert set(json.loads(content)) == {"name", "message"}, shown


async def test_a_template_that_is_made_of_nonsense_makes_no_application(
    controller: Controller, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": OPERATOR}
    for number, application in enumerate(
        ({"microservices": 7}, {"microservices": [1]}, {"routes": "{{ 1 }}"}, {"name": {}}, {})
    ):
        name = f"template-{number}"
        url = controller.url + "/api/v3/applicationTemplate"
        body: dict[str, object] = {"name": name, "application": application}
        async with session.post(url, json=body, headers=headers) as response:
            if response.status >= 400:
                continue
        url = controller.url + "/api/v3/application"
        body = {"name": f"made-{number}", "template": {"name": name}}
        async with session.post(url, json=body, headers=headers) as response:
            assert response.status < 500, await response.text()
