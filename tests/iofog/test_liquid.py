"""Templates in JSON documents: what they give, what they leave alone, what they may not do."""

import copy
import time
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.errors import NotFound
from ecn.iofog.liquid import NO_LOOKUPS, render
from ecn.iofog.refusals import Refusal

KEYS = st.text("abcdefgh-_", max_size=6)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text().filter(lambda said: "{{" not in said and "{%" not in said),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
WORDS = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "|", ":", ",", ".", "[", "]", "(", ")", "..", '"', "'", " ", "-",
        "self", "a", "agent-1", "1", "-7", "99999999999", "1.5", "nil", "true", "empty", "=",
        "if", "endif", "for", "in", "endfor", "assign", "capture", "endcapture", "case", "when",
        "map", "first", "where", "times", "divided_by", "round", "slice", "split", "join", "sort",
        "uniq", "date", "default", "replace", "append", "findAgent", "findMicroserviceAgent",
        "findApplication", "findEdgeResource", "toNumber", "include", "render", "liquid", "raw",
        "endraw", "tablerow", "cycle", "increment", "break", "unless", "size", "contains",
    ]
)  # fmt: skip
TEMPLATES = st.lists(WORDS, max_size=12).map("".join) | st.builds(
    lambda filters: "{{ self.a | " + " | ".join(filters) + " }}",
    st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=3),
)


class Network:
    """Two nodes, an application and an edge resource."""

    def __init__(self) -> None:
        self.asked = 0
        self.nodes = [
            {"uuid": "1" * 32, "name": "node1", "host": "1.2.3.4"},
            {"uuid": "2" * 32, "name": "node2", "host": "1.2.3.5"},
        ]

    def agents(self) -> Sequence[object]:
        self.asked += 1
        return self.nodes

    def agent(self, name: str) -> object:
        return self._by("name", name)

    def agent_by_id(self, uuid: str) -> object:
        return self._by("uuid", uuid)

    def application(self, name: str) -> object:
        if name != "application-name-1":
            return None
        ports = [{"internal": 6379, "external": 6379, "protocol": "tcp"}]
        redis = {"name": "redistest", "iofogUuid": "1" * 32, "ports": ports}
        return {"name": name, "microservices": [redis]}

    def edge_resource(self, name: str, version: str | None) -> object:
        ends = [{"name": "version", "url": "/v"}, {"name": "liveness", "url": "/live"}]
        return {"name": name, "version": version or "0.0.1", "interface": {"endpoints": ends}}

    def _by(self, key: str, value: str) -> object:
        for node in self.nodes:
            if node[key] == value:
                return node
        raise NotFound("node", value)


def rendered(template: str, **names: object) -> object:
    """What becomes of one text, beside others of the document."""
    document = {**names, "it": template}
    result = render(document, Network())
    assert isinstance(result, dict)
    return result["it"]


@given(PLAIN)
def test_a_document_without_templates_is_unchanged(document: object) -> None:
    before = copy.deepcopy(document)
    assert render(document, NO_LOOKUPS) is document
    assert document == before


@given(PLAIN, TEMPLATES)
def test_what_stands_beside_a_template_is_unchanged(beside: object, template: str) -> None:
    document = {"beside": copy.deepcopy(beside), "it": template, "after": copy.deepcopy(beside)}
    after = render(document, Network())
    assert isinstance(after, dict)
    assert (after["beside"], after["after"]) == (beside, beside)


@given(st.dictionaries(KEYS, st.lists(TEMPLATES, max_size=3), max_size=4))
def test_rendering_gives_json_or_a_refusal_and_nothing_else(document: dict[str, object]) -> None:
    try:
        after = render(document, Network())
    except Refusal:
        return
    assert msgspec.json.decode(msgspec.json.encode(after)) is not None


@given(st.integers() | st.booleans() | st.none() | st.text() | st.lists(st.integers(), max_size=3))
def test_one_output_alone_keeps_its_type(value: object) -> None:
    document = {"value": value, "it": "{{ self.value }}"}
    # Texts of the value may be templates themselves: those are rendered first.
    after = render(document, NO_LOOKUPS)
    assert isinstance(after, dict)
    assert after["it"] == after["value"]
    assert type(after["it"]) is type(after["value"])


