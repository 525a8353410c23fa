"""Whether an answer is one that the served OpenAPI document describes: status, media, schema."""

import re
from collections.abc import Iterator

import jsonschema

Json = dict[str, object]

OF_HTTP_ITSELF = frozenset({404, 405})
"""Statuses that paths and methods which nobody serves have."""


class Described:
    """The document that a controller serves, ready to be held against answers."""

    def __init__(self, document: Json, refusal: str = "Problem") -> None:
        """refusal: the schema of what is said on paths that nobody serves."""
        self.document = document
        self._refusal = refusal
        self._paths = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path) + "$"), path)
            # Literal words before parameters: /users/x is no /users/{user}/….
            for path in sorted(self.operations(), key=lambda path: path.count("{"))
        ]
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}

    def operations(self) -> dict[str, dict[str, Json]]:
        """By path, then by method in lower case."""
        paths = self.document["paths"]
        assert isinstance(paths, dict)
        return paths

    def examples(self) -> Iterator[tuple[str, str, Json]]:
        """Each operation: method, a path that it is served at, without the base, what is said."""
        for path, methods in self.operations().items():
            asked = path.removeprefix("/api/v1").replace("{id}", "0" * 32)
            for method, operation in methods.items():
                yield method.upper(), re.sub(r"[{}]", "", asked), operation

    def operation(self, method: str, path: str) -> Json | None:
        """What is said about that request; None when nothing is served there."""
        for pattern, template in self._paths:
            if pattern.match(path) and method.lower() in self.operations()[template]:
                return self.operations()[template][method.lower()]
        return None

    def check(self, method: str, path: str, status: int, media: str, body: object) -> None:
        """Errors: AssertionError where the answer is none of the described."""
        operation = self.operation(method, path)
        if operation is None:
            assert status in OF_HTTP_ITSELF, f"{status} on {method} {path}, which nobody serves"
            self._validate({"$ref": f"#/components/schemas/{self._refusal}"}, body)
            return
        responses = operation["responses"]
        assert isinstance(responses, dict)
        assert str(status) in responses, f"{method} {path} answered {status}: not described"
        contents = responses[str(status)].get("content")
        if contents is None:
            assert body in (None, b""), f"{method} {path} {status} has a body"
            return
        assert media in contents, f"{method} {path} {status} came as {media}"
        if media.endswith("json"):
            self._validate(contents[media]["schema"], body)

    def check_request(self, method: str, path: str, body: object) -> None:
        """Errors: jsonschema.ValidationError where the document would not let it pass."""
        operation = self.operation(method, path)
        assert operation is not None
        request_body = operation["requestBody"]
        assert isinstance(request_body, dict)
        for content in request_body["content"].values():
            self._validate(content["schema"], body)

    def _validate(self, schema: Json, body: object) -> None:
        name = str(schema["$ref"]) if "$ref" in schema else repr(schema)
        if name not in self._validators:
            # References are resolved from the root: the components have to be there.
            whole = {**schema, "components": self.document["components"]}
            self._validators[name] = jsonschema.Draft202012Validator(whole)
        self._validators[name].validate(body)
