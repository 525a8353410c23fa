"""Paths are matched as ioFog's server matches them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.api.iofog.app import ENDPOINTS
from ecn.api.iofog.endpoint import Endpoint
from ecn.api.iofog.route_table import RouteTable

TABLE: RouteTable[Endpoint] = RouteTable((each.method, each.path, each) for each in ENDPOINTS)
SEGMENT = st.text(min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))


@st.composite
def calls(draw: st.DrawFn) -> tuple[Endpoint, str, dict[str, str]]:
    """An endpoint, a path to it, and what its parameters are there."""
    endpoint = draw(st.sampled_from(ENDPOINTS))
    named: dict[str, str] = {}
    segments = []
    for segment in endpoint.path.split("/")[1:]:
        if segment.startswith("{"):
            value = named[segment[1:-1]] = draw(SEGMENT)
            segments.append(quote(value, safe=""))
        else:
            flips = draw(st.lists(st.booleans(), min_size=len(segment), max_size=len(segment)))
            letters = zip(segment, flips, strict=True)
            segments.append("".join(x.swapcase() if flip else x for x, flip in letters))
    end = draw(st.sampled_from(["", "/"]))
    return endpoint, "/" + "/".join(segments) + end, named


@given(calls())
def test_each_endpoint_is_found_in_any_case_and_with_a_slash(
    call: tuple[Endpoint, str, dict[str, str]],
) -> None:
    endpoint, path, named = call
    found = TABLE.find(endpoint.method, path)
    assert found is not None
    literals = {each.lower() for each in endpoint.path.split("/")}
    if not any(value.lower() in LITERALS for value in named.values()):
        assert found == (endpoint, named), literals


LITERALS = {segment.lower() for each in ENDPOINTS for segment in each.path.split("/")}


@given(st.sampled_from(ENDPOINTS))
def test_with_two_slashes_nothing_is_found(endpoint: Endpoint) -> None:
    assert (
        TABLE.find(endpoint.method, endpoint.path.replace("{", "").replace("}", "") + "//") is None
    )


SMALL = RouteTable(
    [
        ("GET", "/t/{name}", "one"),
        ("POST", "/t/yaml", "upload"),
        ("PUT", "/t/{name}", "put"),
        ("PUT", "/t/yaml/{name}", "put upload"),
        ("GET", "/t/{name}/{version}", "version"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/t/yaml", ("upload", {})),
        ("GET", "/t/yaml", ("one", {"name": "yaml"})),
        ("HEAD", "/t/yaml", ("one", {"name": "yaml"})),
        ("PUT", "/t/yaml/x", ("put upload", {"name": "x"})),
        ("GET", "/t/yaml/x", ("version", {"name": "yaml", "version": "x"})),
        ("GET", "/T/a%2Fb", ("one", {"name": "a/b"})),
        ("POST", "/t/other", None),
        ("GET", "/t", None),
        ("GET", "/t/", None),
        ("GET", "", None),
        ("GET", "t/x", None),
    ],
)
def test_literals_go_before_parameters_but_not_for_other_methods(
    method: str, path: str, found: tuple[str, dict[str, str]] | None
) -> None:
    assert SMALL.find(method, path) == found


def test_what_was_found_once_is_found_again_the_same() -> None:
    _, named = SMALL.find("GET", "/t/x") or ("", {})
    named["name"] = "changed"
    assert SMALL.find("GET", "/t/x") == ("one", {"name": "x"})


def test_two_endpoints_cannot_share_a_path() -> None:
    with pytest.raises(ValueError, match="twice"):
        RouteTable([("GET", "/a", 1), ("GET", "/A", 2)])
