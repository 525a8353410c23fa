"""The world rebuilt from nothing and compared with the live one, and with the rows in Postgres."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from ecn.api.endpoint import Endpoint
from ecn.api.keys import REPLAY
from ecn.api.lines import MEDIA, lines_answer
from ecn.api.replay_documents import LogReplay, ReplayDifference, ReplayVerdict
from ecn.api.standing import check_still_allowed
from ecn.errors import TooMany
from ecn.replay import Busy, Progress, Replayed, Verdict
from events.user import Role
from projections.equality import Difference


async def replay(request: web.Request) -> web.StreamResponse:
    """Fold the whole log from nothing, and say whether all is what follows from it."""
    async with aclosing(_lines(request)) as lines:
        return await lines_answer(request, lines)


async def _lines(request: web.Request) -> AsyncGenerator[LogReplay, None]:
    try:
        async with aclosing(request.app[REPLAY].run()) as told:
            async for line in told:
                check_still_allowed(request, Role.OPERATOR)
                yield _document(line)
    except Busy as e:
        raise TooMany("the log is being replayed for somebody else", retry_after=5) from e


def _document(line: Progress | Replayed) -> LogReplay:
    if isinstance(line, Progress):
        return LogReplay(position=line.position, of=line.of)
    return LogReplay(
        position=line.position,
        of=line.position,
        done=True,
        same=line.same,
        events_per_second=round(line.per_second),
        live=_verdict(line.live),
        views=_verdict(line.views),
    )


def _verdict(verdict: Verdict) -> ReplayVerdict:
    return ReplayVerdict(
        compared=verdict.compared.value,
        position=verdict.position,
        difference=_difference(verdict.difference) if verdict.difference is not None else None,
        why_not=verdict.why_not,
    )


def _difference(difference: Difference) -> ReplayDifference:
    return ReplayDifference(
        view=difference.view,
        key=difference.key,
        field=difference.field,
        expected=difference.expected,
        found=difference.found,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/log/replay",
        handler=replay,
        access=Role.OPERATOR,
        tag="log",
        summary="Replay the log and compare: a line for each step, the outcome in the last one",
        answer=LogReplay,
        media=MEDIA,
        refusals=(429,),
    ),
)
