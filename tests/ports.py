"""Ports that tests may listen on, and listen on again after what listened was killed.

They lie below those that the kernel gives to whoever connects: one of those could be taken by any
connection of the machine in the very moment in which a server that was killed is away.
"""

import itertools
import os
import random
import socket

FIRST = 10_000
LAST = 32_767
"""Linux gives 32768 and above to connections (net.ipv4.ip_local_port_range)."""
WORKERS = 32
"""Each worker of a run takes from a share of its own."""

_SHARE = (LAST - FIRST + 1) // WORKERS
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_offsets = itertools.count(random.randrange(_SHARE))


def free_port() -> int:
    """A port that nobody listens on at any address, and that no other test of this run gets."""
    for offset in itertools.islice(_offsets, _SHARE):
        port = FIRST + _worker * _SHARE + offset % _SHARE
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port
    raise OSError(f"none of the {_SHARE} ports of this worker is free")


def free_ports(count: int) -> list[int]:
    """So many of them."""
    return [free_port() for _ in range(count)]
