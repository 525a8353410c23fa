"""The seventeen items that every catalog begins with, as ioFog's does. Constants: not in the log.

Their ids and numbers are promises to clients, which name some of them by number.
"""

from datetime import UTC, datetime

from msgspec import Struct

from events.ids import CatalogItemId

PUBLISHER = "Eclipse ioFog"
SYSTEM = "SYSTEM"
"""The category of what users don't see: parts of the network itself."""
SEEDED_AT = datetime(2018, 9, 28, tzinfo=UTC)
"""Says no more than: before anything that anybody did here."""


class Seed(Struct, frozen=True, kw_only=True):
    """One item that was there from the beginning."""

    number: int
    name: str
    images: dict[str, str]
    description: str
    category: str
    public: bool = True
    picture: str = "none.png"
    config_example: str = ""

    @property
    def catalog_item_id(self) -> CatalogItemId:
        """`iofog-<number>`."""
        return seed_id(self.number)


def seed_id(number: int) -> CatalogItemId:
    """The id of the seed with that number."""
    return CatalogItemId(f"iofog-{number}")


HAL = seed_id(3)
BLUETOOTH = seed_id(2)
ROUTER = seed_id(15)
PROXY = seed_id(16)


def _both(image: str, arm: str = "") -> dict[str, str]:
    return {"x86": f"iofog/{image}", "arm": f"iofog/{arm or image + '-arm'}"}


SEEDS = (
    Seed(
        number=1,
        name="Networking Tool",
        images=_both("core-networking"),
        description="Networking between devices, built in.",
        category=SYSTEM,
        public=False,
    ),
    Seed(
        number=2,
        name="RESTBlue",
        images=_both("restblue"),
        description="Bluetooth Low Energy by way of a REST API.",
        category=SYSTEM,
        public=False,
    ),
    Seed(
        number=3,
        name="HAL",
        images=_both("hal"),
        description="The device's hardware by way of a REST API.",
        category=SYSTEM,
        public=False,
    ),
    Seed(
        number=4,
        name="Diagnostics",
        images=_both("diagnostics"),
        description="Looks into what a device does.",
        category="UTILITIES",
        picture="images/build/580.png",
    ),
    Seed(
        number=5,
        name="Hello Web Demo",
        images=_both("hello-web"),
        description="A small web server to try things with.",
        category="UTILITIES",
        picture="images/build/4.png",
    ),
    Seed(
        number=6,
        name="Open Weather Map Data",
        images=_both("open-weather-map"),
        description="The weather as Open Weather Map tells it, in JSON.",
        category="SENSORS",
        picture="images/build/8.png",
    ),
    Seed(
        number=7,
        name="JSON REST API",
        images=_both("json-rest-api"),
        description="Messages by way of a REST API of your own making.",
        category="UTILITIES",
        picture="images/build/49.png",
    ),
    Seed(
        number=8,
        name="Temperature Converter",
        images=_both("temperature-conversion"),
        description="Turns temperatures of one scale into another.",
        category="UTILITIES",
        picture="images/build/58.png",
    ),
    Seed(
        number=9,
        name="JSON Sub-Select",
        images=_both("json-subselect"),
        description="Picks parts out of JSON messages, and reshapes them.",
        category="UTILITIES",
        picture="images/build/59.png",
    ),
    Seed(
        number=10,
        name="Humidity Sensor Simulator",
        images=_both("humidity-sensor-simulator"),
        description="Pretends to measure humidity.",
        category="SIMULATOR",
        picture="images/build/simulator.png",
    ),
    Seed(
        number=11,
        name="Seismic Sensor Simulator",
        images=_both("seismic-sensor-simulator"),
        description="Pretends to measure tremors.",
        category="SIMULATOR",
        picture="images/build/simulator.png",
    ),
    Seed(
        number=12,
        name="Temperature Sensor Simulator",
        images=_both("temperature-sensor-simulator"),
        description="Pretends to measure temperature.",
        category="SIMULATOR",
        picture="images/build/simulator.png",
    ),
    Seed(
        number=13,
        name="Common Logging",
        images=_both("common-logging"),
        description="Collects log lines of other microservices, and is asked for them over REST.",
        category="UTILITIES",
        public=False,
        config_example='{"access_tokens": ["Some_Access_Token"], "cleanfrequency": "1h40m", '
        '"ttl": "24h"}',
    ),
    Seed(
        number=14,
        name="JSON Generator",
        images=_both("json-generator"),
        description="Sends messages of nested JSON.",
        category="UTILITIES",
        config_example="{}",
    ),
    Seed(
        number=15,
        name="Router",
        images=_both("router:latest", "router:latest"),
        description="Carries messages between devices, built in.",
        category=SYSTEM,
        public=False,
    ),
    Seed(
        number=16,
        name="Proxy",
        images=_both("proxy:latest", "proxy-arm:latest"),
        description="Carries connections over messages, built in.",
        category=SYSTEM,
        public=False,
    ),
    Seed(
        number=17,
        name="PortRouter",
        images=_both("port-router:latest", "port-router:latest"),
        description="Leads connections from an outside broker, built in.",
        category=SYSTEM,
        public=False,
    ),
)
