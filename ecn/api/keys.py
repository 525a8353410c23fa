"""What handlers may use, by typed key. `ecn/controller.py` puts it there; nothing else does."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import ClientSession, web

from ecn.api.streams import Streams
from ecn.attempts import Attempts
from ecn.broker.keeper import BrokerKeeper
from ecn.container_snapshots import ContainerSnapshots
from ecn.dashboard.broadcast import Broadcast
from ecn.dashboard.packed import SharedSnapshot
from ecn.dashboard.timelines import Timelines
from ecn.metrics.look import ControllerLook
from ecn.metrics.measures import RequestMeasures
from ecn.passwords import Passwords
from ecn.presence import Presence
from ecn.rebuilds import Rebuilds
from ecn.replay import Replay
from ecn.router_presence import RouterPresence
from ecn.session_keeper import SessionKeeper
from ecn.settings import TunnelServer
from ecn.telemetry import Telemetry
from ecn.vault import Vault
from ecn.writer import Writer
from events.log import EventLog
from events.stored import StoredLog
from projections.live import Live
from projections.past import Past

LIVE = web.AppKey("LIVE", Live)
PAST = web.AppKey("PAST", Past)
REPLAY = web.AppKey("REPLAY", Replay)
LOG: web.AppKey[EventLog] = web.AppKey("LOG", EventLog)
STORED: web.AppKey[StoredLog] = web.AppKey("STORED", StoredLog)
WRITER = web.AppKey("WRITER", Writer)
VAULT = web.AppKey("VAULT", Vault)
PASSWORDS = web.AppKey("PASSWORDS", Passwords)
PRESENCE = web.AppKey("PRESENCE", Presence)
TELEMETRY = web.AppKey("TELEMETRY", Telemetry)
ROUTERS = web.AppKey("ROUTERS", RouterPresence)
"""Interior proxies, as they said themselves."""
ATTEMPTS = web.AppKey("ATTEMPTS", Attempts)
REBUILDS = web.AppKey("REBUILDS", Rebuilds)
SNAPSHOTS = web.AppKey("SNAPSHOTS", ContainerSnapshots)
TUNNEL: web.AppKey[TunnelServer | None] = web.AppKey("TUNNEL")
STREAMS = web.AppKey("STREAMS", Streams)
METRICS = web.AppKey("METRICS", ControllerLook)
"""What is said to a scraper."""
REQUESTS = web.AppKey("REQUESTS", RequestMeasures)
RELAY = web.AppKey("RELAY", ClientSession)
"""To other controllers."""
BROKER: web.AppKey[BrokerKeeper | None] = web.AppKey("BROKER")
"""Who keeps the interior router, where this controller was told how."""
SESSIONS = web.AppKey("SESSIONS", SessionKeeper)
BROADCAST = web.AppKey("BROADCAST", Broadcast)
"""What all dashboards follow."""
DASHBOARD_SNAPSHOT = web.AppKey("DASHBOARD_SNAPSHOT", SharedSnapshot)
"""What they begin with."""
TIMELINES = web.AppKey("TIMELINES", Timelines)
CLOCK: web.AppKey[Callable[[], datetime]] = web.AppKey("CLOCK")
STARTED_AT = web.AppKey("STARTED_AT", datetime)
OPEN_SIGNUP = web.AppKey("OPEN_SIGNUP", bool)
"""Whether people may make accounts by themselves."""
DISK_FULL: web.AppKey[Callable[[], bool]] = web.AppKey("DISK_FULL")
"""Whether the disk of the embedded Postgres takes no more: the reason why the log is away."""
