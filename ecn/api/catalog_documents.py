"""The documents of the catalog."""

from datetime import datetime

from msgspec import field

from ecn.api.documents import Answer, Page, Request
from events.catalog import DataType


class CatalogItemManifest(Request, frozen=True, kw_only=True):
    """A whole item."""

    images: dict[str, str] = field(default_factory=dict)
    """By platform: `x86`, `arm`."""
    registry: str | None = None
    """By name or id; null pulls anonymously."""
    from_cache: bool = False
    """Never pulled: a device has the image, or the microservice can't run there."""
    description: str = ""
    category: str = ""
    publisher: str = ""
    picture: str = ""
    disk_required: int = 0
    ram_required: int = 0
    public: bool = False
    config_example: str = ""
    input: DataType | None = None
    output: DataType | None = None


class CatalogItemDocument(Answer, frozen=True, kw_only=True):
    """An item."""

    id: str
    name: str
    images: dict[str, str]
    registry: str | None
    from_cache: bool
    description: str
    category: str
    publisher: str
    picture: str
    disk_required: int
    ram_required: int
    public: bool
    config_example: str
    input: DataType | None
    output: DataType | None
    seeded: bool
    """It was there from the beginning."""
    microservices: int
    """How many are made of it."""
    created_by: str
    created_at: datetime | None
    """None while nobody changed what was there from the beginning."""
    updated_at: datetime | None


class CatalogItems(Page, frozen=True, kw_only=True):
    """Sorted by name."""

    items: list[CatalogItemDocument]
