"""Which events somebody asks for: the audit's question, and the live feed's."""

from datetime import datetime

from msgspec import Struct

from events.envelope import Recorded


class EventFilter(Struct, frozen=True, kw_only=True):
    """All that is not None must hold. `since` is included, `until` is not: windows can adjoin."""

    subject: str | None = None
    subject_prefix: str | None = None
    """`node/` asks for all nodes."""
    type: str | None = None
    actor: str | None = None
    command_id: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, recorded: Recorded) -> bool:
        """Whether that event is asked for. Says what search_forward in sql/log.sql says."""
        return (
            (self.subject is None or recorded.subject == self.subject)
            and (self.subject_prefix is None or recorded.subject.startswith(self.subject_prefix))
            and (self.type is None or recorded.type == self.type)
            and (self.actor is None or recorded.actor == self.actor)
            and (self.command_id is None or recorded.command_id == self.command_id)
            and (self.correlation_id is None or recorded.correlation_id == self.correlation_id)
            and (self.since is None or recorded.time >= self.since)
            and (self.until is None or recorded.time < self.until)
        )
