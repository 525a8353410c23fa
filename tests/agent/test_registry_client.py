"""Registries as the agent asks them: who is asked, as whom, and whom it trusts."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import Registry
from agent.errors import RegistryRefused, RegistryUnreachable
from agent.images.reference import engine_name, full_reference, of_gateway, repository_of
from agent.images.registry_auth import Basic, Bearer, challenge, token_of
from agent.images.registry_client import RegistryClient, base_url, split_reference
from tests.agent.fake_registry import FakeRegistry

REALM = 'Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull"'


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ([REALM], Bearer("https://auth.example/token", "r", "repository:a/b:pull")),
        (['bearer  realm="https://a.example/t?x=1,2"'], Bearer("https://a.example/t?x=1,2")),
        (['Basic realm="lab"'], Basic()),
        (["Negotiate", 'Basic realm="lab"'], Basic()),
        (['Digest realm="x"'], None),
        (["Bearer"], None),
        ([], None),
    ],
)
def test_what_a_registry_wants_to_see(said: list[str], wanted: Basic | Bearer | None) -> None:
    assert challenge(said) == wanted


@given(st.text(max_size=200))
def test_whatever_it_says_breaks_nothing(said: str) -> None:
    challenge([said])
    token_of(said.encode())


def test_a_token_has_two_names() -> None:
    assert token_of(b'{"token":"a"}') == token_of(b'{"access_token":"a"}') == "a"
    assert token_of(b"[]") == token_of(b"") == ""


@pytest.mark.parametrize(
    ("host", "url", "base"),
    [
        ("docker.io", "", "https://registry-1.docker.io"),
        ("r.example", "", "https://r.example"),
        ("r.example:5000", "http://r.example:5000/v2", "http://r.example:5000"),
        ("r.example:5000", "http://other.example:5000", "https://r.example:5000"),
        ("127.0.0.1:5000", "", "http://127.0.0.1:5000"),
        ("127.9.9.9:5000", "https://127.9.9.9:5000", "https://127.9.9.9:5000"),
        ("localhost:5000", "", "http://localhost:5000"),
        ("[::1]:5000", "", "http://[::1]:5000"),
        ("10.0.0.1:5000", "", "https://10.0.0.1:5000"),
    ],
)
def test_plain_http_is_for_this_device_or_where_it_was_said(host: str, url: str, base: str) -> None:
    assert base_url(host, Registry(url=url) if url else None) == base


@given(
    st.from_regex(r"([a-z]+\.[a-z]+(:[0-9]{1,4})?/)?[a-z]+(/[a-z]+)?", fullmatch=True),
    st.sampled_from(["", ":1", ":latest"]),
    st.sampled_from(["", "@sha256:" + "ab" * 32]),
)
def test_references_come_apart_and_together(name: str, tag: str, digest: str) -> None:
    image = f"{name}{tag}{digest}"
    host, _, path = full_reference(image).partition("/")
    repository, reference = split_reference(path)
    assert f"{host}/{repository}" == repository_of(image) == repository_of(engine_name(image))
    assert reference == (digest[1:] or tag[1:] or "latest")
    assert engine_name(engine_name(image)) == engine_name(image)
    assert not of_gateway(engine_name(image))


def authority() -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key; PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a lab")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(pem), private


async def test_a_registry_with_a_ca_of_its_own_is_trusted_when_told_so(tmp_path: Path) -> None:
    certificate, key = authority()
    (tmp_path / "both.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    async with FakeRegistry(1000).serving(context) as registry:
        url = f"https://{registry.address}"
        told = Registry(url=url, ca_pem=certificate.decode())
        async with RegistryClient(registry.reference, told) as client:
            assert (await client.manifest()).digest == registry.digest
        async with RegistryClient(registry.reference, Registry(url=url)) as client:
            with pytest.raises(RegistryUnreachable, match=r"/etc/docker/certs\.d/<host>/ca\.crt"):
                await client.manifest()


async def test_a_password_goes_to_the_registry_that_asks_for_it_and_no_further() -> None:
    async with FakeRegistry(1000).serving() as registry, FakeRegistry(1000).serving() as other:
        registry.user = other.user = ("edge", "s3cret")
        known = Registry(url=f"http://{registry.address}", username="edge", password="s3cret")
        async with RegistryClient(registry.reference, known) as client:
            await client.manifest()
        assert registry.authorizations[0] == ""
        assert registry.authorizations[1].startswith("Basic ")
        async with RegistryClient(other.reference, known) as client:
            with pytest.raises(RegistryRefused):
                await client.manifest()
        assert set(other.authorizations) == {""}


async def test_an_answer_that_is_another_manifest_is_not_taken() -> None:
    async with FakeRegistry(1000).serving() as registry:
        registry.manifest += b" "
        async with RegistryClient(registry.reference, None) as client:
            with pytest.raises(RegistryUnreachable, match="another manifest"):
                await client.manifest(registry.digest)
