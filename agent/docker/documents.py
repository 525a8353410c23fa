"""Docker's JSON: what a container is created from, and what an inspection says.

Pure. The one place that knows the field names of the Engine API; `engine.py` sends and
receives. Documents: https://docs.docker.com/reference/api/engine/ (written against 1.41).
"""

from datetime import UTC, datetime

from msgspec import Struct, field

from agent.contract import Health, HealthCheck, Mount, Port
from agent.docker.options import Document, Present, container_config, host_config
from agent.lifecycle.engine import (
    LABEL_APPLICATION,
    LABEL_MICROSERVICE,
    LABEL_NAME,
    LABEL_REVISION,
    LABEL_SPEC,
    STOP_WITHIN,
    Container,
    EngineState,
    NewContainer,
)

NOTHING_OPTIONAL = Present()

_MIB = 1024 * 1024
_NANO = 1_000_000_000


def creation(
    new: NewContainer, network: str | None, present: Present = NOTHING_OPTIONAL
) -> Document:
    """The body of `POST /containers/create`. network: None for the host's own.

    present: what the device has of what is optional.
    """
    spec = new.spec
    host: Document = {
        "NetworkMode": network or "host",
        "RestartPolicy": {"Name": "no"},
        "Mounts": [_mount(m) for m in (*spec.volumes, *new.mounts)],
        "ExtraHosts": [f"{h.name}:{h.address}" for h in (*spec.extra_hosts, *new.extra_hosts)],
        **host_config(spec, present),
    }
    if spec.cpu_limit is not None:
        host["NanoCpus"] = round(spec.cpu_limit * _NANO)
    if spec.pids_limit is not None:
        host["PidsLimit"] = spec.pids_limit
    document: Document = {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in {**spec.env, **new.env}.items()],
        "Labels": {**spec.labels, **new.labels},
        "HostConfig": host,
        **container_config(spec.options),
    }
    if spec.entrypoint:
        document["Entrypoint"] = spec.entrypoint
    if spec.command:
        document["Cmd"] = spec.command
    if spec.health_check is not None:
        document["Healthcheck"] = _health_check(spec.health_check)
    if network is not None:
        # Ports mean nothing on the host's network; the engine only warns, and so do we not.
        document["ExposedPorts"] = {_port_key(p): {} for p in spec.ports}
        host["PortBindings"] = _port_bindings(spec.ports)
        document["NetworkingConfig"] = {"EndpointsConfig": {network: {"Aliases": [new.alias]}}}
    return document


