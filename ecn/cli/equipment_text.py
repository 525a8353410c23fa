"""How a microservice's container is kept and equipped, as `ecn describe` shows it. Pure.

What is as it is for every microservice of which nothing else is said is left out.
"""

from collections.abc import Iterator

from ecn.api import documents as d
from ecn.cli.field_text import value_text
from ecn.cli.manifest_text import sparse
from events.application import LAST, Condition, ConflictRule, Dependency, HealthCheck, ReplaceMode
from events.container_options import ContainerOptions
from events.node import NodeAccess, Reach

Line = tuple[str, str]


def lines(ms: d.MicroserviceDocument) -> Iterator[Line]:
    """Label and text of each; a text may have several lines."""
    yield "Waits for", "\n".join(_wait(each) for each in ms.depends_on)
    yield "Start order", "" if ms.start_order == LAST else str(ms.start_order)
    yield "Replaced", "beside the old one" if ms.replace is ReplaceMode.BLUE_GREEN else ""
    disk = ms.disk_limit_mib
    yield "Disk limit", "" if disk is None else f"{disk} MiB"
    yield "Options", "\n".join(_options(ms.options))
    rule = ms.twin_conflicts
    yield "Twin conflicts", "" if rule is ConflictRule.MERGE else rule.value


def health_text(check: HealthCheck) -> str:
    """What is checked, in one line."""
    if check.disabled:
        return "not checked"
    if check.http is not None:
        host = f" ({check.http.host})" if check.http.host else ""
        return f"GET {check.http.path} on port {check.http.port}{host}"
    if check.tcp is not None:
        return f"connecting to port {check.tcp}"
    return " ".join(word if word and " " not in word else repr(word) for word in check.command)


def access_text(access: NodeAccess) -> str:
    """What may be done on a node, where it is not as on every node."""
    usual, parts = NodeAccess(), []
    if access.privileged:
        parts.append("containers may have power over the device")
    if access.settings:
        parts.append("its device may change its settings")
    for name, reach, other in (
        ("logs", access.logs, usual.logs),
        ("exec", access.exec, usual.exec),
        ("port-forward", access.forward, usual.forward),
        ("tunnel", access.tunnel, usual.tunnel),
    ):
        if reach is not other:
            parts.append(f"{name} for {_whom(reach)}")
    return ", ".join(parts)


def _whom(reach: Reach) -> str:
    return {Reach.NOBODY: "nobody", Reach.VIEWER: "everybody"}.get(reach, f"{reach}s")


def _wait(each: Dependency) -> str:
    what = "" if each.condition is Condition.STARTED else f" ({each.condition})"
    return f"{each.microservice}{what}"


def _options(options: ContainerOptions) -> Iterator[str]:
    for name, value in sparse(options).items():
        yield f"{name}: {value_text(value, longest=None)}"
