"""Recorded exchanges with ioFog's API: tests/exchanges/<kind>.yaml, a story in each document.

A file holds one or more documents, each a story that is played on a fresh controller:

    story: A registry is made, changed and deleted      # a sentence: the name of the test
    steps:
    - POST /registries: {url: hub.example, isPublic: true, username: u, password: p, email: a@b.co}
      expect: 201                        # the status
      answer: {id: $integer}             # the shape of the body
      keep: {registry: id}               # `<registry>` is the body's `id` from here on
    - GET /registries                    # without a body, nothing else to say: 200, any body
    - PATCH /registries/<registry>: {email: c@d.co}
      expect: 204                        # of 204, an answer without a body is meant
    - GET /registries/<registry>
      as: viewer
      expect: 404
      answer: {name: NotFoundError, message: Cannot GET /api/v3/registries/<registry>}

The first key of a step is the method and the path below /api/v3, its value the body; YAML's `~`
sends none, `$null` sends null. What else a step may have:

    as       who sends it: operator (who says nothing is that), admin, viewer, nobody, or a token:
             `<token>`. The token is sent bare, as ioFog's clients do.
    file     text, sent as a form with that one file, in the field `field` (default `file`)
    raw      text, sent as it is, with the Content-Type `type` (default application/json)
    expect   the status; 200 if it says nothing
    answer   the shape of the body: a document, `$empty` for no body, or nothing for any body
    keep     names for parts of the body: `uuid`, `items.0.id`
    later    seconds by which the clock goes on before the step
    why      what is so remarkable about it, for readers

A shape is what is meant itself, or one of the words below. A document has exactly the keys of its
shape; with the key `...` it may have others. A list has exactly as many; `{$each: shape}` is a list
of any length of those, `{$some: shape}` a list that has one such.

    $string $integer $number $boolean $null $any $uuid $time (ISO, in milliseconds, with Z)
    $string? and so on: that, or null
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import yaml
from msgspec import Struct

from ecn.api.iofog.app import ENDPOINTS
from ecn.api.iofog.endpoint import Endpoint
from ecn.api.iofog.route_table import RouteTable
from tests.ecn.api.described import Described
from tests.ecn.api.iofog.shape import differences
from tests.ecn.api.server import ADMIN, OPERATOR, VIEWER, Controller

FOLDER = Path(__file__).parents[3] / "exchanges"
BASE = "/api/v3"
TOKENS = {"operator": OPERATOR, "admin": ADMIN, "viewer": VIEWER}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WORDS = {"as", "file", "field", "raw", "type", "expect", "answer", "keep", "later", "why"}
NAME = re.compile(r"<([a-z][a-z0-9_-]*)>")

Kept = dict[str, object]


class Step(Struct, frozen=True, kw_only=True):
    """One request, and what has to come back."""

    method: str
    path: str
    body: object
    said: dict[str, object]
    """The other keys, as they stand in the file."""


class Story(Struct, frozen=True, kw_only=True):
    """Some steps, one after the other."""

    file: str
    name: str
    steps: tuple[Step, ...]


class Received(Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes


def stories() -> Iterator[Story]:
    """All that is in the folder. Errors: ValueError for what is no story."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            steps = tuple(_step(each, path.name) for each in document["steps"])
            yield Story(file=path.stem, name=document["story"], steps=steps)


def _step(said: object, file: str) -> Step:
    document = {said: None} if isinstance(said, str) else said
    if not isinstance(document, dict):
        raise ValueError(f"{file}: no step: {said}")
    first = str(next(iter(document)))
    method, _, path = first.partition(" ")
    others = {key: value for key, value in document.items() if key != first}
    if method not in METHODS or not path.startswith("/") or others.keys() - WORDS:
        raise ValueError(f"{file}: no step: {said}")
    return Step(method=method, path=path, body=document[first], said=others)


async def play(controller: Controller, story: Story) -> None:
    """Send the requests of a story. Errors: AssertionError at the first that is answered wrong."""
    kept: Kept = {}
    for number, step in enumerate(story.steps, 1):
        later = step.said.get("later", 0)
        assert isinstance(later, int | float)
        controller.network.clock.advance(later)
        received = await _send(controller, step, kept)
        where = f"step {number}, {step.method} {step.path}"
        _check(step, received, kept, where)


