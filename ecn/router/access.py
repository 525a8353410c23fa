"""Who may connect to a public port. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = Sequence[IPv4Network | IPv6Network]


def networks(allow: Sequence[str]) -> Networks:
    """As the controller says them; it has checked them."""
    return [ip_network(each) for each in allow]


def allowed(client: str, among: Networks) -> bool:
    """Whether connections are taken from that address. Without rules: from everywhere."""
    if not among:
        return True
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in each for each in among if each.version == address.version)
