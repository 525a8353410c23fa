"""Rules of a container's options: what engines would refuse, or understand as something else.

They are refused here, where somebody reads the answer, rather than on a device at night. What a
node may forbid is in host_powers.py. As in rules.py, each raises Invalid with the field's place.
"""

import re
from pathlib import PurePosixPath
from posixpath import normpath

from ecn.deciders import rules
from ecn.deciders.kernel_words import (
    CAPABILITIES,
    LOG_DRIVERS,
    NAMESPACED_SYSCTLS,
    SIGNALS,
    ULIMITS,
    capability,
)
from ecn.errors import Invalid
from events.application import MicroserviceSpec
from events.container_options import ContainerOptions, Device, Gpus, Namespace, Ulimit

USER = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,10})")
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"\.|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")
CPUS = re.compile(r"[0-9]{1,4}(?:-[0-9]{1,4})?(?:,[0-9]{1,4}(?:-[0-9]{1,4})?)*")
RUNTIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,127}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
GPU_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:./=-]{0,127}")
LONGEST_UID = (1 << 31) - 1
MOST_MIB = 1 << 30
LONGEST_STOP = 3600
"""Seconds: a day of waiting would be a container that can't be replaced."""
MOST_LOG_OPTIONS = 50
NEEDS_VALUE = ("seccomp", "apparmor")
LABEL = re.compile(r"disable|nested|(?:user|role|type|level|filetype):.+")


def options(value: MicroserviceSpec, *, field: str) -> None:
    """All of them, and what they mean to the rest of the spec."""
    said = value.options
    _identity(said, field)
    _confinement(said, field)
    rules.few(said.devices, f"{field}.devices")
    for index, device in enumerate(said.devices):
        _device(device, f"{field}.devices[{index}]")
    places = [normpath(each.container or each.host) for each in said.devices]
    if len(set(places)) < len(places):
        raise Invalid("two have the same place in the container", field=f"{field}.devices")
    if said.gpus is not None:
        _gpus(said.gpus, f"{field}.gpus")
    _resources(value, field)
    _network(value, field)
    _log(said, field)
    _stop(said, field)


def _identity(said: ContainerOptions, field: str) -> None:
    if said.user:
        user, colon, group = said.user.partition(":")
        if not _is_user(user) or (colon and not _is_user(group)):
            raise Invalid(
                f"{said.user!r} is no user: a name or number, and perhaps a group, as in app:app "
                "or 1000:1000",
                field=f"{field}.user",
            )
    rules.few(said.groups, f"{field}.groups")
    for group in said.groups:
        if not _is_user(group):
            raise Invalid(f"{group!r} is no group: a name or a number", field=f"{field}.groups")
    directory = said.working_directory
    rules.text(directory, field=f"{field}.working_directory")
    if directory and not PurePosixPath(directory).is_absolute():
        raise Invalid("is no absolute path", field=f"{field}.working_directory")
    labels = said.host_name.split(".")
    if said.host_name and (
        len(said.host_name) > 63 or not all(HOST_NAME.fullmatch(each) for each in labels)
    ):
        raise Invalid(
            f"{said.host_name!r} is no host name: letters, digits, '-' and '.', at most 63",
            field=f"{field}.host_name",
        )


def _is_user(word: str) -> bool:
    if not USER.fullmatch(word):
        return False
    return not word.isdecimal() or int(word) <= LONGEST_UID


def _confinement(said: ContainerOptions, field: str) -> None:
    for part in ("add_capabilities", "drop_capabilities"):
        names: list[str] = getattr(said, part)
        rules.few(names, f"{field}.{part}")
        for name in names:
            if capability(name) not in CAPABILITIES:
                raise Invalid(
                    f"{name!r} is no capability of the kernel"
                    + rules.nearest(capability(name), CAPABILITIES)
                    + "; ALL means every one",
                    field=f"{field}.{part}",
                )
    both = {capability(each) for each in said.add_capabilities} & {
        capability(each) for each in said.drop_capabilities
    } - {"ALL"}
    if both:
        raise Invalid(
            f"{', '.join(sorted(both))}: added and dropped", field=f"{field}.drop_capabilities"
        )
    rules.few(said.security, f"{field}.security")
    for index, each in enumerate(said.security):
        _security(each, f"{field}.security[{index}]")
    rules.few(said.sysctls, f"{field}.sysctls")
    for name, content in said.sysctls.items():
        if not NAMESPACED_SYSCTLS.fullmatch(name):
            raise Invalid(
                f"{name!r} belongs to the whole device: a container has only net.*, kernel.shm*, "
                "kernel.msg*, kernel.sem and fs.mqueue.* of its own",
                field=f"{field}.sysctls",
            )
        rules.text(content, field=f"{field}.sysctls.{name}")
        if not content:
            raise Invalid("has no value", field=f"{field}.sysctls.{name}")


