"""Which page a request comes from: what browsers send, and what they never would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecn.dashboard import cookies
from ecn.dashboard.origin import foreign, is_of

labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=9)
names = st.one_of(
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
ports = st.integers(1, 65535)
schemes = st.sampled_from(["http", "https"])
OWN = {"http": 80, "https": 443}


def written(name: str, port: int, scheme: str) -> str:
    """As browsers write a host: without the port that is the scheme's own."""
    return name if port == OWN[scheme] else f"{name}:{port}"


@given(schemes, names, ports)
def test_a_page_is_of_the_host_that_it_came_from(scheme: str, name: str, port: int) -> None:
    host = written(name, port, scheme)
    assert is_of(f"{scheme}://{host}", host, https=scheme == "https")
    # A proxy may write the port although it is the scheme's own.
    assert is_of(f"{scheme}://{host}", f"{name}:{port}", https=scheme == "https")
    assert is_of(f"{scheme}://{host}".upper(), host, https=False)


@given(schemes, names, ports, names, ports)
def test_another_name_or_port_is_another_page(
    scheme: str, name: str, port: int, other_name: str, other_port: int
) -> None:
    same = (name, port) == (other_name, other_port)
    origin = f"{scheme}://{written(name, port, scheme)}"
    assert is_of(origin, written(other_name, other_port, scheme), https=False) is same


@given(names, ports)
def test_where_tls_is_spoken_a_page_without_it_is_another(name: str, port: int) -> None:
    assert not is_of(f"http://{written(name, port, 'http')}", f"{name}:{port}", https=True)


@given(st.text(max_size=40), names, st.booleans())
def test_what_is_no_origin_is_never_ours(text: str, name: str, https: bool) -> None:
    if not text.lower().startswith(("http://", "https://")):
        assert not is_of(text, name, https=https)
    assert not is_of(f"https://{name}/{text}", name, https=https)
    assert not is_of(f"https://{text}@{name}", name, https=https)


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_nothing_that_is_sent_makes_it_stumble(origin: str, host: str, https: bool) -> None:
    headers = {"Origin": origin, "Host": host}
    if is_of(origin, host, https=https):
        assert foreign("POST", headers, https=https) == ""
    else:
        assert foreign("GET", headers, https=https)
    cookies.set_to("x", host, https=https, seconds=1).encode("ascii")


@pytest.mark.parametrize(
    "origin", ["null", "", "http://", "http://:80", "http://a:b", "http://a:0"]
)
def test_no_page_is_of_none(origin: str) -> None:
    assert not is_of(origin, "a", https=False)
    assert not is_of(origin, "", https=False)


POST, GET = "POST", "GET"
UPGRADE = {"Upgrade": "websocket", "Origin": "http://a"}


@pytest.mark.parametrize(
    ("method", "headers", "good"),
    [
        (GET, {}, True),  # a program, or a browser over http, which says nothing
        (GET, {"Sec-Fetch-Site": "same-origin"}, True),
        (GET, {"Sec-Fetch-Site": "none"}, True),
        (GET, {"Sec-Fetch-Site": "same-site"}, False),  # another port of this very host
        (GET, {"Sec-Fetch-Site": "cross-site"}, False),
        (GET, {"Origin": "http://b"}, False),
        (POST, {}, True),
        (POST, {"Origin": "http://a"}, True),
        (POST, {"Origin": "http://a", "Sec-Fetch-Site": "same-origin"}, True),
        (POST, {"Origin": "http://a", "Sec-Fetch-Site": "none"}, False),
        (POST, {"Origin": "http://a", "Sec-Fetch-Site": "same-site"}, False),
        (POST, {"Origin": "http://a:8080"}, False),
        (POST, {"Origin": "null"}, False),
        (GET, UPGRADE, True),
        (GET, {"Upgrade": "websocket"}, False),
        (GET, {"Upgrade": "WebSocket"}, False),
        (GET, {**UPGRADE, "Origin": "http://b"}, False),
        (GET, {**UPGRADE, "Sec-Fetch-Site": "same-origin"}, True),
        (GET, {**UPGRADE, "Sec-Fetch-Site": "none"}, False),
    ],
)
def test_what_browsers_say_of_a_page(method: str, headers: dict[str, str], good: bool) -> None:
    why = foreign(method, {"Host": "a", **headers}, https=False)
    assert (why == "") is good, why


def test_cookies_of_two_ports_don_t_meet() -> None:
    told = {cookies.name_of(host, https=False) for host in ("a", "a:51121", "a:51122", "a:443")}
    assert told == {"ecn-session", "ecn-session-51121", "ecn-session-51122"}


def test_over_tls_a_cookie_is_of_that_very_host() -> None:
    said = cookies.set_to("x", "a:51121", https=True, seconds=60)
    assert said == (
        "__Host-ecn-session-51121=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
    )
    assert "Secure" not in cookies.set_to("x", "a", https=False, seconds=60)


@pytest.mark.parametrize(
    ("told", "https"),
    [("", False), ("http", False), ("https", True), ("HTTPS, http", True), ("http, https", False)],
)
def test_a_proxy_tells_that_it_speaks_tls(told: str, https: bool) -> None:
    assert cookies.came_by_https({"X-Forwarded-Proto": told}, secure=False) is https
    assert cookies.came_by_https({"X-Forwarded-Proto": told}, secure=True)
