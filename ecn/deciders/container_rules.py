"""Rules of a spec about its container's life: health, limits, replacement, order.

Called by spec_rules.py; the container's options are judged in option_rules.py. As in rules.py, each
raises Invalid with the field's place.
"""

from ecn.deciders import option_rules, rules
from ecn.errors import Invalid
from events.application import (
    LAST,
    HealthCheck,
    HttpProbe,
    MicroserviceSpec,
    ReplaceMode,
)

LEAST_MEMORY_MIB = 6  # Docker Engine refuses less
MOST_MIB = 1 << 30
"""A pebibyte: of any size. In bytes it is still a number that engines can read."""
MOST_DEPENDENCIES = 100


def container(value: MicroserviceSpec, *, field: str) -> None:
    """All of them."""
    if value.health_check is not None:
        _health_check(value.health_check, f"{field}.health_check")
    _limits(value, field)
    option_rules.options(value, field=f"{field}.options")
    if not 0 <= value.start_order <= LAST:
        raise Invalid(f"is not between 0 and {LAST}", field=f"{field}.start_order")
    _dependencies(value, f"{field}.depends_on")
    if value.replace is ReplaceMode.BLUE_GREEN:
        _side_by_side(value, f"{field}.replace")


def _health_check(check: HealthCheck, field: str) -> None:
    said = [
        name
        for name, given in (
            ("command", bool(check.command)),
            ("http", check.http is not None),
            ("tcp", check.tcp is not None),
            ("disabled", check.disabled),
        )
        if given
    ]
    if not said:
        raise Invalid("says nothing to check: needs a command, http, tcp, or disabled", field=field)
    if len(said) > 1:
        raise Invalid(f"has {' and '.join(said)}: one of these is enough", field=field)
    rules.words(check.command, f"{field}.command")
    if check.http is not None:
        _http(check.http, f"{field}.http")
    if check.tcp is not None:
        rules.port(check.tcp, field=f"{field}.tcp")
    for part in ("interval", "timeout"):
        if not 0.1 <= getattr(check, part) <= 86400:
            raise Invalid("is not between 0.1 and 86400 seconds", field=f"{field}.{part}")
    if not 0 <= check.start_period <= 86400:
        raise Invalid("is not between 0 and 86400 seconds", field=f"{field}.start_period")
    if not 1 <= check.retries <= 1000:
        raise Invalid("is not between 1 and 1000", field=f"{field}.retries")


def _http(probe: HttpProbe, field: str) -> None:
    rules.port(probe.port, field=f"{field}.port")
    for part in ("path", "host"):
        said = getattr(probe, part)
        rules.text(said, field=f"{field}.{part}")
        # Either ends up in a line of HTTP, which a line break or a space would end.
        if any(letter.isspace() or not letter.isprintable() for letter in said):
            raise Invalid("has a space or an unprintable character", field=f"{field}.{part}")
    if not probe.path.startswith("/"):
        raise Invalid(f"{probe.path!r} does not begin with '/'", field=f"{field}.path")


def _limits(value: MicroserviceSpec, field: str) -> None:
    memory = value.memory_limit_mib
    if memory is not None and not LEAST_MEMORY_MIB <= memory <= MOST_MIB:
        raise Invalid(
            f"is not between {LEAST_MEMORY_MIB} and {MOST_MIB} MiB",
            field=f"{field}.memory_limit_mib",
        )
    if value.cpu_limit is not None and not 0.01 <= value.cpu_limit <= 1024:
        raise Invalid("is not between 0.01 and 1024 cores", field=f"{field}.cpu_limit")
    if value.pids_limit is not None and not 1 <= value.pids_limit <= 1 << 22:
        raise Invalid(f"is not between 1 and {1 << 22}", field=f"{field}.pids_limit")
    if not 1 <= value.log_limit_mib <= 10240:
        raise Invalid("is not between 1 and 10240 MiB", field=f"{field}.log_limit_mib")
    disk = value.disk_limit_mib
    if disk is not None and not 1 <= disk <= MOST_MIB:
        raise Invalid(f"is not between 1 and {MOST_MIB} MiB", field=f"{field}.disk_limit_mib")


def _dependencies(value: MicroserviceSpec, field: str) -> None:
    """By themselves; what they name is looked up in dependencies.py."""
    if len(value.depends_on) > MOST_DEPENDENCIES:
        raise Invalid(f"has more than {MOST_DEPENDENCIES} entries", field=field)
    names: set[str] = set()
    for index, each in enumerate(value.depends_on):
        here = f"{field}[{index}].microservice"
        rules.name(each.microservice, field=here)
        if each.microservice in names:
            raise Invalid(f"{each.microservice!r} is there twice", field=here)
        names.add(each.microservice)


def _side_by_side(value: MicroserviceSpec, field: str) -> None:
    """Two containers of one microservice can't both have a port of the device."""
    if value.host_network:
        raise Invalid("blue-green is not possible on the device's own network", field=field)
    if value.ports:
        raise Invalid("blue-green is not possible with ports of the device", field=field)