def _security(said: str, field: str) -> None:
    rules.text(said, field=field)
    # Engines take `=`, and `:` where nothing else can be meant.
    key, sign, content = said.partition("=")
    if not sign:
        key, sign, content = said.partition(":")
    if key == "no-new-privileges" and content in ("", "true", "false"):
        return
    if key in NEEDS_VALUE and content:
        return
    if key == "label" and LABEL.fullmatch(content):
        return
    raise Invalid(
        f"{said!r} is nothing that an engine knows: no-new-privileges, seccomp=unconfined or "
        "seccomp=<profile as JSON>, apparmor=<profile>, label=<user|role|type|level>:<value>, "
        "label=disable",
        field=field,
    )


def _device(said: Device, field: str) -> None:
    for part in ("host", "container"):
        path: str = getattr(said, part)
        rules.text(path, field=f"{field}.{part}")
        if (path or part == "host") and not PurePosixPath(path).is_absolute():
            raise Invalid(f"{path!r} is no absolute path", field=f"{field}.{part}")
        if normpath(path) == "/" or ":" in path:
            raise Invalid(f"{path!r} is no path of a device", field=f"{field}.{part}")
    if not said.permissions or not set(said.permissions) <= set("rwm"):
        raise Invalid(
            f"{said.permissions!r} has other letters than r, w and m", field=f"{field}.permissions"
        )
    if len(set(said.permissions)) < len(said.permissions):
        raise Invalid(f"{said.permissions!r} has a letter twice", field=f"{field}.permissions")


def _gpus(said: Gpus, field: str) -> None:
    if said.count != -1 and not 1 <= said.count <= 1024:
        raise Invalid("is neither -1 (all) nor between 1 and 1024", field=f"{field}.count")
    for part, pattern in (("ids", GPU_ID), ("capabilities", WORD)):
        words: list[str] = getattr(said, part)
        rules.few(words, f"{field}.{part}")
        for word in words:
            if not pattern.fullmatch(word):
                raise Invalid(f"{word!r} is no name", field=f"{field}.{part}")
    if not said.capabilities:
        raise Invalid("is empty: needs at least gpu", field=f"{field}.capabilities")
    if said.driver and not WORD.fullmatch(said.driver):
        raise Invalid(f"{said.driver!r} is no driver, as nvidia", field=f"{field}.driver")


def _resources(value: MicroserviceSpec, field: str) -> None:
    said = value.options
    rules.few(said.ulimits, f"{field}.ulimits")
    for index, each in enumerate(said.ulimits):
        _ulimit(each, f"{field}.ulimits[{index}]")
    if len({each.name for each in said.ulimits}) < len(said.ulimits):
        raise Invalid("one of them is there twice", field=f"{field}.ulimits")
    memory, reserved = value.memory_limit_mib, said.memory_reservation_mib
    if reserved is not None and not 6 <= reserved <= MOST_MIB:
        raise Invalid(
            f"is not between 6 and {MOST_MIB} MiB", field=f"{field}.memory_reservation_mib"
        )
    if reserved is not None and memory is not None and reserved > memory:
        raise Invalid(
            f"is more than memory_limit_mib, {memory}", field=f"{field}.memory_reservation_mib"
        )
    if not 0 <= said.swap_limit_mib <= MOST_MIB:
        raise Invalid(f"is not between 0 and {MOST_MIB} MiB", field=f"{field}.swap_limit_mib")
    if said.swap_limit_mib and memory is None:
        raise Invalid("means nothing without memory_limit_mib", field=f"{field}.swap_limit_mib")
    if said.shared_memory_mib is not None and not 1 <= said.shared_memory_mib <= MOST_MIB:
        raise Invalid(f"is not between 1 and {MOST_MIB} MiB", field=f"{field}.shared_memory_mib")
    if said.shared_memory_mib is not None and said.ipc is Namespace.HOST:
        raise Invalid(
            "means nothing with the device's own shared memory (ipc: host)",
            field=f"{field}.shared_memory_mib",
        )
    if said.cpu_shares is not None and not 2 <= said.cpu_shares <= 262144:
        raise Invalid("is not between 2 and 262144", field=f"{field}.cpu_shares")
    if said.cpu_set and not _is_cpu_set(said.cpu_set):
        raise Invalid(f"{said.cpu_set!r} is no set of cores, as 0-2,5", field=f"{field}.cpu_set")
    if not -1000 <= said.oom_score <= 1000:
        raise Invalid("is not between -1000 and 1000", field=f"{field}.oom_score")
    if said.runtime and not RUNTIME.fullmatch(said.runtime):
        raise Invalid(f"{said.runtime!r} is no runtime's name, as runc", field=f"{field}.runtime")


