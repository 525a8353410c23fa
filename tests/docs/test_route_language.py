"""What docs/route-language.md says of conditions is so, and it says all there is."""

import ast
import re
from pathlib import Path

import pytest

from routing.language import NotTheLanguage, Reading, compiled, parse_condition, parse_query
from routing.language.functions import FUNCTIONS
from routing.language.parse import DEEPEST, LONGEST, MOST_PARTS
from routing.language.reading import SYSTEM
from routing.message import Message

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "route-language.md").read_text()
ROWS = [
    [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("|")
]
OUTCOMES = {"true": True, "false": False, "undefined": None}
MESSAGE = Message(
    properties={"temp": "71", "severity": "high"},
    content_type="application/json",
    content_encoding="utf-8",
    body=b'{"t": {"v": 71}, "tags": ["a", "b"], "ok": true}',
)


def conditions() -> list[tuple[str, bool | None]]:
    return [
        (row[0].strip("`"), OUTCOMES[row[1]])
        for row in ROWS
        if len(row) == 3 and row[1] in OUTCOMES and row[0].startswith("`")
    ]


@pytest.mark.parametrize(("text", "outcome"), conditions())
def test_each_example_comes_out_so(text: str, outcome: bool | None) -> None:
    assert compiled(parse_condition(text))(Reading(MESSAGE)) is outcome


def test_there_are_examples() -> None:
    assert len(conditions()) > 20


def test_each_row_of_the_truth_table_is_so() -> None:
    rows = [row for row in ROWS if len(row) == 5 and row[0] in OUTCOMES]
    assert len(rows) == 3
    for x, y, both, either, no in rows:
        for text, outcome in ((f"{x} AND {y}", both), (f"{x} OR {y}", either), (f"NOT {x}", no)):
            assert compiled(parse_condition(text))(Reading(MESSAGE)) is OUTCOMES[outcome]


WAYS_TO_SAY_IT = ("with", "that", "of", "whose", "but", "by")
THINGS_TO_WRITE = [
    row[1].strip("`") for row in ROWS if len(row) == 2 and row[0].startswith(WAYS_TO_SAY_IT)
]


@pytest.mark.parametrize("text", THINGS_TO_WRITE)
def test_each_thing_to_write_is_of_the_language(text: str) -> None:
    parse_condition(text)


def test_each_source_and_sink_is_of_the_language() -> None:
    sources = re.findall(r"^\| `(/\S+)` \|", PAGE, re.MULTILINE)
    sinks = [row[0].strip("`") for row in ROWS if row[0].startswith(("`$upstream", "`Brokered"))]
    assert (len(sources), len(sinks)) == (7, 2)
    for source in sources:
        for sink in sinks:
            parse_query(f"FROM {source} INTO {sink}")


def test_each_query_in_its_manifest_is_of_the_language() -> None:
    for query in re.findall(r'query: "([^"]+)"', PAGE):
        parse_query(query)


def test_the_problem_it_shows_is_the_problem_that_there_is() -> None:
    with pytest.raises(NotTheLanguage) as caught:
        parse_condition("temp > 70")
    excerpt = "".join(f"  {line}\n" for line in caught.value.excerpt.splitlines())
    assert f"{caught.value.sentence}\n{excerpt}" in PAGE


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_each_function_is_described(function: str) -> None:
    assert f"`{function}(" in PAGE


@pytest.mark.parametrize("name", sorted(SYSTEM))
def test_each_property_of_the_network_is_described(name: str) -> None:
    assert f"`${name}`" in PAGE


@pytest.mark.parametrize("limit", [LONGEST, DEEPEST, MOST_PARTS])
def test_each_limit_is_told(limit: int) -> None:
    assert re.search(rf"\b{limit}\b", PAGE)


@pytest.mark.parametrize("page", ["sdk.md", "../routing/sdk/README.md"])
def test_the_programs_of_the_sdks_pages_compile(page: str) -> None:
    programs = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert programs
    for program in programs:
        compile(program, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
