"""The three types of device that ioFog knows, by their numbers, and our word for each."""

from msgspec import Struct


class FogType(Struct, frozen=True):
    """A type of device, as ioFog's clients see it."""

    id: int
    name: str
    image: str
    description: str


FOG_TYPES = (
    FogType(0, "Unspecified", "iointegrator0.png", "Known once a device is provisioned."),
    FogType(1, "Standard Linux (x86)", "iointegrator1.png", "Linux on an x86 processor."),
    FogType(2, "ARM Linux", "iointegrator2.png", "Linux on an ARM processor."),
)
