"""Plans as documents: what was decided, told in words, with what devices will do. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ecn.api import plan_documents as p
from ecn.api.problems import document
from ecn.deciders.ahead import steps
from ecn.planning import cautions
from ecn.planning.actions import Placed, actions, touched
from ecn.planning.decided import Decided
from ecn.planning.fields import changed_by, sentence, subject_name
from events.envelope import KnownEvent
from events.ids import MicroserviceId, NodeId
from projections.nodes import NodeRow
from projections.things import row_of
from projections.world import World

MADE = ("created", "registered")


def plan(
    world: World,
    done: Sequence[Decided],
    *,
    more: Iterable[p.Caution] = (),
    stale: bool = False,
    request_id: str = "",
) -> p.Plan:
    """What the changes lead to, one on what the other leaves. world: before all of them.

    more: what else should be known. request_id: for the problems.
    """
    after = done[-1].after if done else world
    said, warnings = list[p.PlannedChange](), list(more)
    subjects, keys = dict[str, None](), dict[MicroserviceId, None]()
    for each in done:
        events = list[p.PlannedEvent]()
        for event, before, behind in steps(each.before, each.events):
            events.append(_event(event, before, behind))
            subjects[event.subject] = None
            keys |= dict.fromkeys(touched(event, before))
            warnings += cautions.of_event(event, before)
        said.append(_change(each, events, request_id))
    placed = list(actions(world, after, keys))
    nodes = _nodes(world, after, placed)
    for node_id, node in nodes:
        row = _row(world, after, node_id)
        warnings += cautions.of_node(row, [each.action for each in node.actions])
    warnings += cautions.of_moves(world, after, placed)
    warnings += cautions.of_dependencies(world, after, keys)
    return p.Plan(
        position=world.position,
        stale=stale,
        changes=said,
        nodes=[node for _, node in nodes],
        warnings=warnings,
        totals=_totals(world, after, subjects, said, placed),
    )


def _event(event: KnownEvent, before: World, after: World) -> p.PlannedEvent:
    fields = changed_by(event, before, after)
    return p.PlannedEvent(
        type=str(event.__struct_config__.tag),
        subject=subject_name(after, event.subject),
        says=sentence(event, fields),
        fields=fields,
    )


def _change(each: Decided, events: list[p.PlannedEvent], request_id: str) -> p.PlannedChange:
    problem = None if each.refused is None else document(each.refused, request_id)
    return p.PlannedChange(
        about=each.about, word=_word(each, events), events=events, problem=problem
    )


def _word(each: Decided, events: Sequence[p.PlannedEvent]) -> p.Becomes:
    if each.refused is not None:
        return p.Becomes.REFUSED
    words = {event.type.split(".")[1] for event in events if event.subject == each.about}
    if words.intersection(MADE):
        return p.Becomes.CREATED
    if "deleted" in words:
        return p.Becomes.DELETED
    return p.Becomes.UPDATED if events else p.Becomes.UNCHANGED


def _nodes(
    before: World, after: World, placed: Iterable[Placed]
) -> list[tuple[NodeId, p.PlannedNode]]:
    by_node = dict[NodeId, list[p.ContainerAction]]()
    for each in placed:
        by_node.setdefault(each.node_id, []).append(each.action)
    nodes = []
    for node_id, todo in by_node.items():
        row = _row(before, after, node_id)
        todo.sort(key=lambda action: action.microservice)
        nodes.append((node_id, p.PlannedNode(name=row.name, state=row.state, actions=todo)))
    return sorted(nodes, key=lambda each: each[1].name)


def _row(before: World, after: World, node_id: NodeId) -> NodeRow:
    """As it is: what it may be after the plan does not make its device come back."""
    return before.nodes.get(node_id) or after.nodes[node_id]


def _totals(
    before: World,
    after: World,
    subjects: Iterable[str],
    changes: Sequence[p.PlannedChange],
    placed: Iterable[Placed],
) -> p.Totals:
    there = Counter((_is_in(before, each), _is_in(after, each)) for each in subjects)
    containers = Counter(each.action.action for each in placed)
    return p.Totals(
        created=there[False, True],
        updated=there[True, True],
        deleted=there[True, False],
        refused=sum(each.word is p.Becomes.REFUSED for each in changes),
        containers={
            doing: containers[doing]
            for doing in p.Doing
            if containers[doing] and doing is not p.Doing.NOTHING
        },
    )


def _is_in(world: World, subject: str) -> bool:
    kind, _, key = subject.partition("/")
    return row_of(world, kind, key) is not None
