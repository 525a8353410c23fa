"""From what a broker holds to what it is to hold: the steps, and what is left as it is. Pure.

Access is taken away first, and given last. A queue goes only when nothing leads to it, nothing is
in it and nobody reads it; what is not ours is not touched.
"""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from ecn.broker.credentials import hashed, is_hash_of
from ecn.broker.topology import OURS, Binding, Policy, Queue, Topology, User


class FoundQueue(Struct, frozen=True):
    """A queue as it is there."""

    queue: Queue
    messages: int = 0
    """As of some seconds ago, as RabbitMQ counts."""
    consumers: int = 0


class FoundUser(Struct, frozen=True):
    """A user as RabbitMQ keeps them."""

    password_hash: str
    configure: str = ""
    write: str = ""
    read: str = ""
    """All three: empty when they were never given any permission."""


class Found(Struct, frozen=True, kw_only=True):
    """What is there of ours."""

    exchanges: dict[str, str] = field(default_factory=dict)
    queues: dict[str, FoundQueue] = field(default_factory=dict)
    bindings: frozenset[Binding] = frozenset()
    policies: dict[str, Policy] = field(default_factory=dict)
    users: dict[str, FoundUser] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    """Queues that nothing has led to for so long that what is counted in them is true."""


class PutExchange(Struct, frozen=True):
    """Declare it."""

    name: str
    kind: str


class PutQueue(Struct, frozen=True):
    """Declare it."""

    name: str
    queue: Queue


class Bind(Struct, frozen=True):
    """Let it lead there."""

    binding: Binding


class Unbind(Struct, frozen=True):
    """Let it lead there no more."""

    binding: Binding


class PutPolicy(Struct, frozen=True):
    """Set limits."""

    name: str
    policy: Policy


class PutUser(Struct, frozen=True):
    """Make the user, or give them these permissions."""

    name: str
    user: User
    anew: bool
    """With their password; otherwise only what they may is otherwise."""


class DropUser(Struct, frozen=True):
    """Their connections are closed, too."""

    name: str


class DropQueue(Struct, frozen=True):
    """Remove it."""

    name: str


class DropExchange(Struct, frozen=True):
    """Remove it, with what leads from it."""

    name: str


class DropPolicy(Struct, frozen=True):
    """Remove it."""

    name: str


Step = (
    DropUser
    | DropExchange
    | DropQueue
    | DropPolicy
    | PutPolicy
    | PutExchange
    | PutQueue
    | Bind
    | Unbind
    | PutUser
)


class Kept(Struct, frozen=True):
    """A queue that is left although it is not as it should be, and why."""

    queue: str
    why: str


