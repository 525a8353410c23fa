"""The base of every event type: what all of them share, and what is promised for them."""

from typing import ClassVar

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """One fact, in the past tense.

    The tag is `<kind>.<what happened>.v<N>`. Once a tagged release has written it, a type never
    changes: a new meaning is a new version. Unknown fields are ignored, as a newer writer may
    have added them.

    The garbage collector leaves them alone (`gc=False`, which is inherited): what is frozen has no
    cycles, and a world has millions of them.

    `KIND` and the first id field say what it is about; `subject` puts them together.
    """

    KIND: ClassVar[str]

    @property
    def subject(self) -> str:
        """What this is about: `<kind>/<id>`."""
        return f"{self.KIND}/{getattr(self, self.KIND.replace('-', '_') + '_id')}"