def _ulimit(said: Ulimit, field: str) -> None:
    if said.name not in ULIMITS:
        raise Invalid(
            f"{said.name!r} is no limit" + rules.nearest(said.name, ULIMITS), field=f"{field}.name"
        )
    for part in ("soft", "hard"):
        if not -1 <= getattr(said, part) < 1 << 53:
            raise Invalid("is neither -1 (none) nor 0 or more", field=f"{field}.{part}")
    if said.hard != -1 and (said.soft == -1 or said.soft > said.hard):
        raise Invalid(f"is over the hard limit, {said.hard}", field=f"{field}.soft")


def _is_cpu_set(text: str) -> bool:
    if len(text) > 1024 or not CPUS.fullmatch(text):
        return False
    ranges = (each.partition("-") for each in text.split(","))
    return all(not dash or int(first) <= int(last) for first, dash, last in ranges)


def _network(value: MicroserviceSpec, field: str) -> None:
    said = value.options
    rules.few(said.dns, f"{field}.dns")
    for address in said.dns:
        if not rules.is_address(address):
            raise Invalid(f"{address!r} is no IP address", field=f"{field}.dns")
    rules.few(said.dns_search, f"{field}.dns_search")
    for domain in said.dns_search:
        if not DOMAIN.fullmatch(domain):
            raise Invalid(f"{domain!r} is no domain", field=f"{field}.dns_search")
    # Engines refuse these too, but only when the container is made.
    if value.host_network and any(name.startswith("net.") for name in said.sysctls):
        raise Invalid(
            "net.* are the device's own on the device's network (host_network)",
            field=f"{field}.sysctls",
        )
    if said.ipc is Namespace.HOST and any(not name.startswith("net.") for name in said.sysctls):
        raise Invalid(
            "these are the device's own with the device's shared memory (ipc: host)",
            field=f"{field}.sysctls",
        )


def _log(said: ContainerOptions, field: str) -> None:
    if said.log_driver and said.log_driver not in LOG_DRIVERS:
        raise Invalid(
            f"{said.log_driver!r} is no log driver of an engine"
            + rules.nearest(said.log_driver, LOG_DRIVERS),
            field=f"{field}.log_driver",
        )
    if len(said.log_options) > MOST_LOG_OPTIONS:
        raise Invalid(f"has more than {MOST_LOG_OPTIONS} entries", field=f"{field}.log_options")
    for name, content in said.log_options.items():
        if not WORD.fullmatch(name):
            raise Invalid(f"{name!r} is no option's name", field=f"{field}.log_options")
        rules.text(content, field=f"{field}.log_options.{name}")
    if said.log_options and said.log_driver == "none":
        raise Invalid("the driver none has no options", field=f"{field}.log_options")


def _stop(said: ContainerOptions, field: str) -> None:
    signal = said.stop_signal
    number = signal.isascii() and signal.isdecimal() and 1 <= int(signal[:3]) <= 64
    if signal and not number and signal.upper().removeprefix("SIG") not in SIGNALS:
        raise Invalid(f"{signal!r} is no signal, as SIGTERM or 15", field=f"{field}.stop_signal")
    if not 0 <= said.stop_within <= LONGEST_STOP:
        raise Invalid(f"is not between 0 and {LONGEST_STOP} seconds", field=f"{field}.stop_within")
