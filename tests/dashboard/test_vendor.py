"""The one library in the page is what its makers published, byte for byte."""

import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PUBLISHED = HERE / "node_modules" / "lit-html"
VENDORED = HERE.parents[1] / "ecn" / "dashboard" / "page" / "vendor" / "lit-html"
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)


def test_the_vendored_library_is_the_published_one_but_for_source_maps() -> None:
    if not PUBLISHED.exists():
        pytest.skip("lit-html is not installed: npm ci --prefix tests/dashboard")
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["devDependencies"]["lit-html"]
    assert json.loads((PUBLISHED / "package.json").read_text("utf-8"))["version"] == wanted
    assert wanted in (VENDORED.parent / "README.md").read_text("utf-8")
    files = sorted(each for each in VENDORED.rglob("*") if each.suffix in (".js", ".ts"))
    assert files
    for each in files:
        name = each.relative_to(VENDORED)
        published = (PUBLISHED / name).read_text("utf-8")
        ours = each.read_text("utf-8")
        assert SOURCE_MAP.sub("", ours).rstrip() == SOURCE_MAP.sub("", published).rstrip(), name


def test_its_licence_is_with_it() -> None:
    assert "BSD 3-Clause" in (VENDORED / "LICENSE").read_text("utf-8")
