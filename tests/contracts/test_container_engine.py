"""What the agent relies on in a container engine: the same tests for the fake and for Docker."""

import asyncio
from contextlib import aclosing
from ipaddress import ip_address, ip_network

import pytest
from msgspec.structs import replace

from agent.contract import ContainerSpec, Port
from agent.docker.engine import DockerEngine
from agent.errors import ContainerGone, EngineUnavailable, ImageNotFound, PortTaken
from agent.lifecycle.engine import STOP_WITHIN, Container, ContainerEngine, EngineState
from tests.agent.builders import new_container
from tests.agent.fake_engine import FakeEngine
from tests.agent.waiting import until
from tests.docker_fixtures import IMAGE, SLEEPS
from tests.ports import free_port


async def only(engine: ContainerEngine, node: str) -> Container:
    (found,) = await engine.containers(node)
    return found


async def ended(engine: ContainerEngine, node: str) -> Container:
    async def look() -> Container | None:
        found = await only(engine, node)
        return found if found.state is EngineState.EXITED else None

    return await until(look)


async def test_it_describes_itself(any_engine: ContainerEngine) -> None:
    facts = await any_engine.facts()
    assert facts.version
    assert facts.cpus > 0
    assert facts.memory_mib > 0


async def test_a_created_container_is_found_with_what_its_labels_say(
    any_engine: ContainerEngine, node: str
) -> None:
    made = new_container(node, "m1", of=SLEEPS)
    container_id = await any_engine.create(made)
    found = await only(any_engine, node)
    assert found.container_id == container_id
    assert found.state is EngineState.CREATED
    assert (found.microservice_id, found.application, found.revision) == ("m1", "app", 7)
    assert found.spec_digest == made.labels["ecn.spec"]
    assert found.exit_code is None
    assert found.image_digest.startswith("sha256:")


async def test_it_runs_and_stops(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, of=SLEEPS))
    await any_engine.start(container_id)
    await any_engine.start(container_id)  # one that runs is left running
    running = await only(any_engine, node)
    assert running.state is EngineState.RUNNING
    assert running.started_at is not None
    await any_engine.stop(container_id)
    await any_engine.stop(container_id)
    stopped = await only(any_engine, node)
    assert stopped.state is EngineState.EXITED
    assert stopped.exit_code in (137, 143)
    assert stopped.finished_at is not None


async def test_its_address_is_known_while_it_runs(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, "m1", of=SLEEPS))
    on_host = replace(SLEEPS, host_network=True)
    await any_engine.start(await any_engine.create(new_container(node, "m2", of=on_host)))
    assert {c.microservice_id: c.address for c in await any_engine.containers(node)} == {
        "m1": "",
        "m2": "127.0.0.1",
    }
    await any_engine.start(container_id)
    address = next(
        c.address for c in await any_engine.containers(node) if c.microservice_id == "m1"
    )
    assert not ip_address(address).is_unspecified
    await any_engine.stop(container_id)
    address = next(
        c.address for c in await any_engine.containers(node) if c.microservice_id == "m1"
    )
    assert address == ""


async def test_who_runs_is_known_by_its_address(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, "m1", of=SLEEPS))
    on_host = replace(SLEEPS, host_network=True)
    await any_engine.start(await any_engine.create(new_container(node, "m2", of=on_host)))
    assert await any_engine.addresses(node) == {}
    await any_engine.start(container_id)
    (address,) = {c.address for c in await any_engine.containers(node)} - {"127.0.0.1"}
    assert await any_engine.addresses(node) == {address: "m1"}
    assert await any_engine.addresses("another") == {}
    await any_engine.stop(container_id)
    assert await any_engine.addresses(node) == {}


async def test_the_device_has_an_address_of_its_own_in_the_default_network(
    any_engine: ContainerEngine, node: str
) -> None:
    (default,) = [each for each in await any_engine.bridges(node) if each.default]
    assert ip_address(default.gateway) in ip_network(default.subnet, strict=False)


async def test_its_grace_is_what_it_was_made_with(any_engine: ContainerEngine, node: str) -> None:
    await any_engine.create(new_container(node, of=SLEEPS))
    assert (await only(any_engine, node)).stop_within == STOP_WITHIN
    patient = replace(SLEEPS, options=replace(SLEEPS.options, stop_within=120))
    await any_engine.create(new_container(node, "m2", of=patient))
    graces = {c.microservice_id: c.stop_within for c in await any_engine.containers(node)}
    assert graces == {"m1": STOP_WITHIN, "m2": 120}