async def _send(controller: Controller, step: Step, kept: Kept) -> Received:
    who = str(step.said.get("as", "operator"))
    headers = {}
    if who != "nobody":
        headers["Authorization"] = TOKENS.get(who) or str(_filled(who, kept))
    data: bytes | aiohttp.FormData | None = None
    if "file" in step.said:
        data = aiohttp.FormData()
        data.add_field(
            str(step.said.get("field", "file")), str(_filled(step.said["file"], kept)), filename="f"
        )
    elif "raw" in step.said:
        data = str(_filled(step.said["raw"], kept)).encode()
        headers["Content-Type"] = str(step.said.get("type", "application/json"))
    elif step.body is not None:
        data = b"null" if step.body == "$null" else json.dumps(_filled(step.body, kept)).encode()
        headers["Content-Type"] = "application/json"
    url = controller.url + BASE + str(_filled(step.path, kept))
    described = await _described(controller)
    async with controller.network.session.request(
        step.method, url, data=data, headers=headers, allow_redirects=False
    ) as response:
        content = await response.read()
        _check_described(described, step, response, content, url.removeprefix(controller.url))
        return Received(status=response.status, headers=dict(response.headers), content=content)


DOCUMENTS: dict[bytes, Described] = {}
"""By their text: all controllers of one version serve the same."""


async def _described(controller: Controller) -> Described:
    async with controller.network.session.get(controller.url + BASE + "/openapi.json") as response:
        text = await response.read()
    if text not in DOCUMENTS:
        DOCUMENTS[text] = Described(json.loads(text), refusal="Told")
    return DOCUMENTS[text]


def _check_described(
    described: Described,
    step: Step,
    response: aiohttp.ClientResponse,
    content: bytes,
    path: str,
) -> None:
    """Errors: AssertionError where the OpenAPI document does not describe the answer."""
    if step.method in ("HEAD", "OPTIONS"):
        return
    served = ROUTES.find(step.method, path.removeprefix(BASE).partition("?")[0])
    if served is not None and served[0].maybe_empty and not content and response.ok:
        return
    media = response.content_type
    is_json = media.endswith("json") and bool(content)
    # As it is described, not as somebody writes it: no slash at the end, and their letters.
    template = path if served is None else BASE + _as_described(served)
    body = json.loads(content) if is_json else content
    described.check(step.method, template, response.status, media, body)


ROUTES = RouteTable((each.method, each.path, each) for each in ENDPOINTS)


def _as_described(served: tuple[Endpoint, dict[str, str]]) -> str:
    """The path with something for its parameters that has no slash in it."""
    return re.sub(r"{\w+}", "x", served[0].path)


def _check(step: Step, received: Received, kept: Kept, where: str) -> None:
    shown = f"{where}: {received.status} {received.content.decode(errors='replace')[:2000]}"
    assert received.status == step.said.get("expect", 200), shown
    assert received.headers["X-Timestamp"].isdecimal(), where
    shape = step.said.get("answer")
    if shape == "$empty" or received.status == 204:
        assert received.content == b"", shown
        return
    if shape is None and "keep" not in step.said:
        return
    said = json.loads(received.content)
    if shape is not None:
        wrong = differences(_filled(shape, kept), said)
        assert not wrong, "\n  ".join((shown, *wrong))
    keep = step.said.get("keep", {})
    assert isinstance(keep, dict)
    for name, path in keep.items():
        kept[name] = _part(said, str(path))


def _part(said: object, path: str) -> object:
    for key in path.split("."):
        if isinstance(said, list):
            said = said[int(key)]
        else:
            assert isinstance(said, dict)
            said = said[key]
    return said


def _filled(said: object, kept: Kept) -> object:
    """With what is kept in place of its names; alone in a text, it keeps its type."""
    match said:
        case str():
            whole = NAME.fullmatch(said)
            if whole and whole[1] in kept:
                return kept[whole[1]]
            return NAME.sub(lambda m: str(kept[m[1]]) if m[1] in kept else m[0], said)
        case dict():
            return {_filled(key, kept): _filled(value, kept) for key, value in said.items()}
        case list():
            return [_filled(each, kept) for each in said]
    return said
