"""Manifests: what is written is read back, and what is wrong is named with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.api import documents as d
from ecn.api.catalog_documents import CatalogItemManifest
from ecn.api.edge_resource_documents import EdgeResourceManifest
from ecn.api.template_documents import TemplateManifest, VariableManifest
from ecn.cli.errors import BadManifest
from ecn.cli.manifest_text import Written, manifest_text
from ecn.cli.manifests import read_manifests, registry_body
from ecn.manifests.wishes import (
    Application,
    CatalogItem,
    EdgeResource,
    NodeManifest,
    Registry,
    RegistrySpec,
    Template,
    Volume,
    VolumeSpec,
)
from ecn.yaml_text import dumped, parsed
from events.application import HealthCheck, PortMapping, VolumeKind, VolumeMount
from events.catalog import DataType
from events.edge_resource import ResourceEndpoint
from events.node import NodeSettings
from events.volume import VolumeFile

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
TRICKY = st.sampled_from(
    [
        "on",
        "no",
        "true",
        "null",
        "~",
        "",
        "12:30",
        "0o17",
        "017",
        "1e3",
        "1_000",
        ".inf",
        "2026-01-02",
        "<<",
        "=",
        "- a",
        "a: b",
        "#",
        "'",
        '"',
        "two\nlines\n",
        " lead",
        "\ttab",
        "\u0085",
        "\ufeff",
    ]
)
WORDS = st.one_of(TEXT, TRICKY)
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
MICROSERVICES = st.builds(
    d.MicroserviceManifest,
    name=WORDS,
    node=WORDS,
    image=WORDS.filter(bool),
    registry=st.none() | WORDS,
    started=st.booleans(),
    command=st.lists(WORDS, max_size=3),
    env=st.dictionaries(WORDS, WORDS, max_size=3),
    ports=st.lists(
        st.builds(PortMapping, host=st.integers(1, 65535), container=st.integers(1, 65535)),
        max_size=2,
    ),
    volumes=st.lists(
        st.builds(VolumeMount, target=WORDS, source=WORDS, kind=st.sampled_from(VolumeKind)),
        max_size=2,
    ),
    health_check=st.none() | st.builds(HealthCheck, command=st.lists(WORDS, min_size=1)),
    cpu_limit=st.none() | st.floats(0.01, 64),
    config=st.dictionaries(WORDS, JSON, max_size=3),
)
APPLICATIONS = st.builds(
    Application,
    WORDS,
    st.builds(
        d.ApplicationManifest,
        description=WORDS,
        labels=LABELS,
        microservices=st.lists(MICROSERVICES, max_size=3, unique_by=lambda m: m.name),
    ),
)
NODES = st.builds(
    NodeManifest,
    WORDS,
    st.builds(
        NodeSettings,
        description=WORDS,
        labels=LABELS,
        tags=st.lists(WORDS, max_size=3),
        host=st.none() | WORDS,
        latitude=st.none() | st.floats(-90, 90),
    ),
)
REGISTRIES = st.builds(
    Registry,
    WORDS,
    st.builds(RegistrySpec, url=WORDS, username=WORDS, certificate=WORDS, public=st.booleans()),
)
CATALOG_ITEMS = st.builds(
    CatalogItem,
    WORDS,
    st.builds(
        CatalogItemManifest,
        images=st.dictionaries(st.sampled_from(["x86", "arm"]), WORDS),
        registry=st.none() | WORDS,
        disk_required=st.integers(0, 99),
        input=st.none() | st.builds(DataType, kind=WORDS),
    ),
)
EDGE_RESOURCES = st.builds(
    EdgeResource,
    st.builds("{}@{}".format, WORDS.filter(lambda word: "@" not in word), WORDS),
    st.builds(
        EdgeResourceManifest,
        description=WORDS,
        endpoints=st.lists(st.builds(ResourceEndpoint, name=WORDS, url=WORDS), max_size=2),
        tags=st.lists(WORDS, max_size=2),
        custom=st.dictionaries(WORDS, JSON, max_size=3),
    ),
)
TEMPLATES = st.builds(
    Template,
    WORDS,
    st.builds(
        TemplateManifest,
        variables=st.lists(st.builds(VariableManifest, key=WORDS, default=JSON), max_size=2),
        application=st.dictionaries(WORDS, JSON, max_size=3),
    ),
)
VOLUMES = st.builds(
    Volume,
    WORDS,
    st.builds(
        VolumeSpec,
        destination=WORDS,
        nodes=st.lists(WORDS, max_size=2),
        files=st.lists(st.builds(VolumeFile, path=WORDS, content=st.binary()), max_size=2),
    ),
)


@given(APPLICATIONS | NODES | REGISTRIES | CATALOG_ITEMS | EDGE_RESOURCES | TEMPLATES | VOLUMES)
def test_what_is_written_reads_back_as_it_was(manifest: Written) -> None:
    assert read_manifests([("m.yaml", manifest_text(manifest))]) == [manifest]


@given(st.dictionaries(WORDS, JSON, min_size=1))
def test_any_document_survives_its_yaml(document: dict[str, object]) -> None:
    assert [read.value for read in parsed(dumped(document))] == [document]


DEMO = """\
apiVersion: ecn/v1
kind: Application
metadata: {name: demo}
spec:
  microservices:
    - name: web
      node: local
      image: busybox
