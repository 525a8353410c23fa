"""The page's files hold what the page promises: nothing from elsewhere, one door to templates, no
markup out of texts, small files."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "ecn" / "dashboard" / "page"
OURS = sorted(
    each
    for each in PAGE.rglob("*")
    if each.suffix in (".js", ".css", ".html") and "vendor" not in each.parts
)
SCRIPTS = [each for each in OURS if each.suffix == ".js"]
LONGEST = 360
IMPORT = re.compile(
    r"^(?:import|export)\b[^'\"]*?from\s+'([^']+)'|^import\s+'([^']+)'", re.MULTILINE
)

FORBIDDEN = {
    "innerHTML": r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write",
    "lit's unsafe ways": r"unsafeHTML|unsafeSVG|unsafeCSS|unsafe-html",
    "code out of texts": r"\beval\s*\(|new Function\b|setTimeout\(\s*['\"]",
    "style attributes, which the policy blocks": r"\bstyle=|styleMap",
    "inline handlers": r"\son(?:click|error|load|submit|input|change)=",
    "addresses elsewhere": r"(?:https?:)?//(?!\$\{)[a-z0-9.-]+\.(?:com|org|net|io|dev)\b",
}


def read(path: Path) -> str:
    return path.read_text("utf-8")


def name(path: Path) -> str:
    return str(path.relative_to(PAGE))


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    comments = re.compile(r"/\*.*?\*/|^\s*//.*$", re.DOTALL | re.MULTILINE)
    found = [
        f"{name(each)}: {match.group()}"
        for each in OURS
        if (match := pattern.search(comments.sub("", read(each))))
    ]
    assert not found


def test_templates_come_by_one_door() -> None:
    found = [
        name(each)
        for each in SCRIPTS
        if name(each) != "core/html.js"
        and any("vendor" in "".join(path) for path in IMPORT.findall(read(each)))
    ]
    assert not found


def test_each_import_is_of_a_file_that_is_there() -> None:
    missing = []
    for each in SCRIPTS:
        for path in map("".join, IMPORT.findall(read(each))):
            assert path.startswith("."), f"{name(each)} imports {path}"
            if not (each.parent / path).exists():
                missing.append(f"{name(each)}: {path}")
    assert not missing


def test_core_knows_neither_views_nor_parts() -> None:
    outward = [
        f"{name(each)}: {path}"
        for each in SCRIPTS
        if each.parent.name == "core"
        for path in map("".join, IMPORT.findall(read(each)))
        if re.match(r"\.\./(?:views|parts|shell|acts|topology)/", path)
    ]
    assert not outward


def test_each_file_says_what_it_is_and_is_no_longer_than_one_can_read() -> None:
    for each in SCRIPTS:
        text = read(each)
        assert text.startswith("/**"), name(each)
        assert text.count("\n") <= LONGEST, name(each)


def test_each_style_and_script_of_the_page_is_there() -> None:
    page = read(PAGE / "index.html")
    for path in re.findall(r"ASSETS/([\w./-]+)", page):
        assert (PAGE / path).exists(), path
