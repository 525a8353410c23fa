"""ioFog's YAML documents as bodies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.iofog import yaml_documents
from ecn.iofog.refusals import Refusal
from ecn.yaml_text import parsed

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "metadata", "spec", "name", "microservices", "images", "container", "env",
                 "agent", "config", "key", "value", "registry", "catalogId", "x86", "application",
                 "commands", "volumes", "ports", "extraHosts"]
            ),
            inner,
            max_size=4,
        )
    ),
)  # fmt: skip

DEMO = """
apiVersion: iofog.org/v3
kind: Application
metadata: {name: demo, namespace: ""}
spec:
  microservices:
  - name: source
    agent: {name: node1}
    images: {x86: repo/img:1, arm: repo/img:1-arm, registry: remote}
    container:
      rootHostAccess: false
      logSize: 5
      ports: [{internal: 80, external: 5000, public: {schemes: [https], protocol: http}}]
      volumes: [{hostDestination: /data, containerDestination: /data, accessMode: rw}]
      env: [{key: MODE, value: 1}, {key: 2, value: 1.0}, {key: ON, value: on},
            {key: T, value: true}]
      commands: [run, --fast, 3]
    config: {interval: 5}
  - name: sink
    images: {catalogId: 14}
  routes: [{name: a-b, from: source, to: sink}]
"""


VOLUME = {"hostDestination": "/data", "containerDestination": "/data", "accessMode": "rw"}


def read(text: str) -> object:
    [document] = parsed(text)
    return document.value


def test_an_application() -> None:
    assert yaml_documents.application(read(DEMO)) == {
        "name": "demo",
        "isActivated": True,
        "microservices": [
            {
                "name": "source",
                "agentName": "node1",
                "config": '{"interval":5}',
                "images": [
                    {"fogTypeId": 1, "containerImage": "repo/img:1"},
                    {"fogTypeId": 2, "containerImage": "repo/img:1-arm"},
                ],
                "registryId": 1,
                "rootHostAccess": False,
                "logSize": 5,
                "ports": [
                    {
                        "internal": 80,
                        "external": 5000,
                        "public": {"schemes": ["https"], "protocol": "http"},
                    }
                ],
                "volumes": [
                    {
                        "hostDestination": "/data",
                        "containerDestination": "/data",
                        "accessMode": "rw",
                    }
                ],
                "volumeMappings": [
                    {
                        "hostDestination": "/data",
                        "containerDestination": "/data",
                        "accessMode": "rw",
                    }
                ],
                "commands": ["run", "--fast", 3],
                "cmd": ["run", "--fast", "3"],
                "env": [
                    {"key": "MODE", "value": "1"},
                    {"key": "2", "value": "1"},
                    {"key": "ON", "value": "on"},
                    {"key": "T", "value": "true"},
                ],
                "extraHosts": [],
            },
            {
                "name": "sink",
                "catalogItemId": 14,
                "ports": [],
                "volumeMappings": [],
                "cmd": [],
                "env": [],
                "extraHosts": [],
            },
        ],
        "routes": [{"name": "a-b", "from": "source", "to": "sink"}],
    }


@pytest.mark.parametrize(
    ("said", "id_"),
    [
        (None, 1),
        ("remote", 1),
        ("local", 2),
        ("7", 7),
        (7, 7),
        ("{{ r }}", "{{ r }}"),
    ],
)
def test_registries_have_names_and_numbers(said: object, id_: object) -> None:
    body = yaml_documents.microservice_spec({"images": {"x86": "i", "registry": said}})
    assert body["registryId"] == id_


def test_a_microservice_may_be_named_with_its_application() -> None:
    document = {"kind": "Microservice", "metadata": {"name": "app/msvc"}, "spec": {}}
    body = yaml_documents.microservice(document)
    assert (body["application"], body["name"]) == ("app", "msvc")


def test_templates_keep_their_tags_and_texts_that_are_json() -> None:
    document = read(
        "kind: ApplicationTemplate\nmetadata: {name: t}\nspec:\n"
        "  variables: [{key: agent, defaultValue: a}]\n"
        "  application:\n    microservices:\n"
        '    - {name: m, agent: {name: "{{ agent }}"}, config: string}\n'
    )
    body = yaml_documents.application_template(document)
    application = body["application"]
    assert isinstance(application, dict)
    assert application["microservices"][0]["agentName"] == "{{ agent }}"
    assert application["microservices"][0]["config"] == '"string"'
    assert "description" not in body


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "Agent", "metadata": {}, "spec": {}}, "Invalid kind Agent"),
        ({"kind": "Application", "metadata": {}}, "Invalid YAML format"),
        ({"kind": "Application", "metadata": None, "spec": {}}, "Invalid YAML format"),
        ("text", "Invalid YAML format"),
        (
            {"kind": "Application", "metadata": {}, "spec": {"microservices": 7}},
            "Invalid YAML",
        ),
    ],
)
def test_what_is_wrong_is_said_as_the_original_says_it(document: object, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        yaml_documents.application(document)


@given(ANYTHING, st.sampled_from(["Application", "ApplicationTemplate", "Microservice"]))
def test_any_yaml_is_a_body_or_a_refusal(spec: object, kind: str) -> None:
    for read_as in (
        yaml_documents.application,
        yaml_documents.application_template,
        yaml_documents.microservice,
    ):
        for document in (spec, {"kind": kind, "metadata": {"name": "n"}, "spec": spec}):
            try:
                assert isinstance(read_as(document), dict)
            except Refusal:
                continue