"""


def faults(*texts: str) -> list[str]:
    """What is said of files called 1.yaml, 2.yaml and so on."""
    with pytest.raises(BadManifest) as caught:
        read_manifests([(f"{i}.yaml", text) for i, text in enumerate(texts, 1)])
    assert caught.value.exit_code == 2
    return caught.value.message.splitlines()


def test_the_smallest_manifest_is_read() -> None:
    [manifest] = read_manifests([("demo.yaml", DEMO)])
    assert isinstance(manifest, Application)
    assert manifest.name == "demo"
    assert [m.image for m in manifest.body.microservices] == ["busybox"]


def test_nodes_and_registries_are_applied_before_what_needs_them() -> None:
    node = "apiVersion: ecn/v1\nkind: Node\nmetadata: {name: n}\n"
    registry = "apiVersion: ecn/v1\nkind: Registry\nmetadata: {name: r}\nspec: {url: r.example}\n"
    found = read_manifests([("all.yaml", f"{DEMO}---\n{registry}---\n{node}")])
    assert [type(m).__name__ for m in found] == ["NodeManifest", "Registry", "Application"]


def test_a_misspelt_field_is_named_with_its_place_and_what_was_meant() -> None:
    said = faults(DEMO.replace("image:", "imgae:"))
    assert said == [
        "1.yaml:8:7: spec.microservices[0].imgae: there is no such field; did you mean image?",
    ]


def test_a_microservice_says_what_to_run_in_exactly_one_way() -> None:
    wanted = "1.yaml:6:7: spec.microservices[0]: say what to run: "
    wanted += "exactly one of image, images, catalog_item"
    assert faults(DEMO.replace("image: busybox", "env: {}")) == [wanted]
    assert faults(DEMO.replace("image: busybox", "image: a\n      catalog_item: b")) == [wanted]


def test_a_misspelt_kind_is_named() -> None:
    assert faults(DEMO.replace("Application", "application")) == [
        "1.yaml:2:1: kind: 'application' is not a kind; did you mean Application?"
    ]


def test_another_version_is_refused() -> None:
    assert faults(DEMO.replace("ecn/v1", "ecn/v2")) == [
        "1.yaml:1:1: apiVersion: 'ecn/v2' is not known; write apiVersion: ecn/v1"
    ]


def test_a_number_where_text_belongs_is_told_to_be_quoted() -> None:
    assert faults(DEMO + "      env: {PORT: 80}\n") == [
        "1.yaml:9:13: spec.microservices[0].env.PORT: expected text, found 80; put it in quotes"
    ]


def test_on_and_no_are_text_as_people_mean_them() -> None:
    [manifest] = read_manifests([("m", DEMO + "      env: {DEBUG: on, SHELL: no, AT: 12:30}\n")])
    assert isinstance(manifest, Application)
    assert manifest.body.microservices[0].env == {"DEBUG": "on", "SHELL": "no", "AT": "12:30"}


def test_every_fault_of_every_file_is_told_at_once() -> None:
    said = faults(DEMO.replace("busybox", "7"), "a: [1\n", DEMO.replace("name: web", "name: [web]"))
    assert [line.partition(": ")[0] for line in said] == ["1.yaml:8:7", "2.yaml:2:1", "3.yaml:6:7"]


def test_broken_yaml_is_told_with_its_place() -> None:
    said = faults("kind: Application\n  name: x\n")
    assert said == ["1.yaml:2:7: this is not YAML: mapping values are not allowed here"]


def test_a_key_that_stands_twice_is_refused() -> None:
    assert faults("kind: Application\nkind: Node\n") == [
        "1.yaml:2:1: 'kind' stands here twice; first in line 1"
    ]


def test_a_thing_that_is_described_twice_is_refused() -> None:
    assert faults(DEMO, DEMO) == [
        "2.yaml:1:1: application 'demo' stands here again; first in 1.yaml:1"
    ]


def test_two_microservices_of_one_name_are_refused() -> None:
    again = "    - {name: web, node: local, image: x}\n"
    assert faults(DEMO + again) == [
        "1.yaml:9:8: spec.microservices[1].name: 'web' is the name of microservices[0] already"
    ]


def test_labels_in_the_wrong_place_are_shown_the_right_one() -> None:
    [said] = faults(DEMO + "  labels: {a: b}\n")
    assert said.endswith("(labels go into metadata.labels)")


def test_an_alias_bomb_ends_early() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    [said] = faults(bomb)
    assert "too large or too deep" in said


def test_an_alias_of_itself_is_refused() -> None:
    [said] = faults("a: &a [*a]\n")
    assert "contains itself" in said


def test_merge_keys_and_anchors_spare_repetition() -> None:
    text = DEMO.replace("    - name: web", "    - &web\n      name: web") + (
        "    - {<<: *web, name: api, image: other}\n"
    )
    [manifest] = read_manifests([("m.yaml", text)])
    assert isinstance(manifest, Application)
    assert [(m.name, m.node, m.image) for m in manifest.body.microservices] == [
        ("web", "local", "busybox"),
        ("api", "local", "other"),
    ]


REGISTRY = """\
apiVersion: ecn/v1
kind: Registry
metadata: {name: ours}
spec: {url: registry.example, username: ci, password_from: {env: OUR_PASSWORD}}
"""


def test_a_registrys_password_comes_from_the_environment() -> None:
    [registry] = read_manifests([("r.yaml", REGISTRY)])
    assert isinstance(registry, Registry)
    body = registry_body(registry, {"OUR_PASSWORD": "s3cret"}.get, str)
    assert body == d.RegistryManifest(url="registry.example", username="ci", password="s3cret")


def test_an_environment_without_it_is_told() -> None:
    [registry] = read_manifests([("r.yaml", REGISTRY)])
    assert isinstance(registry, Registry)
    with pytest.raises(BadManifest, match="the environment has no OUR_PASSWORD"):
        registry_body(registry, lambda _: None, str)


def test_two_sources_of_a_password_are_refused() -> None:
    [said] = faults(REGISTRY.replace("{env: OUR_PASSWORD}", "{env: A, file: b}"))
    assert said.endswith("give exactly one of env, file")
