"""Rules that a node's settings must keep by themselves, as rules.py has them for the rest."""

import re

from ecn.deciders import rules
from ecn.errors import Invalid
from events.node import AgentSettings, NodeSettings, RouterSettings

MOST = 1 << 53
"""Of any number: what all that read JSON can hold."""

MOST_STORE = 1 << 20
"""MiB of undelivered messages: a tebibyte."""

NUMBERS = (
    "disk_limit_gib",
    "memory_limit_mib",
    "cpu_limit_percent",
    "log_limit_gib",
    "log_files",
    "status_interval",
    "change_interval",
    "device_scan_interval",
    "pruning_interval_hours",
    "disk_threshold_percent",
    "pull_limit_kib",
    "message_ttl",
)
TEXTS = (
    "engine_url",
    "network_interface",
    "disk_directory",
    "log_directory",
    "log_level",
    "time_zone",
)

# A public version of PEP 440 with a local part, no more: the device makes a requirement of it.
VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,62}(?:\+[0-9A-Za-z.]{1,30})?")


def version(value: str) -> None:
    """What an agent is to be upgraded to; empty is the newest. Errors: Invalid."""
    if value and not VERSION.fullmatch(value):
        raise Invalid(
            f"{value!r} is no version",
            field="$.version",
            next_step="Write it as packages do, for example 1.4.2.",
        )


def settings(value: NodeSettings) -> None:
    """All of a node's settings. Errors: Invalid."""
    for part in ("description", "host", "location"):
        rules.text(getattr(value, part) or "", field=f"$.settings.{part}")
    rules.labels(value.labels, field="$.settings.labels")
    rules.few(value.tags, "$.settings.tags")
    for tag in value.tags:
        rules.text(tag, field="$.settings.tags")
    for part, limit in (("latitude", 90), ("longitude", 180)):
        degrees = getattr(value, part)
        if degrees is not None and not -limit <= degrees <= limit:
            raise Invalid(
                f"is not between -{limit} and {limit} degrees", field=f"$.settings.{part}"
            )
    _agent(value.agent, "$.settings.agent")
    if value.router is not None:
        _router(value.router, "$.settings.router")


def _agent(value: AgentSettings, field: str) -> None:
    """Zeros are good here: ioFog's clients send them, and its agents keep what they have then."""
    for part in NUMBERS:
        if not 0 <= getattr(value, part) <= MOST:
            raise Invalid(f"is not between 0 and {MOST}", field=f"{field}.{part}")
    if not 1 <= value.message_store_mib <= MOST_STORE:
        raise Invalid(f"is not between 1 and {MOST_STORE}", field=f"{field}.message_store_mib")
    for part in TEXTS:
        rules.text(getattr(value, part) or "", field=f"{field}.{part}")


def _router(value: RouterSettings, field: str) -> None:
    for part in ("messaging_port", "edge_port", "inter_router_port"):
        port = getattr(value, part)
        if port is not None:
            rules.port(port, field=f"{field}.{part}")
    rules.few(value.upstreams, f"{field}.upstreams")
    for ref in value.upstreams:
        rules.text(ref, field=f"{field}.upstreams")
    rules.text(value.network_router, field=f"{field}.network_router")
