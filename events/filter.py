"""Which events somebody asks for: the audit's question, and the live feed's."""

from collections.abc import Set
from datetime import datetime

from msgspec import Struct

from events.envelope import Recorded
from events.shown import has_word


class Text(Struct, frozen=True, kw_only=True):
    """A word that has to stand in what people are shown of an event."""

    word: str
    named: Set[str] = frozenset()
    """Subjects whose names have the word. The log does not know their names: whoever asks does."""

    def matches(self, subject: str, data: bytes) -> bool:
        """Whether it stands in the name of an event's subject or in its data."""
        return subject in self.named or has_word(data, self.word)


class EventFilter(Struct, frozen=True, kw_only=True):
    """All that is not None must hold. `since` is included, `until` is not: windows can adjoin."""

    subject: str | None = None
    subjects: Set[str] | None = None
    """Any of these."""
    subject_prefix: str | None = None
    """`node/` asks for all nodes."""
    type: str | None = None
    type_prefix: str | None = None
    """`microservice.` asks for all that happens to them, `node.registered.` for all versions."""
    but_types: tuple[str, ...] = ()
    """Prefixes of types that are not asked for."""
    actors: Set[str] | None = None
    """Any of these."""
    command_id: str | None = None
    correlation_id: str | None = None
    text: Text | None = None
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, recorded: Recorded) -> bool:
        """Whether that event is asked for. Says what search_forward in sql/log.sql says."""
        return (
            (self.subject is None or recorded.subject == self.subject)
            and (self.subjects is None or recorded.subject in self.subjects)
            and (self.subject_prefix is None or recorded.subject.startswith(self.subject_prefix))
            and (self.type is None or recorded.type == self.type)
            and (self.type_prefix is None or recorded.type.startswith(self.type_prefix))
            and not recorded.type.startswith(self.but_types)
            and (self.actors is None or recorded.actor in self.actors)
            and (self.command_id is None or recorded.command_id == self.command_id)
            and (self.correlation_id is None or recorded.correlation_id == self.correlation_id)
            and (self.since is None or recorded.time >= self.since)
            and (self.until is None or recorded.time < self.until)
            and (self.text is None or self.text.matches(recorded.subject, recorded.data))
        )
