"""The page on plans names what a container is made from, and all that a plan may say."""

import re

import pytest

from agent.contract import ContainerSpec
from ecn.api import plan_documents as p
from tests.docs.test_docs import DOCS, words_of

PAGE = "plan-and-revert.md"


@pytest.mark.parametrize("word", [*ContainerSpec.__struct_fields__, *p.Doing])
def test_each_cause_and_action_is_described(word: str) -> None:
    assert word in words_of(PAGE)


def test_each_warning_is_described() -> None:
    told = set[str]()
    for file in ("cautions.py", "restoring.py"):
        text = (DOCS.parent / "ecn" / "planning" / file).read_text()
        told |= set(re.findall(r'code="([a-z-]+)"', text))
    assert len(told) > 5
    assert told <= words_of(PAGE)


@pytest.mark.parametrize("change", p.AnyChange.__args__)
def test_each_change_has_an_example(change: type) -> None:
    tag = change.__struct_config__.tag  # type: ignore[attr-defined]
    assert f'"do": "{tag}"' in (DOCS / PAGE).read_text()