async def test_an_end_tells_its_exit_code(any_engine: ContainerEngine, node: str) -> None:
    command = ["exit", "3"] if isinstance(any_engine, FakeEngine) else ["sh", "-c", "exit 3"]
    container_id = await any_engine.create(
        new_container(node, of=ContainerSpec(image=IMAGE, command=command))
    )
    await any_engine.start(container_id)
    assert (await ended(any_engine, node)).exit_code == 3


async def test_removing_is_an_end_state(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, of=SLEEPS))
    await any_engine.start(container_id)
    await any_engine.remove(container_id)
    await any_engine.remove(container_id)
    await any_engine.stop(container_id)
    assert await any_engine.containers(node) == []


async def test_containers_of_another_node_are_not_seen(
    any_engine: ContainerEngine, node: str
) -> None:
    await any_engine.create(new_container(node, of=SLEEPS))
    assert await any_engine.containers("another") == []


async def test_a_taken_name_gets_a_suffix_and_can_be_had_later(
    any_engine: ContainerEngine, node: str
) -> None:
    first = await any_engine.create(new_container(node, of=SLEEPS, name=f"{node}-a"))
    second = await any_engine.create(new_container(node, of=SLEEPS, name=f"{node}-a"))
    names = {c.container_id: c.name for c in await any_engine.containers(node)}
    assert names[first] == f"{node}-a"
    assert names[second].startswith(f"{node}-a-")
    assert not await any_engine.rename(second, f"{node}-a")
    await any_engine.remove(first)
    assert await any_engine.rename(second, f"{node}-a")
    assert await any_engine.rename(second, f"{node}-a")  # it has it already
    assert (await only(any_engine, node)).name == f"{node}-a"


async def test_an_image_that_is_not_here_is_told_as_such(
    any_engine: ContainerEngine, node: str
) -> None:
    missing = ContainerSpec(image="ecn-test/nowhere:1")
    assert await any_engine.image_present(IMAGE)
    assert not await any_engine.image_present(missing.image)
    with pytest.raises(ImageNotFound, match="nowhere"):
        await any_engine.create(new_container(node, of=missing))


async def test_a_taken_port_is_told_as_such(any_engine: ContainerEngine, node: str) -> None:
    port = Port(host=free_port(), container=80, address="127.0.0.1")
    both = replace(SLEEPS, ports=[port])
    first = await any_engine.create(new_container(node, "m1", of=both))
    second = await any_engine.create(new_container(node, "m2", of=both))
    await any_engine.start(first)
    with pytest.raises(PortTaken, match=str(port.host)):
        await any_engine.start(second)


async def test_what_is_gone_can_not_be_started(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, of=SLEEPS))
    await any_engine.remove(container_id)
    with pytest.raises(ContainerGone):
        await any_engine.start(container_id)


async def test_networks_go_when_their_application_does(
    any_engine: ContainerEngine, node: str
) -> None:
    application = node
    await any_engine.create(new_container(node, application=application, of=SLEEPS))
    assert await any_engine.remove_networks(node, {application}) == []
    await remove_everything_but_networks(any_engine, node)
    assert await any_engine.remove_networks(node, frozenset()) == [f"ecn-{application}"]
    assert await any_engine.remove_networks(node, frozenset()) == []


async def remove_everything_but_networks(engine: ContainerEngine, node: str) -> None:
    for container in await engine.containers(node):
        await engine.remove(container.container_id)


async def test_a_log_is_read_from_its_tail(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(
        new_container(node, of=ContainerSpec(image=IMAGE, command=["echo", "hello"]))
    )
    await any_engine.start(container_id)
    await ended(any_engine, node)
    for tail in (None, 1):
        lines = any_engine.logs(container_id, tail=tail, follow=True, since=None)
        assert b"".join([piece async for piece in lines]) == b"hello\n"
    with pytest.raises(ContainerGone):
        async for _ in any_engine.logs("0" * 64, tail=None, follow=False, since=None):
            pass


async def test_events_say_to_look_again(any_engine: ContainerEngine, node: str) -> None:
    container_id = await any_engine.create(new_container(node, of=SLEEPS))
    events = any_engine.events(node)
    async with asyncio.timeout(10), aclosing(events):  # type: ignore[type-var]
        await anext(events)
        await asyncio.sleep(0.2)
        await any_engine.start(container_id)
        await anext(events)


async def test_an_engine_that_is_not_there_is_unavailable() -> None:
    async with DockerEngine("unix:///nonexistent/docker.sock") as nobody:
        with pytest.raises(EngineUnavailable):
            await nobody.containers("n")
        with pytest.raises(EngineUnavailable):
            async for _ in nobody.events("n"):
                pass
        with pytest.raises(EngineUnavailable):
            await nobody.pull("a/b:1", None)
