"""Power over a device: what it is, who allows it, and who may say so."""

import pytest
from hypothesis import given as given_
from hypothesis import strategies as st
from msgspec.structs import replace

from ecn.commands.application import MoveMicroservice, UpdateMicroservice
from ecn.commands.command import ByDevice, ByToken
from ecn.commands.node import RegisterNode, UpdateNode
from ecn.deciders.host_powers import powers
from ecn.errors import NotAllowed, PowersInUse, PowersNotAllowed
from events.application import MicroserviceMoved, MicroserviceSpec, VolumeKind, VolumeMount
from events.container_options import ContainerOptions, Device, Gpus, Namespace
from events.ids import NodeId, Position, TokenId
from events.node import NodeAccess, NodeRegistered, NodeSettings, NodeUpdated, Reach
from events.user import Role
from tests.builders import (
    ANNA,
    EAST,
    WEB,
    WEST,
    application,
    given,
    key_issued,
    manifest,
    microservice,
    placement,
    provisioned,
    spec,
    token,
    user,
)
from tests.ecn.deciders.equipment import HARMLESS, MIGHTY

ALLOWING = NodeSettings(access=NodeAccess(privileged=True))
STRONG = replace(spec(), options=ContainerOptions(privileged=True))


def node(node_id: NodeId, settings: NodeSettings) -> NodeRegistered:
    return NodeRegistered(node_id=node_id, name=node_id.removeprefix("node-"), settings=settings)


STRICT_EAST, OPEN_EAST = node(EAST, NodeSettings()), node(EAST, ALLOWING)
STRICT_WEST, OPEN_WEST = node(WEST, NodeSettings()), node(WEST, ALLOWING)


def bound(source: str) -> MicroserviceSpec:
    return replace(spec(), volumes=[VolumeMount(target="/x", source=source, kind=VolumeKind.BIND)])


@pytest.mark.parametrize("options", HARMLESS)
def test_what_stays_within_a_container_is_no_power(options: ContainerOptions) -> None:
    assert powers(replace(spec(), options=options, host_network=True)) == []


@pytest.mark.parametrize("options", MIGHTY)
def test_what_reaches_out_of_it_is_one(options: ContainerOptions) -> None:
    assert len(powers(replace(spec(), options=options))) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ContainerOptions(ipc=Namespace.HOST), ["ipc: host"]),
        (ContainerOptions(add_capabilities=["net_admin"]), ["add_capabilities: net_admin"]),
        (ContainerOptions(add_capabilities=["ALL"]), ["add_capabilities: ALL"]),
        (ContainerOptions(add_capabilities=["CAP_IPC_LOCK", "chown"]), []),
        (ContainerOptions(security=["apparmor=unconfined"]), ["security: apparmor=unconfined"]),
        (ContainerOptions(security=["apparmor:mine", "label=level:s0"]), []),
        (ContainerOptions(security=["label:disable"]), ["security: label:disable"]),
        (ContainerOptions(security=["label=type:spc_t"]), ["security: label=type:spc_t"]),
        (ContainerOptions(security=['seccomp={"x":1}']), ['security: seccomp={"x":1}']),
        (
            ContainerOptions(security=["no-new-privileges:false"]),
            ["security: no-new-privileges:false"],
        ),
        (ContainerOptions(gpus=Gpus()), []),
    ],
)
def test_each_is_told_as_it_stands_in_the_manifest(
    options: ContainerOptions, said: list[str]
) -> None:
    assert powers(replace(spec(), options=options)) == said


@pytest.mark.parametrize(
    "path",
    [
        "/dev/mem", "/dev/kmem", "/dev/port", "/dev", "/dev/", "/dev/sda", "/dev/sdb1", "/dev/vda2",
        "/dev/nvme0n1", "/dev/mmcblk0p1", "/dev/mapper/root", "/dev/disk/by-id/x", "/dev/dm-0",
        "/dev/../dev/mem", "//dev//mem", "/dev/./sda", "/dev/mtd0", "/dev/loop0", "/dev/cpu/0/msr",
    ],
)  # fmt: skip
def test_memory_and_disks_are_mighty_devices(path: str) -> None:
    assert powers(replace(spec(), options=ContainerOptions(devices=[Device(host=path)])))


@pytest.mark.parametrize(
    "path",
    [
        "/dev/ttyUSB0", "/dev/ttyS1", "/dev/video0", "/dev/snd", "/dev/i2c-1", "/dev/spidev0.0",
        "/dev/gpiochip0", "/dev/dri/renderD128", "/dev/null", "/dev/net/tun", "/dev/bus/usb",
        "/dev/memory-card-reader", "/dev/serial/by-id/x", "/dev/nvidia0", "/dev/rtc0",
    ],
)  # fmt: skip
def test_other_devices_are_not(path: str) -> None:
    assert not powers(replace(spec(), options=ContainerOptions(devices=[Device(host=path)])))


