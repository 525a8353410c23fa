"""What is said between the dashboard's page and its session."""

from datetime import datetime

from ecn.api.documents import Answer, Changed, Request
from events.user import Role


class OpenSession(Request, frozen=True, kw_only=True):
    """Who wants in. Neither, where a token says who."""

    name: str = ""
    password: str = ""


class Session(Answer, frozen=True, kw_only=True):
    """Who is logged in. The session's token itself is in a cookie that no script can read."""

    user: str
    role: Role
    csrf_token: str
    """For the header X-CSRF-Token of whatever changes something. The page alone knows it."""
    expires_at: datetime | None = None


class DashboardLink(Changed, frozen=True, kw_only=True):
    """Lets one browser in, once, as whoever asked for it."""

    token: str
    expires_at: datetime | None = None