MICROSERVICES = [
    {
        "name": "msvc-1",
        "iofogUuid": "2" * 32,
        "env": [{"key": "http_proxy", "value": "http://p"}, {"key": "token", "value": "t"}],
        "ports": [{"internal": 80, "external": 1882}],
    }
]
IN_MSVC_1 = '{{ self.microservices | where: "name", "msvc-1" | first '


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{{ self.name | upcase }}", "APP"),
        (
            IN_MSVC_1 + '| map: "env" | first | where: "key" , "http_proxy" | first '
            '| map: "value" | first }}',
            "http://p",
        ),
        (
            '{%  assign cur= self.microservices | where: "name", "msvc-1" | first %}'
            '{{ cur | findMicroserviceAgent | map: "host" | first }}',
            "1.2.3.5",
        ),
        (IN_MSVC_1 + '| map: "ports" | first | map: "external" | first | toString }}', "1882"),
        (IN_MSVC_1 + '| map: "ports" | first | map: "external" | first }}', 1882),
        (
            '{% assign redisApp = "application-name-1" | findApplication %}'
            '{% assign redis =  redisApp.microservices | where: "name", "redistest" | first %}'
            '{{ redis | findMicroserviceAgent | map: "host"}}:'
            '{{ redis | map: "ports" | first | first | map: "external" | first | toString }}',
            "1.2.3.4:6379",
        ),
        (
            '{{ "com.orange.smart-door" | findEdgeResource: "0.0.1" | map: "interface" '
            '| map: "endpoints" | first  | where: "name", "liveness" | first '
            '| map: "url" | first }}',
            "/live",
        ),
        (
            '{{ "com.orange.smart-door" | findEdgeResource            | map: "interface" '
            '| map: "endpoints" | first  | where: "name", "version" | first '
            '| map: "url" | first }}',
            "/v",
        ),
        ('{% assign agent = "" | findAgent | first %}{{ agent.name }}', "node1"),
    ],
)
def test_the_expressions_of_iofogs_own_tests(template: str, result: object) -> None:
    assert rendered(template, name="app", microservices=MICROSERVICES) == result


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("x{{ self.many }}", "x12"),
        ("{{ self.one }}:1", "x:1"),
        ("x{{ nope.at.all }}y", "xy"),
        ("{{ nope }}", ""),
        ("{{ self.nothing }}", None),
        ("{{ self.one | frobnicate }}", ["x"]),
        ('{{ self["many"][1] }}', 2),
        ("{{ self.many.size }}{{ self.many.first }}", "21"),
        ("{{ 7 | divided_by: 2 }}", 3.5),
        ('{{ "5" | plus: 1 }}', 6),
        ('{{ "8080" | toNumber }}', 8080),
        ('{{ "true" | toBoolean }}', True),
        ('{{ "no number" | toNumber }}', "no number"),
        ("{% for each in self.many %}{{ each }},{% endfor %}", "1,2,"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
    ],
)
def test_it_is_as_lenient_as_the_original(template: str, result: object) -> None:
    assert rendered(template, many=[1, 2], one=["x"], nothing=None) == result


def test_variables_may_have_hyphens_and_any_type() -> None:
    document = {"host": "{{ agent-1-name }}", "port": "{{ the-port }}"}
    variables = {"agent-1-name": "node1", "the-port": 80}
    assert render(document, NO_LOOKUPS, variables) == {"host": "node1", "port": 80}


def test_a_text_sees_those_before_it_as_they_came_out() -> None:
    document: dict[str, object] = {"a": "{{ 1 | plus: 1 }}", "b": "{{ self.a | plus: 1 }}"}
    assert render(document, NO_LOOKUPS) == {"a": 2, "b": 3}


def test_an_error_becomes_the_text() -> None:
    assert "unknown" not in str(rendered("{{ 'node1' | findAgent | map: 'name' }}"))
    assert "nobody" in str(rendered("{{ 'nobody' | findAgent }}"))
    assert "Syntax" in str(rendered("{{ a b c }}"))


@pytest.mark.parametrize("tag", ["include", "render", "liquid"])
def test_no_tag_reads_a_file(tag: str) -> None:
    assert "root:" not in str(rendered("{% " + tag + " '/etc/passwd' %}"))
    assert "unexpected tag" in str(rendered("{% " + tag + " '/etc/passwd' %}"))


def test_the_network_is_asked_once_for_one_thing() -> None:
    network = Network()
    render([" {{ '' | findAgent | size }} {{ '' | findAgent | size }}"] * 10, network)
    assert network.asked == 1


def test_what_is_put_in_is_a_copy() -> None:
    document: dict[str, object] = {"a": [1], "b": "{{ self.a }}", "c": "{{ self }}"}
    after = render(document, NO_LOOKUPS)
    assert isinstance(after, dict)
    after["b"].append(2)
    assert after["a"] == [1]
    assert msgspec.json.encode(after)


@pytest.mark.parametrize(
    "template",
    [
        "{{ (1..99999999999) | join }}",
        "{{ (1..99999999999999999999999) }}",
        "{% for a in (1..9999999999) reversed %}{% endfor %}",
        "{% for a in (1..1000) %}{% for b in (1..1000) %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in (1..1000) %}{% endfor %}" * 2000,
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | replace: 'x', a %}" * 9 + "{{ a }}",
        "{% assign a = 99999999999 %}" + "{% assign a = a | times: a %}" * 60 + "{{ a }}",
        "{{ 5 | round: -9999999999 }}{{ 5 | round: 9999999999 }}",
        "{{" + "a" * 200_000 + "}}",
        "{% if true %}" * 500 + "{% endif %}" * 500,
        "{{ 'now' | date: '%999999999d' }}",
        "{% raw %}" + "{{" * 50_000,
        "{% raw %}" * 13_000,
        "{% doc %}" * 13_000,
        "{{" + " " * 120_000 + "}}",
        ("{{" + " " * 990 + "}}") * 120,
        ("{% if" + " " * 980 + "%}") * 120,
        ("{{" + "(" * 990 + "}}") * 120,
        ("{{" + "['" * 490 + "}}") * 120,
        ("{{" + " " * 50 + "}}") * 2400,
        "{{ 'aaaaaaaa" * 10_000,
        "{{" * 60_000,
        "{% comment %}" * 9_000,
    ],
)
def test_what_would_take_for_ever_ends_soon(template: str) -> None:
    began = time.monotonic()
    try:
        result = str(rendered(template))
    except Refusal as e:
        result = e.message
    assert len(result) < 2 << 20
    assert time.monotonic() - began < 3


def test_copies_of_copies_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(Refusal, match="too much"):
        render({str(key): "{{ self }}" for key in range(100)}, NO_LOOKUPS)


def test_a_million_plain_texts_cost_little() -> None:
    document = [{"key": "a", "value": "plain {text} with % signs"}] * 500_000
    began = time.monotonic()
    render(document, NO_LOOKUPS)
    assert time.monotonic() - began < 3
