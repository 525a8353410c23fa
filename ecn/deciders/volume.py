"""What is decided about volumes."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import assert_never

from ecn.commands.volume import ApplyVolume, DeleteVolume, VolumeCommand
from ecn.deciders import find, rules
from ecn.errors import Invalid, VolumeInUse
from events.envelope import KnownEvent
from events.volume import VolumeCreated, VolumeDeleted, VolumeFile, VolumeSettings, VolumeUpdated
from projections.world import World

MOST_BYTES = 256 * 1024
"""Of all files of a volume: they are in the log for ever, and in everybody's memory."""


def decide(world: World, command: VolumeCommand) -> Iterator[KnownEvent]:
    """The events that the command leads to; none when all is as asked. Errors: Refused."""
    match command:
        case ApplyVolume():
            yield from _apply(world, command)
        case DeleteVolume():
            row = world.volumes.get(command.volume_id)
            if row is None:
                return  # a retried delete has already succeeded
            users = sorted(
                find.microservice_name(world, key)
                for key in world.microservices.find("volume", command.volume_id)
            )
            if users:
                raise VolumeInUse(row.name, users)
            yield VolumeDeleted(volume_id=command.volume_id)
        case _:
            assert_never(command)


def _apply(world: World, command: ApplyVolume) -> Iterator[KnownEvent]:
    rules.name(command.name)
    if command.destination:
        _destination(command.destination)
    elif command.nodes:
        raise Invalid(
            "are to have it, but where is not said: it has no destination", field="$.nodes"
        )
    _permissions(command.permissions)
    _files(command.files)
    rules.few(command.nodes, "$.nodes")
    nodes = [
        find.node(world, ref, field=f"$.nodes[{index}]") for index, ref in enumerate(command.nodes)
    ]
    settings = VolumeSettings(
        destination=command.destination,
        permissions=command.permissions,
        node_ids=list(dict.fromkeys(nodes)),
        files=command.files,
    )
    volume_id = world.volumes.one("name", command.name)
    if volume_id is None:
        yield VolumeCreated(volume_id=command.volume_id, name=command.name, settings=settings)
    elif settings != world.volumes[volume_id].settings:
        yield VolumeUpdated(volume_id=volume_id, settings=settings)


def _destination(value: str) -> None:
    rules.text(value, field="$.destination")
    path = PurePosixPath(value)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise Invalid("is no absolute path below /, without ..", field="$.destination")


def _permissions(value: str) -> None:
    octal = value.lstrip("0") or "0"
    if not value or len(octal) > 4 or not set(octal) <= set("01234567"):
        raise Invalid(f"{value!r} is no octal number of at most four digits", field="$.permissions")


def _files(files: list[VolumeFile]) -> None:
    rules.few(files, "$.files")
    total = 0
    seen: set[PurePosixPath] = set()
    for index, file in enumerate(files):
        field = f"$.files[{index}]"
        rules.text(file.path, field=f"{field}.path")
        path = PurePosixPath(file.path)
        # As it is written: agents take no `./a` or `a//b` for `a/b`.
        if path.is_absolute() or ".." in path.parts or str(path) != file.path or not path.parts:
            raise Invalid("is no path within the volume", field=f"{field}.path")
        if path.parts[0].startswith(".."):
            # Where it is mounted, such names are for how the mount changes as a whole.
            raise Invalid("begins with '..', as no file of a volume may", field=f"{field}.path")
        if path in seen:
            raise Invalid(f"{file.path!r} is there twice", field=f"{field}.path")
        seen.add(path)
        total += len(file.content)
    for path in seen:
        if any(parent in seen for parent in path.parents):
            raise Invalid(f"{path} is below another file", field="$.files")
    if total > MOST_BYTES:
        raise Invalid(
            f"its files have {total} bytes together, more than {MOST_BYTES}", field="$.files"
        )
