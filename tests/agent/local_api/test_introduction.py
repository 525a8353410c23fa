"""How a container is told of the Local API, and the secret that its token is made with."""

import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.contract import ContainerSpec, ExtraHost
from agent.lifecycle.engine import HOST_GATEWAY
from agent.lifecycle.reconcile import spec_digest
from agent.local_api.environment import Introduction
from agent.local_api.tokens import Tokens, secret_in
from agent.storage.store import Folder

TOKENS = Tokens(b"s" * 32)
names = st.sampled_from(["SELFNAME", "ECN_TOKEN", "ECN_LOCAL_API", "OTHER"])


@given(st.dictionaries(names, st.text(max_size=5)))
def test_what_a_spec_sets_is_never_set_again(env: dict[str, str]) -> None:
    spec = ContainerSpec(image="i", env=env)
    before = spec_digest(spec)
    given_env = Introduction(TOKENS).environment("m1", spec)
    assert given_env.keys() == {"SELFNAME", "ECN_TOKEN", "ECN_LOCAL_API"} - env.keys()
    assert spec_digest(spec) == before


def test_the_name_leads_to_the_device() -> None:
    introduction = Introduction(TOKENS)
    spec = ContainerSpec(image="i")
    assert introduction.extra_hosts(spec) == [ExtraHost(name="iofog", address=HOST_GATEWAY)]
    on_host = replace(spec, host_network=True)
    assert introduction.extra_hosts(on_host) == [ExtraHost(name="iofog", address="127.0.0.1")]
    own = replace(spec, extra_hosts=[ExtraHost(name="iofog", address="192.0.2.1")])
    assert introduction.extra_hosts(own) == []


@given(st.lists(st.text(min_size=1), unique=True, max_size=5), st.text())
def test_a_token_is_of_one_microservice_that_is_here(here: list[str], other: str) -> None:
    tokens = Tokens(b"s" * 32)
    tokens.know(here)
    assert [tokens.owner(tokens.of(each)) for each in here] == here
    assert tokens.owner(other) is None
    if other not in here:
        assert tokens.owner(tokens.of(other)) is None
    assert all(Tokens(b"t" * 32).of(each) != tokens.of(each) for each in here)
    tokens.know([])
    assert all(tokens.owner(tokens.of(each)) is None for each in here)


def test_the_secret_is_made_once_and_for_the_agent_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "agent")
    first = secret_in(folder.local_api_secret)
    assert secret_in(folder.local_api_secret) == first
    assert len(first) == 32
    assert stat.S_IMODE(folder.local_api_secret.stat().st_mode) == 0o600
    folder.local_api_secret.write_bytes(b"half")
    assert len(secret_in(folder.local_api_secret)) == 32
    folder.wipe()
    assert not folder.local_api_secret.exists()


def test_a_secret_that_can_not_be_kept_is_this_runs_alone(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "local-api.secret"
    assert len(secret_in(nowhere)) == 32
    assert secret_in(nowhere) != secret_in(nowhere)