@pytest.mark.parametrize(
    ("source", "mighty"),
    [
        ("/var/run/docker.sock", True),
        ("/run/docker.sock", True),
        ("/run//docker.sock", True),
        ("/srv/x/docker.sock", True),
        ("/run/containerd/containerd.sock", True),
        ("/", True),
        ("/run", True),
        ("/var/run/", True),
        ("/var", True),
        ("/run/containerd", True),
        ("/etc/..", True),
        ("/etc/localtime", False),
        ("/var/lib/data", False),
        ("/run/udev", False),
        ("/runner", False),
        ("/dev/shm", False),
    ],
)
def test_the_engines_socket_is_power_in_whatever_folder(source: str, mighty: bool) -> None:
    assert bool(powers(bound(source))) is mighty


def test_a_volume_of_that_name_is_none() -> None:
    named = replace(spec(), volumes=[VolumeMount(target="/x", source="docker.sock")])
    assert powers(named) == []


def test_it_is_refused_where_the_node_does_not_allow_it() -> None:
    refused = (
        given(STRICT_EAST).when(manifest(placement(made_from=STRONG))).raises(PowersNotAllowed)
    )
    assert "'east'" in refused.detail
    assert "'web'" in refused.detail
    assert refused.field == "$.microservices[0].options"
    assert "access.privileged" in refused.next_step


def test_it_is_let_be_where_the_node_does() -> None:
    world = given(OPEN_EAST).when(manifest(placement(made_from=STRONG))).then_world()
    assert world.microservices[WEB].spec == STRONG


def test_it_is_not_added_to_what_is_there() -> None:
    there = given(STRICT_EAST, application(), microservice())
    there.when(
        UpdateMicroservice(
            microservice_id=WEB, placement=placement(made_from=STRONG), seen=Position(3)
        )
    ).raises(PowersNotAllowed)


def test_it_does_not_move_where_it_is_not_allowed() -> None:
    there = (OPEN_EAST, application(), microservice(made_from=STRONG))
    move = MoveMicroservice(microservice_id=WEB, node="west")
    given(*there, STRICT_WEST).when(move).raises(PowersNotAllowed)
    given(*there, OPEN_WEST).when(move).then(
        MicroserviceMoved(microservice_id=WEB, from_node_id=EAST, to_node_id=WEST)
    )


def withdrawn(sent: ByToken | None = None) -> UpdateNode:
    return UpdateNode(
        node_id=EAST, name="east", settings=NodeSettings(), seen=("east", ALLOWING), sent=sent
    )


def test_it_is_not_withdrawn_from_a_node_where_somebody_has_it() -> None:
    refused = (
        given(OPEN_EAST, application(), microservice(made_from=STRONG))
        .when(withdrawn())
        .raises(PowersInUse)
    )
    assert "shop/web" in refused.detail
    given(OPEN_EAST, application(), microservice()).when(withdrawn()).then(
        NodeUpdated(node_id=EAST, settings=NodeSettings())
    )


ANYBODY = ByToken(TokenId("token"), tuple(Role))
access = st.builds(
    NodeAccess,
    logs=st.sampled_from(Reach),
    exec=st.sampled_from(Reach),
    privileged=st.booleans(),
)


@given_(access, access, st.sampled_from(Role))
def test_only_admins_change_a_nodes_access(
    before: NodeAccess, after: NodeAccess, role: Role
) -> None:
    was, wanted = NodeSettings(access=before), NodeSettings(access=after, description="new")
    update = UpdateNode(
        node_id=EAST, name="east", settings=wanted, seen=("east", was), sent=ANYBODY
    )
    asked = given(user(role=role), token(), node(EAST, was)).when(update)
    if before == after or role is Role.ADMIN:
        asked.then(NodeUpdated(node_id=EAST, settings=wanted))
    else:
        asked.raises(NotAllowed)


def test_a_device_does_not_change_what_may_be_done_to_it() -> None:
    there = given(STRICT_EAST, key_issued(), provisioned())
    by_device = ByDevice("credential")
    update = UpdateNode(
        node_id=EAST, name="east", settings=ALLOWING, seen=("east", NodeSettings()), sent=by_device
    )
    there.when(update).raises(NotAllowed)
    there.when(replace(update, settings=NodeSettings(location="roof"))).then_world()


def test_only_admins_register_a_node_with_another_access() -> None:
    by_operator = given(user(ANNA, Role.OPERATOR), token())
    plain = RegisterNode(node_id=EAST, name="east", sent=ANYBODY)
    by_operator.when(plain).then(STRICT_EAST)
    by_operator.when(replace(plain, settings=ALLOWING)).raises(NotAllowed)
