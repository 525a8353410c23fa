"""What should be on this node, as far as the agent knows: kept whole, told in differences.

Pure. `link/uplink.py` merges what the controller answers, `store.py` keeps the result on disk,
`lifecycle/control_loop.py` makes it so.
"""

from msgspec import Struct, field

from agent.contract import (
    Broker,
    DesiredState,
    EdgeResource,
    Instruction,
    Microservice,
    NodeConfig,
    ProxiedPort,
    Route,
    Volume,
)


class Known(Struct, frozen=True, kw_only=True):
    """The whole desired state at a revision.

    There is no empty default on purpose: an agent that knows nothing yet must not take that for
    "nothing should run here" and clear the device.
    """

    revision: int
    microservices: dict[str, Microservice] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    node: NodeConfig = NodeConfig()
    edge_resources: list[EdgeResource] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    inboxes: list[str] = field(default_factory=list)
    broker: Broker | None = None
    public_ports: list[ProxiedPort] = field(default_factory=list)
    reader: str = ""
    """Version of the agent that read it. Another one may understand more of what it was told."""


def merged(known: Known | None, answer: DesiredState) -> Known | None:
    """The known state with a difference applied; None when only everything (since 0) will help.

    A difference to another revision than the known one is refused, and so is one that names a
    microservice which it neither brings nor the known state has.
    """
    before: dict[str, Microservice] = {}
    volumes: dict[str, Volume] = {}
    if answer.since != 0:
        if known is None or known.revision != answer.since:
            return None
        before, volumes = known.microservices, known.volumes
    changed = {m.microservice_id: m for m in answer.changed}
    after: dict[str, Microservice] = {}
    for microservice_id in answer.all_microservices:
        item = changed.get(microservice_id) or before.get(microservice_id)
        if item is None:
            return None
        after[microservice_id] = item
    volumes = volumes | {v.volume_id: v for v in answer.volumes}
    if not all(volume_id in volumes for volume_id in answer.all_volumes):
        return None
    kept = {volume_id: volumes[volume_id] for volume_id in answer.all_volumes}
    return Known(
        revision=answer.revision,
        microservices=after,
        volumes=kept,
        node=answer.node,
        edge_resources=answer.edge_resources,
        instructions=answer.instructions,
        routes=answer.routes,
        inboxes=answer.inboxes,
        broker=answer.broker,
        public_ports=answer.public_ports,
    )
