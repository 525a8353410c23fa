"""Who may connect to a public port."""

import ipaddress

from hypothesis import assume, given
from hypothesis import strategies as st

from ecn.router.access import allowed, networks
from ecn.router.pages import page, status_of
from routing.proxy.frames import Why


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_in_each_network_that_is_made_of_it(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int
) -> None:
    # One of IPv4 that came in by IPv6 is taken for what it is: see below.
    assume(address.version == 4 or address.ipv4_mapped is None)
    network = ipaddress.ip_network((address, min(prefix, address.max_prefixlen)), strict=False)
    assert allowed(str(address), networks([str(network)]))


def test_without_rules_everybody_may() -> None:
    assert allowed("192.0.2.1", networks([]))


def test_an_address_of_ipv4_that_came_in_by_ipv6_is_the_same() -> None:
    rules = networks(["192.0.2.0/24"])
    assert allowed("::ffff:192.0.2.1", rules)
    assert not allowed("::ffff:198.51.100.1", rules)
    assert not allowed("2001:db8::1", rules)


def test_a_link_local_address_with_its_interface_is_understood() -> None:
    assert allowed("fe80::1%eth0", networks(["fe80::/10"]))
    assert not allowed("", networks(["0.0.0.0/0"]))


def test_a_page_is_a_whole_answer() -> None:
    for why in Why:
        head, _, body = page(status_of(why), "ü").partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        assert b"Connection: close" in head
    assert status_of(Why.NOT_RUNNING) == 503
    assert status_of(Why.SILENT) == 504
    assert status_of(Why.REFUSED) == 502
