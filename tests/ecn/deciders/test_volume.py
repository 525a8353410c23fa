"""Volumes: what they may hold, and where they go."""

import pytest
from msgspec.structs import replace

from ecn.commands.volume import ApplyVolume, DeleteVolume
from ecn.deciders.volume import MOST_BYTES
from ecn.errors import Invalid, NotFound, VolumeInUse
from events.application import (
    MicroserviceDeleted,
    MicroserviceSpec,
    MicroserviceUpdated,
    VolumeKind,
    VolumeMount,
)
from events.ids import VolumeId
from events.volume import VolumeCreated, VolumeDeleted, VolumeFile, VolumeSettings, VolumeUpdated
from tests.builders import (
    EAST,
    WEB,
    WEST,
    application,
    given,
    manifest,
    microservice,
    placement,
    registered,
    spec,
)

FILES, OTHER = VolumeId("volume-files"), VolumeId("volume-other")
A = VolumeFile(path="etc/a.conf", content=b"a")
APPLY = ApplyVolume(
    volume_id=FILES, name="files", destination="/srv/files", nodes=["east", WEST], files=[A]
)
SETTINGS = VolumeSettings(destination="/srv/files", node_ids=[EAST, WEST], files=[A])
CREATED = VolumeCreated(volume_id=FILES, name="files", settings=SETTINGS)
NODES = (registered(), registered(WEST))


def test_a_volume_is_made_for_nodes_by_name_or_id() -> None:
    given(*NODES).when(APPLY).then(CREATED)


def test_a_volume_of_that_name_becomes_what_is_applied() -> None:
    given(*NODES, CREATED).when(replace(APPLY, volume_id=OTHER)).then()
    given(*NODES, CREATED).when(replace(APPLY, volume_id=OTHER, permissions="0644")).then(
        VolumeUpdated(volume_id=FILES, settings=replace(SETTINGS, permissions="0644"))
    )


def test_an_unknown_node_is_refused_where_it_stands() -> None:
    refused = given(registered()).when(APPLY).raises(NotFound)
    assert refused.field == "$.nodes[1]"


def test_a_volume_is_deleted_once() -> None:
    given(CREATED).when(DeleteVolume(volume_id=FILES)).then(VolumeDeleted(volume_id=FILES))
    given().when(DeleteVolume(volume_id=FILES)).then()


def mounting(source: str, *, target: str = "/etc/conf") -> MicroserviceSpec:
    """What a container is made from that mounts a volume's files."""
    mount = VolumeMount(kind=VolumeKind.FILES, source=source, target=target)
    return replace(spec(), volumes=[mount])


def test_a_microservice_mounts_a_volume_by_name_or_id() -> None:
    for ref in ("files", FILES):
        world = (
            given(*NODES, CREATED)
            .when(manifest(placement("web", made_from=mounting(ref))))
            .then_world()
        )
        row = world.microservices[WEB]
        assert row.spec.volumes[0].source == FILES
        assert list(world.microservices.find("volume", FILES)) == [WEB]


def test_a_volume_that_is_not_there_is_refused_where_it_is_named() -> None:
    wanted = manifest(placement("web", made_from=mounting("nothing")))
    refused = given(*NODES, CREATED).when(wanted).raises(NotFound)
    assert (refused.field, "'nothing'" in refused.detail) == (
        "$.microservices[0].volumes[0].source",
        True,
    )
    wanted = manifest(placement("web", made_from=mounting("")))
    empty = given(*NODES, CREATED).when(wanted).raises(Invalid)
    assert empty.field == "$.microservices[0].volumes[0].source"


MOUNTED = (*NODES, CREATED, application(), microservice(made_from=mounting(FILES)))


def test_a_volume_that_is_mounted_stays_and_says_by_whom() -> None:
    refused = given(*MOUNTED).when(DeleteVolume(volume_id=FILES)).raises(VolumeInUse)
    assert refused.microservices == ["shop/web"]
    gone = MicroserviceDeleted(microservice_id=WEB)
    given(*MOUNTED, gone).when(DeleteVolume(volume_id=FILES)).then(VolumeDeleted(volume_id=FILES))
    free = MicroserviceUpdated(microservice_id=WEB, spec=spec())
    given(*MOUNTED, free).when(DeleteVolume(volume_id=FILES)).then(VolumeDeleted(volume_id=FILES))


def test_a_volume_needs_neither_a_destination_nor_nodes() -> None:
    bare = ApplyVolume(volume_id=FILES, name="files", files=[A])
    given(*NODES).when(bare).then(
        VolumeCreated(volume_id=FILES, name="files", settings=VolumeSettings(files=[A]))
    )


def file(path: str, content: bytes = b"") -> VolumeFile:
    """One file."""
    return VolumeFile(path=path, content=content)


@pytest.mark.parametrize(
    ("apply", "field"),
    [
        (replace(APPLY, name="Files"), "name"),
        (replace(APPLY, destination="srv"), "destination"),
        (replace(APPLY, destination=""), "nodes"),
        (replace(APPLY, destination="/"), "destination"),
        (replace(APPLY, destination="/srv/../etc"), "destination"),
        (replace(APPLY, destination="/srv\x00"), "destination"),
        (replace(APPLY, permissions="rw-"), "permissions"),
        (replace(APPLY, permissions="888"), "permissions"),
        (replace(APPLY, permissions=""), "permissions"),
        (replace(APPLY, permissions="77777"), "permissions"),
        (replace(APPLY, files=[file("/etc/passwd")]), "files[0].path"),
        (replace(APPLY, files=[file("../x")]), "files[0].path"),
        (replace(APPLY, files=[file("")]), "files[0].path"),
        (replace(APPLY, files=[file("a"), file("a")]), "files[1].path"),
        (replace(APPLY, files=[file("./a")]), "files[0].path"),
        (replace(APPLY, files=[file("a//b")]), "files[0].path"),
        (replace(APPLY, files=[file("a/")]), "files[0].path"),
        (replace(APPLY, files=[file("..data")]), "files[0].path"),
        (replace(APPLY, files=[file("..7/x")]), "files[0].path"),
        (replace(APPLY, files=[file("a"), file("a/b")]), "files"),
        (replace(APPLY, files=[file("a", b"x" * MOST_BYTES), file("b", b"x")]), "files"),
    ],
)
def test_a_volume_is_refused_by_field(apply: ApplyVolume, field: str) -> None:
    assert given(*NODES).when(apply).raises(Invalid).field == f"$.{field}"


def test_a_volume_may_be_just_as_large() -> None:
    whole = replace(APPLY, files=[file("a", b"x" * MOST_BYTES)])
    given(*NODES).when(whole).then_world()