def _mount(mount: Mount) -> Document:
    document: Document = {"Type": mount.kind, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.source:
        document["Source"] = mount.source
    if mount.size_mib is not None:
        document["TmpfsOptions"] = {"SizeBytes": mount.size_mib * _MIB}
    return document


def _port_key(port: Port) -> str:
    return f"{port.container}/{port.protocol}"


def _port_bindings(ports: list[Port]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        bindings.setdefault(_port_key(port), []).append(
            {"HostIp": port.address, "HostPort": str(port.host)}
        )
    return bindings


def _health_check(check: HealthCheck) -> Document:
    if not check.command:
        return {"Test": ["NONE"]}
    return {
        "Test": ["CMD", *check.command],
        "Interval": round(check.interval * _NANO),
        "Timeout": round(check.timeout * _NANO),
        "Retries": check.retries,
        "StartPeriod": round(check.start_period * _NANO),
    }


class _Checked(Struct, frozen=True):
    """One health check that was made."""

    exit_code: int = field(name="ExitCode", default=0)
    output: str = field(name="Output", default="")


class _Health(Struct, frozen=True):
    status: str = field(name="Status", default="none")
    failures: int = field(name="FailingStreak", default=0)
    log: list[_Checked] | None = field(name="Log", default=None)


class _State(Struct, frozen=True):
    status: str = field(name="Status")
    exit_code: int = field(name="ExitCode", default=0)
    out_of_memory: bool = field(name="OOMKilled", default=False)
    started_at: str = field(name="StartedAt", default="")
    finished_at: str = field(name="FinishedAt", default="")
    health: _Health | None = field(name="Health", default=None)


class _Config(Struct, frozen=True):
    labels: dict[str, str] | None = field(name="Labels", default=None)
    stop_timeout: int | None = field(name="StopTimeout", default=None)


class _Host(Struct, frozen=True):
    network: str = field(name="NetworkMode", default="")


class _Endpoint(Struct, frozen=True):
    address: str = field(name="IPAddress", default="")
    address_6: str = field(name="GlobalIPv6Address", default="")


class _Networking(Struct, frozen=True):
    networks: dict[str, _Endpoint | None] | None = field(name="Networks", default=None)


class Inspection(Struct, frozen=True):
    """What we read of `GET /containers/<id>/json`."""

    container_id: str = field(name="Id")
    name: str = field(name="Name")
    created: str = field(name="Created")
    image: str = field(name="Image")
    """Id of the image that it was made from, even if its tag has moved on."""
    state: _State = field(name="State")
    config: _Config = field(name="Config")
    host: _Host = field(name="HostConfig", default=_Host())
    networking: _Networking = field(name="NetworkSettings", default=_Networking())


class ImageInspection(Struct, frozen=True):
    """What we read of `GET /images/<name>/json`."""

    image_id: str = field(name="Id")
    repo_digests: list[str] | None = field(name="RepoDigests", default=None)


class _Pool(Struct, frozen=True):
    """A range of a network's addresses."""

    subnet: str = field(name="Subnet", default="")
    gateway: str = field(name="Gateway", default="")


class _Pools(Struct, frozen=True):
    config: list[_Pool] | None = field(name="Config", default=None)


class Network(Struct, frozen=True):
    """What we read of `GET /networks`."""

    network_id: str = field(name="Id")
    name: str = field(name="Name")
    labels: dict[str, str] | None = field(name="Labels", default=None)
    driver: str = field(name="Driver", default="")
    pools: _Pools = field(name="IPAM", default=_Pools())

    @property
    def gateway(self) -> str:
        """The device's own address in it, of IPv4; empty where it has none."""
        pool = self._pool()
        # Some engines have "172.17.0.1/16" here.
        return pool.gateway.partition("/")[0] if pool is not None else ""

    @property
    def subnet(self) -> str:
        """The addresses that go with it, as `172.17.0.0/16`."""
        pool = self._pool()
        return pool.subnet if pool is not None else ""

    def _pool(self) -> _Pool | None:
        pools = (self.pools.config or []) if self.driver == "bridge" else []
        return next((each for each in pools if "." in each.gateway), None)


class Listed(Struct, frozen=True):
    """What we read of `GET /containers/json`."""

    labels: dict[str, str] | None = field(name="Labels", default=None)
    networking: _Networking = field(name="NetworkSettings", default=_Networking())

    @property
    def addresses(self) -> list[str]:
        """In all its networks; none of one on the device's own."""
        ends = [each for each in (self.networking.networks or {}).values() if each is not None]
        return [each for end in ends for each in (end.address, end.address_6) if each]


class Version(Struct, frozen=True):
    """What we read of `GET /version`."""

    version: str = field(name="Version", default="")


class Info(Struct, frozen=True):
    """What we read of `GET /info`."""

    runtimes: dict[str, object] | None = field(name="Runtimes", default=None)
    architecture: str = field(name="Architecture", default="")
    operating_system: str = field(name="OperatingSystem", default="")
    cpus: int = field(name="NCPU", default=0)
    memory: int = field(name="MemTotal", default=0)


_STATES = {
    "created": EngineState.CREATED,
    "running": EngineState.RUNNING,
    # Only an engine restart policy restarts, and ours is "no"; somebody may have changed it.
    "restarting": EngineState.RUNNING,
    "paused": EngineState.PAUSED,
    "exited": EngineState.EXITED,
    "dead": EngineState.EXITED,
    "removing": EngineState.REMOVING,
}


def container(inspected: Inspection, image_digest: str) -> Container | None:
    """One of ours, or None when a label is missing: then somebody else made it."""
    labels = inspected.config.labels or {}
    microservice_id = labels.get(LABEL_MICROSERVICE)
    digest = labels.get(LABEL_SPEC)
    if not microservice_id or digest is None:
        return None
    state, stop_within = inspected.state, inspected.config.stop_timeout
    finished_at = _moment(state.finished_at)
    revision = labels.get(LABEL_REVISION, "")
    return Container(
        container_id=inspected.container_id,
        name=inspected.name.lstrip("/"),
        microservice_id=microservice_id,
        application=labels.get(LABEL_APPLICATION, ""),
        microservice=labels.get(LABEL_NAME, ""),
        spec_digest=digest,
        revision=int(revision) if revision.isdecimal() else 0,
        state=_STATES.get(state.status, EngineState.EXITED),
        created_at=_moment(inspected.created) or datetime.fromtimestamp(0, UTC),
        started_at=_moment(state.started_at),
        finished_at=finished_at,
        exit_code=None if finished_at is None else state.exit_code,
        out_of_memory=state.out_of_memory,
        health=_health(state.health),
        health_said=_health_said(state.health),
        image_digest=image_digest,
        address=_address(inspected),
        stop_within=STOP_WITHIN if stop_within is None else stop_within,
    )


def image_digest(inspected: ImageInspection) -> str:
    """Of the repository where there is one, else of the image itself."""
    for reference in inspected.repo_digests or []:
        return reference.rpartition("@")[2]
    return inspected.image_id


def _health(health: _Health | None) -> Health:
    try:
        return Health(health.status) if health is not None else Health.NONE
    except ValueError:
        return Health.NONE


def _health_said(health: _Health | None) -> str:
    """What the last of the failing checks said: one line, as long as anyone would read."""
    if health is None or not health.failures or not health.log:
        return ""
    last = health.log[-1]
    words = "".join(c for c in last.output if c.isprintable() or c.isspace()).split()
    said = f": {' '.join(words)[:200]}" if words else ""
    times = "once" if health.failures == 1 else f"{health.failures} times in a row"
    return f"its health check failed {times}, at last with exit code {last.exit_code}{said}"


def _address(inspected: Inspection) -> str:
    if inspected.state.status not in ("running", "restarting"):
        return ""
    if inspected.host.network == "host":
        return "127.0.0.1"
    ends = [each for each in (inspected.networking.networks or {}).values() if each is not None]
    found = [e.address for e in ends if e.address] or [e.address_6 for e in ends if e.address_6]
    return found[0] if found else ""


def _moment(text: str) -> datetime | None:
    """Docker writes nine digits of a second, and year 1 for never."""
    if not text or text.startswith("0001-"):
        return None
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail.rstrip("Z").partition("+")[0].partition("-")[0]
        zone = tail[len(digits) :]
        text = f"{head}.{digits[:6].ljust(6, '0')}{zone}"
    return datetime.fromisoformat(text).astimezone(UTC)
