"""What Docker says, read: error texts as recorded from engines, image references, documents."""

import pytest
from aiodocker.exceptions import DockerError
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import HealthCheck, Mount, Port, Registry
from agent.docker.documents import _moment, creation
from agent.docker.errors import container_error, pull_error
from agent.errors import (
    BadContainerOptions,
    ContainerGone,
    DiskFull,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ImageNotFound,
    NetworkGone,
    PortTaken,
    RegistryRefused,
    RegistryUnreachable,
    StartLeftOver,
)
from agent.images.reference import credentials_for, full_reference, image_host, registry_host
from tests.agent.builders import NOW, at, new_container, spec


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (404, "manifest for 127.0.0.1:5000/x:1 not found: manifest unknown: manifest unknown",
         ImageNotFound),
        (404, "pull access denied for x, repository does not exist or may require 'docker login'",
         ImageNotFound),
        (500, 'Get "http://127.0.0.1:5000/v2/x/manifests/1": no basic auth credentials',
         RegistryRefused),
        (500, 'Head "https://r/v2/x/manifests/1": unauthorized: authentication required',
         RegistryRefused),
        (500, "toomanyrequests: You have reached your pull rate limit.", RegistryRefused),
        (500, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
         RegistryUnreachable),
        (500, 'Get "https://r.invalid/v2/": dial tcp: lookup r.invalid: no such host',
         RegistryUnreachable),
        (500, "x509: certificate signed by unknown authority", RegistryUnreachable),
        (0, "write /var/lib/docker/tmp/x: no space left on device", DiskFull),
        (400, "invalid reference format", BadContainerOptions),
        (900, "Cannot connect to Docker Engine", EngineUnavailable),
    ],
)  # fmt: skip
def test_a_failed_pull_is_told_apart_by_its_text(
    status: int, said: str, kind: type[EngineError]
) -> None:
    error = pull_error(DockerError(status, said), "x:1")
    assert type(error) is kind
    assert "x:1" in str(error) or kind is EngineUnavailable


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (500, "driver failed programming external connectivity on endpoint e (aa): Bind for "
              "0.0.0.0:8080 failed: port is already allocated", PortTaken),
        (500, "driver failed: Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: "
              "address already in use", PortTaken),
        (404, "No such image: x:1", ImageNotFound),
        (404, "No such container: c1", ContainerGone),
        (404, "network 0123abcd not found", NetworkGone),
        (409, "task 0123abcd: already exists", StartLeftOver),
        (400, "OCI runtime create failed: exec: \"nope\": executable file not found in $PATH",
         BadContainerOptions),
        (400, "invalid mount config for type \"bind\": bind source path does not exist: /nope",
         BadContainerOptions),
        (500, 'error gathering device information while adding custom device "/dev/nope": no such '
              "file or directory", BadContainerOptions),
        (500, 'could not select device driver "" with capabilities: [[gpu]]', BadContainerOptions),
        (500, "something else entirely", EngineRefused),
    ],
)  # fmt: skip
def test_a_failed_start_is_told_apart_by_its_text(
    status: int, said: str, kind: type[EngineError]
) -> None:
    error = container_error(DockerError(status, said), "start", "c1")
    assert type(error) is kind
    if kind is PortTaken:
        assert str(error) == "the port 0.0.0.0:8080 is already in use on this device"


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("grafana/grafana:9", "docker.io/grafana/grafana:9"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        ("localhost/x", "localhost/x:latest"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"),
        ("r.example/a@sha256:ab", "r.example/a@sha256:ab"),
    ],
)
def test_references_are_spelt_out(image: str, full: str) -> None:
    assert full_reference(image) == full


@given(
    st.from_regex(
        r"([a-z0-9]+(\.[a-z]+)?(:[0-9]+)?/)?[a-z]+(/[a-z]+)?(:[a-z0-9]+)?", fullmatch=True
    )
)
def test_what_is_spelt_out_stays_as_it_is(image: str) -> None:
    assert full_reference(full_reference(image)) == full_reference(image)
    assert image_host(image) == image_host(full_reference(image))


@pytest.mark.parametrize(
    ("url", "image", "sent"),
    [
        ("https://r.example/", "r.example/a:1", True),
        ("r.example:5000", "r.example:5000/a:1", True),
        ("r.example:5000", "r.example/a:1", False),
        ("https://index.docker.io/v1/", "grafana/grafana", True),
        ("registry.hub.docker.com", "busybox", True),
        ("https://r.example", "busybox", False),
    ],
)
def test_credentials_go_to_their_own_registry_only(url: str, image: str, sent: bool) -> None:
    registry = Registry(url=url, username="u", password="p")
    assert (credentials_for(image, registry) is not None) is sent
    assert credentials_for(image, replace(registry, username="")) is None
    assert credentials_for(image, None) is None
    assert "/" not in registry_host(url)


def test_a_container_is_asked_for_as_its_spec_says() -> None:
    made_of = replace(
        spec("a:1", ("run",)),
        env={"A": "1", "ECN_NODE": "forged"},
        ports=[Port(host=80, container=8080), Port(host=81, container=8080, address="127.0.0.1")],
        volumes=[Mount(target="/data", source="data"), Mount(target="/t", kind="tmpfs")],
        health_check=HealthCheck(command=["true"], interval=1.5),
        memory_limit_mib=64,
        cpu_limit=0.5,
        labels={"ecn.node": "forged", "mine": "yes"},
    )
    new = replace(new_container("n1", of=made_of), env={"ECN_NODE": "gateway"})
    document = creation(new, "ecn-app")
    assert document["Env"] == ["A=1", "ECN_NODE=gateway"]
    labels = document["Labels"]
    assert isinstance(labels, dict)
    assert (labels["ecn.node"], labels["mine"]) == ("n1", "yes")
    host = document["HostConfig"]
    assert isinstance(host, dict)
    assert host["PortBindings"] == {
        "8080/tcp": [
            {"HostIp": "", "HostPort": "80"},
            {"HostIp": "127.0.0.1", "HostPort": "81"},
        ]
    }
    assert (host["Memory"], host["NanoCpus"]) == (64 * 1024 * 1024, 500_000_000)
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "5120k", "max-file": "2"},
    }
    on_host = creation(replace(new, spec=replace(made_of, host_network=True)), None)
    assert "NetworkingConfig" not in on_host


def test_dockers_times_are_read() -> None:
    assert _moment("2026-01-02T03:04:05.123456789Z") == at(0.123456)
    assert _moment("2026-01-02T03:04:05Z") == NOW
    assert _moment("2026-01-02T05:04:05.5+02:00") == at(0.5)
    assert _moment("0001-01-01T00:00:00Z") is None
