"""Both ends of a twin, without a network between them: whatever gets lost, they end up the same.

The device's end is the agent's own (`agent/local/twins.py` over a journal on disk), the
controller's the deciders and the documents that it sends. Between them reports and answers are
lost, repeated and late, the agent restarts, clocks jump.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from agent import contract
from agent.local.config_delivery import TWIN_FILE, ConfigDelivery
from agent.local.merge_patch import changed, decoded, encoded, leaves, same
from agent.local.problems import LocalRefused
from agent.local.twin_store import TwinStore
from agent.local.twins import Twins
from agent.storage.desired_state import Known, merged
from agent.storage.journal import Journal
from ecn.api import agent_documents
from ecn.commands.node import ReportNode
from ecn.commands.twin import PatchTwin, ReplaceTwin
from ecn.deciders.decide import decide
from events.application import ConflictRule
from events.envelope import Recorded
from events.ids import Position
from events.twin import TwinDesiredChanged, TwinEditOverruled, TwinReportedChanged
from projections import desired_state
from projections.twins import twin_of
from projections.world import World, fold
from tests.agent.test_merge_patch import documents, patches
from tests.builders import EAST, NOW, WEB, chained, world_after
from tests.ecn.deciders.test_twin import network


class Controller:
    """The controller's end."""

    def __init__(self, rule: ConflictRule) -> None:
        self.world = world_after(*network(rule))
        self.log: list[Recorded] = []
        self.now = NOW

    def do(self, command: PatchTwin | ReplaceTwin | ReportNode) -> None:
        """Carry it out."""
        by_device = isinstance(command, ReportNode)
        recorded = chained(
            self.world.head,
            *decide(self.world, command),
            now=self.now,
            actor=f"node/{EAST}" if by_device else "user/anna",
        )
        self.world = fold(self.world, recorded)
        self.log += recorded

    def report(self, said: contract.Report) -> int:
        """As POST /agent/report; the number it is accepted through."""
        body = msgspec.json.decode(msgspec.json.encode(said), type=contract.Report)
        self.do(agent_documents.report(EAST, body, self.now))
        numbers = [each.sequence for each in body.twins]
        return max([self.world.reports.get(EAST) or 0, *numbers])

    def state(self, since: int) -> contract.DesiredState | None:
        """As GET /agent/desired-state; None is 304."""
        if since == desired_state.revision(self.world, EAST):
            return None
        return self.whole(self.world, Position(since))

    @staticmethod
    def whole(world: World, since: Position) -> contract.DesiredState:
        changed = agent_documents.changed_since(world, EAST, since)
        state = agent_documents.desired(
            world, EAST, since=since, changed=changed, passwords={}, stream_requests=[]
        )
        return msgspec.json.decode(msgspec.json.encode(state), type=contract.DesiredState)


class Made(Struct):
    """A change that the device took."""

    section: str
    whole: dict[str, object]
    at: datetime


