"""How fields and values are written on a line: short, and never to be taken for something else."""

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecn.api.history_documents import Aspect, FieldChange
from ecn.cli.field_text import change_text, path_text, value_text
from ecn.history.fields import same

texts = st.text(max_size=6) | st.sampled_from(["none", "true", "1", "1e22", "[]", "{}", "[1:2]"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(texts, scalars, max_size=2)


@given(values, values)
@example("\x1b", "\\x1b")
@example("a b", "a\nb")
@example([{"host": 1, "container": 2}], "[1:2]")
def test_different_values_are_written_differently(one: object, other: object) -> None:
    if not same(one, other):
        assert value_text(one, longest=None) != value_text(other, longest=None)


@given(values)
def test_a_value_is_one_line_without_control_characters(value: object) -> None:
    assert value_text(value, longest=None).isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("nginx:1.27", "nginx:1.27"),
        ("Good day", "Good day"),
        ("", '""'),
        ("80", '"80"'),
        ("true", '"true"'),
        (80, "80"),
        (True, "true"),
        (None, "none"),
        (["sleep", "1"], '["sleep", "1"]'),
        ([{"host": 80, "container": 8080, "protocol": "udp", "address": ""}], "[80:8080/udp]"),
        ([{"host": 80, "container": 8080, "address": "10.0.0.1"}], "[10.0.0.1:80:8080]"),
    ],
)
def test_a_value_as_people_write_it(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_long_value_is_cut_on_a_terminal_alone() -> None:
    assert len(value_text("x" * 100)) == 60
    assert len(value_text("x" * 100, longest=None)) == 100


@pytest.mark.parametrize(
    ("path", "text"),
    [("/image", "image"), ("/env/TITLE", "env.TITLE"), ("/labels/a.b~1c", 'labels."a.b/c"')],
)
def test_a_path_as_people_write_it(path: str, text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (FieldChange(path="/a", aspect=Aspect.WANTED, before=1, after=2), "a: 1 -> 2"),
        (FieldChange(path="/a", aspect=Aspect.WANTED, after="x"), "a: + x"),
        (FieldChange(path="/a", aspect=Aspect.WANTED, before="x"), "a: - x"),
        (
            FieldChange(path="/status/state", aspect=Aspect.REPORTED, before="a", after="b"),
            "reported state: a -> b",
        ),
        (
            FieldChange(path="/node_id", aspect=Aspect.WANTED, before="1", after="2"),
            "node: east -> west",
        ),
        (
            FieldChange(
                path="/password", aspect=Aspect.WANTED, before="sealed:1", after="sealed:2"
            ),
            "password: replaced",
        ),
        (
            FieldChange(path="/password", aspect=Aspect.WANTED, before=None, after="sealed:2"),
            "password: set",
        ),
        (
            FieldChange(path="/password", aspect=Aspect.WANTED, before="sealed:2", after=None),
            "password: withdrawn",
        ),
    ],
)
def test_a_change_as_people_read_it(change: FieldChange, text: str) -> None:
    names = {"node/1": "east", "node/2": "west"}
    assert click.unstyle(change_text(change, names)) == text
