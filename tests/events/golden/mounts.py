"""The part of the golden story that is about volumes which containers mount. Append to the end
only, as story.py says."""

from events.application import MicroserviceSpec, MicroserviceUpdated, VolumeKind, VolumeMount
from events.envelope import KnownEvent
from events.ids import MicroserviceId, VolumeId
from events.volume import VolumeCreated, VolumeFile, VolumeSettings, VolumeUpdated

CACHE = MicroserviceId(f"{0xE1:032x}")
SETTINGS = VolumeId(f"{0x92:032x}")

MOUNTS: tuple[tuple[str, KnownEvent], ...] = (
    (
        "user/anna",
        VolumeCreated(
            volume_id=SETTINGS,
            name="settings",
            settings=VolumeSettings(
                permissions="444", files=[VolumeFile(path="redis.conf", content=b"maxclients 9\n")]
            ),
        ),
    ),
    (
        "user/anna",
        MicroserviceUpdated(
            microservice_id=CACHE,
            spec=MicroserviceSpec(
                image="redis:7.4",
                volumes=[
                    VolumeMount(
                        target="/etc/redis", source=SETTINGS, kind=VolumeKind.FILES, read_only=True
                    ),
                    VolumeMount(target="/scratch", kind=VolumeKind.TMPFS, size_mib=16),
                ],
            ),
        ),
    ),
    (
        "user/anna",
        VolumeUpdated(
            volume_id=SETTINGS,
            settings=VolumeSettings(
                permissions="444", files=[VolumeFile(path="redis.conf", content=b"maxclients 7\n")]
            ),
        ),
    ),
)