class Device:
    """The agent's end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.known: Known | None = None
        self.now = NOW
        self.seconds = 0.0
        self.made: list[Made] = []
        self.start()

    def start(self) -> None:
        self.journal = Journal(self._folder / "journal.sqlite")
        # No power is cut here: that is tested in tests/agent/test_store.py.
        self.journal.database.execute("PRAGMA synchronous = OFF")
        self.told: list[str] = []
        self._config = ConfigDelivery(self._folder / "microservices")
        self.twins = Twins(
            TwinStore(self.journal),
            self._config,
            now=lambda: self.now,
            clock=lambda: self.seconds,
            tell=self.told.append,
        )
        if self.known is not None:
            self.wish(self.known)

    def stop(self) -> None:
        self.journal.__exit__(None, None, None)

    def learn(self, answer: contract.DesiredState) -> None:
        known = merged(self.known, answer)
        assert known is not None
        # As on disk: what a restart finds.
        self.known = msgspec.json.decode(msgspec.json.encode(known), type=Known)
        self.wish(known)

    def wish(self, known: Known) -> None:
        self.twins.wish(known)
        self._config.wish(known)

    def change(self, section: str, patch: dict[str, object]) -> None:
        self.seconds += 10
        ask = self.twins.patch_desired if section == "desired" else self.twins.patch_reported
        try:
            taken = ask(WEB, msgspec.json.encode(patch))
        except LocalRefused as refused:
            if refused.status != 400:
                raise
            return  # too large, too deep
        if taken:
            self.made.append(Made(section, self.section(section), self.now))

    def section(self, section: str) -> dict[str, object]:
        if section == "desired":
            return self.twins.desired(WEB).properties
        return self.twins.reported(WEB)[0]

    def say(self) -> contract.Report:
        return contract.Report(twins=self.journal.pending(3).twins)

    def file(self) -> object:
        return msgspec.json.decode((self._folder / "microservices" / WEB / TWIN_FILE).read_bytes())


@contextmanager
def device() -> Iterator[Device]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "microservices").mkdir()
        running = Device(Path(folder))
        try:
            yield running
        finally:
            running.stop()


class Step(Struct, frozen=True):
    """Something that happens. what: see `happen`."""

    what: str
    patch: dict[str, object]
    seconds: int


WHAT = ("centre", "centre-whole", "edge", "edge", "reported", "report", "answer-lost", "state")
RARE = ("again", "restart", "everything", "report-late")
steps = st.builds(
    Step,
    what=st.sampled_from(WHAT + WHAT + RARE),
    patch=patches,
    seconds=st.integers(-100, 100),
)


def happen(step: Step, c: Controller, d: Device, late: list[contract.Report]) -> None:
    c.now += timedelta(seconds=1)
    d.now = NOW + timedelta(seconds=step.seconds)
    match step.what:
        case "centre":
            c.do(PatchTwin(microservice_id=WEB, patch=encoded(step.patch)))
        case "centre-whole":
            wanted = {k: v for k, v in step.patch.items() if not isinstance(v, dict | None)}
            c.do(ReplaceTwin(microservice_id=WEB, desired=encoded(wanted)))
        case "edge":
            d.change("desired", step.patch)
        case "reported":
            d.change("reported", step.patch)
        case "report":
            d.journal.accepted(c.report(d.say()))
        case "answer-lost":
            late.append(d.say())
            c.report(late[-1])
        case "report-late":
            # On its way for long, and sent once more meanwhile.
            late.append(d.say())
        case "again" if late:
            c.report(late[step.seconds % len(late)])
        case "state" if d.known is not None and (answer := c.state(d.known.revision)):
            d.learn(answer)
        case "everything":
            d.learn(c.whole(c.world, Position(0)))
        case "restart":
            d.stop()
            d.start()
        case _:
            pass


def settle(c: Controller, d: Device) -> None:
    """The link is there again, for as long as it takes."""
    while d.journal.waiting():
        d.journal.accepted(c.report(d.say()))
    assert d.known is not None
    if answer := c.state(d.known.revision):
        d.learn(answer)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(ConflictRule)), st.lists(steps, max_size=25))
def test_both_ends_end_up_the_same_and_the_log_has_every_change(
    rule: ConflictRule, story: list[Step]
) -> None:
    with device() as d:
        c = Controller(rule)
        late: list[contract.Report] = []
        d.learn(c.whole(c.world, Position(0)))
        for step in story:
            happen(step, c, d, late)
            assert same(d.file(), d.section("desired"))
        settle(c, d)
        for old in late:  # also what was under way for ever changes nothing any more
            before = c.world
            c.report(old)
            assert c.world.twins == before.twins
        row = twin_of(c.world, WEB)
        there = d.twins.desired(WEB)
        assert (there.version, there.edits) == (row.desired_version, 0)
        assert same(there.properties, decoded(row.desired))
        assert same(d.file(), decoded(row.desired))
        reported, version = d.twins.reported(WEB)
        assert same(reported, decoded(row.reported))
        assert version == row.reported_version

        # What the log says was changed is what there is: no change was made on another's ruins.
        folded: dict[str, object] = {}
        for each in c.log:
            if isinstance(each.event, TwinDesiredChanged):
                folded = changed(folded, decoded(each.event.patch))
        assert same(folded, decoded(row.desired))

        # Reports: each once, in order, with its time. Changes of what should be: none is silent.
        said = [r.event for r in c.log if isinstance(r.event, TwinReportedChanged)]
        ours = [each for each in d.made if each.section == "reported"]
        assert [(decoded(e.reported), e.at) for e in said] == [(m.whole, m.at) for m in ours]
        assert [e.version for e in said] == list(range(1, len(said) + 1))
        edits = {
            r.event.sequence
            for r in c.log
            if isinstance(r.event, TwinDesiredChanged | TwinEditOverruled)
            and r.event.sequence is not None
        }
        assert len(edits) == sum(1 for each in d.made if each.section == "desired")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(ConflictRule)), documents, st.lists(steps, max_size=8))
def test_nothing_flickers_between_the_report_and_the_desired_state(
    rule: ConflictRule, start: dict[str, object], story: list[Step]
) -> None:
    """What was changed on the device stays as it is there until what came of it arrives."""
    with device() as d:
        c = Controller(rule)
        c.do(ReplaceTwin(microservice_id=WEB, desired=encoded(start)))
        d.learn(c.whole(c.world, Position(0)))
        for step in story:
            if step.what in ("edge", "centre", "restart"):
                happen(step, c, d, [])
        before = d.section("desired")
        while d.journal.waiting():
            d.journal.accepted(c.report(d.say()))
            assert same(d.section("desired"), before)
        settle(c, d)
        assert same(d.section("desired"), decoded(twin_of(c.world, WEB).desired))


def test_a_device_that_lost_its_journal_reports_anew() -> None:
    """Its folder is as it was yesterday: the log has numbers that it never gave."""
    with device() as d, device() as restored:
        c = Controller(ConflictRule.MERGE)
        d.learn(c.whole(c.world, Position(0)))
        restored.learn(c.whole(c.world, Position(0)))
        for n in range(5):
            d.change("reported", {"n": n})
            d.change("desired", {"d": n})
        settle(c, d)
        restored.change("reported", {"n": "of yesterday"})
        restored.change("desired", {"e": 1})
        restored.learn(c.whole(c.world, Position(0)))
        # The controller speaks of numbers that are not this journal's: nothing of it is given up.
        assert restored.section("desired") == {"d": 4, "e": 1}
        restored.journal.accepted(c.report(restored.say()))
        assert restored.journal.waiting() == 2
        settle(c, restored)
        assert decoded(twin_of(c.world, WEB).reported) == {"n": "of yesterday"}
        assert decoded(twin_of(c.world, WEB).desired) == {"d": 4, "e": 1}
        assert restored.section("desired") == {"d": 4, "e": 1}
        assert restored.twins.desired(WEB).edits == 0


def test_a_microservice_that_left_the_device_takes_its_twin_along() -> None:
    with device() as d:
        c = Controller(ConflictRule.MERGE)
        answer = c.whole(c.world, Position(0))
        d.learn(answer)
        d.change("reported", {"n": 1})
        d.change("desired", {"d": 1})
        assert d.known is not None
        d.wish(replace(d.known, microservices={}))
        d.wish(d.known)
        assert (d.section("reported"), d.section("desired")) == ({}, {})
        assert d.journal.waiting() == 2  # what happened is told all the same
        assert list(leaves(d.section("desired"))) == []