class Plan(Struct, frozen=True):
    """What is to be done, in phases: the steps of one may be taken at the same time."""

    phases: tuple[tuple[Step, ...], ...]
    kept: tuple[Kept, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All of them, in order."""
        return tuple(step for phase in self.phases for step in phase)


def changes(there: Found, wanted: Topology) -> Plan:
    """The steps from what is there to what is wanted; none when it is so already."""
    kept = list(_wrong_queues(there, wanted))
    gone = list(_gone_queues(there, wanted, kept))
    recast = [
        name
        for name, kind in there.exchanges.items()
        if name in wanted.exchanges and wanted.exchanges[name] != kind
    ]
    # Bindings go with an exchange that is made anew.
    lost = {
        each
        for each in there.bindings
        if each.source in recast or (not each.to_queue and each.destination in recast)
    }
    phases: tuple[Iterable[Step], ...] = (
        (DropUser(name) for name in there.users if _is_another(there, wanted, name)),
        (
            *(DropExchange(name) for name in recast),
            *(
                PutPolicy(name, policy)
                for name, policy in wanted.policies.items()
                if there.policies.get(name) != policy
            ),
        ),
        (
            *(
                PutExchange(name, kind)
                for name, kind in wanted.exchanges.items()
                if name in recast or name not in there.exchanges
            ),
            *(
                PutQueue(name, queue)
                for name, queue in wanted.queues.items()
                if name not in there.queues
            ),
        ),
        (Bind(each) for each in sorted(wanted.bindings - (there.bindings - lost))),
        (
            PutUser(name, user, anew)
            for name, user in wanted.users.items()
            if (anew := _is_another(there, wanted, name) or name not in there.users)
            or _access(there.users[name]) != _access(user)
        ),
        (Unbind(each) for each in sorted(there.bindings - lost) if not _stays(each, wanted)),
        (
            *(DropQueue(name) for name in gone),
            *(
                DropExchange(name)
                for name in there.exchanges
                if name.startswith(OURS) and name not in wanted.exchanges
            ),
            *(DropPolicy(name) for name in there.policies if name not in wanted.policies),
        ),
    )
    return Plan(tuple(made for phase in phases if (made := tuple(phase))), tuple(kept))


def allowed(wanted: Topology, user: str, queue: str) -> bool | None:
    """Whether the user may read the queue; None for a user who is none of ours."""
    known = wanted.users.get(user)
    return None if known is None else re.search(known.read, queue) is not None


def applied(there: Found, steps: Iterable[Step]) -> Found:
    """What is there once these steps were taken."""
    exchanges, queues = dict(there.exchanges), dict(there.queues)
    bindings, policies, users = set(there.bindings), dict(there.policies), dict(there.users)
    for step in steps:
        match step:
            case DropUser():
                users.pop(step.name, None)
            case DropExchange():
                exchanges.pop(step.name, None)
                bindings -= {
                    each
                    for each in bindings
                    if each.source == step.name
                    or (each.destination == step.name and not each.to_queue)
                }
            case DropQueue():
                queues.pop(step.name, None)
                bindings -= {
                    each for each in bindings if each.to_queue and each.destination == step.name
                }
            case DropPolicy():
                policies.pop(step.name, None)
            case PutPolicy():
                policies[step.name] = step.policy
            case PutExchange():
                exchanges[step.name] = step.kind
            case PutQueue():
                queues[step.name] = FoundQueue(step.queue)
            case Bind():
                bindings.add(step.binding)
            case Unbind():
                bindings.discard(step.binding)
            case PutUser():
                users[step.name] = _kept_user(users.get(step.name), step)
            case _:
                assert_never(step)
    return replace(
        there,
        exchanges=exchanges,
        queues=queues,
        bindings=frozenset(bindings),
        policies=policies,
        users=users,
        idle=there.idle - {each.destination for each in bindings if each.to_queue},
    )


def _kept_user(before: FoundUser | None, step: PutUser) -> FoundUser:
    user = step.user
    kept = hashed(user.password, b"\0" * 4) if step.anew or before is None else before.password_hash
    return FoundUser(kept, user.configure, user.write, user.read)


def _is_another(there: Found, wanted: Topology, name: str) -> bool:
    """Whether who is there by that name is not who is wanted: nobody is, or another device."""
    found, user = there.users.get(name), wanted.users.get(name)
    if found is None:
        return False
    return user is None or not is_hash_of(user.password, found.password_hash)


def _access(user: User | FoundUser) -> tuple[str, str, str]:
    return user.configure, user.write, user.read


def _stays(binding: Binding, wanted: Topology) -> bool:
    """Whether the binding is wanted, goes with its exchange, or was right once and its route is
    there still."""
    if binding in wanted.bindings or not binding.source.startswith(OURS):
        return True
    if binding.source not in wanted.exchanges:
        return True  # it goes with the exchange
    if not _is_ours(binding):
        return True
    return (binding.key, binding.destination) in wanted.ways


def _is_ours(binding: Binding) -> bool:
    """Operators bind queues of their own to what goes upstream and to dead letters, and interior
    proxies theirs."""
    if not binding.destination.startswith(OURS):
        return False
    return not binding.destination.startswith("ecn.router.")


def _wrong_queues(there: Found, wanted: Topology) -> Iterator[Kept]:
    """Those of another kind than they should be. They could only be made anew, and what is in them
    would be lost: somebody made them by hand, and has to remove them so."""
    for name, found in sorted(there.queues.items()):
        queue = wanted.queues.get(name)
        if queue is not None and queue != found.queue:
            kind = "a quorum queue" if queue.quorum else "a classic one"
            if queue.one_reader:
                kind += " with a single active consumer"
            yield Kept(name, f"is not {kind}, as it should be: delete it, and it is made anew")


def _gone_queues(there: Found, wanted: Topology, kept: list[Kept]) -> Iterator[str]:
    """Those that nobody wants any more."""
    for name, found in sorted(there.queues.items()):
        if name in wanted.queues or not name.startswith(OURS) or name.startswith("ecn.router."):
            continue
        if found.messages:
            owner = "no route needs it" if name in wanted.living else "its owner is gone"
            kept.append(Kept(name, f"{owner}, and it has {found.messages} messages"))
        elif name in there.idle and not found.consumers:
            yield name
