"""Why something is as it is: from its state back through events and commands to whoever asked.

Works for what is there and for what is gone. Which events tell it is asked for on the way
(asking.py): the answer needs some ten searches of the log, whatever its length.
"""

from ecn.api.history_documents import Step, Why
from ecn.history import why_application, why_microservice, why_node, why_offer
from ecn.history.asking import Question
from ecn.history.glance import name_of
from events.ids import ApplicationId, MicroserviceId, NodeId
from projections.things import row_of
from projections.world import World

KINDS = ("node", "application", "microservice", *why_offer.DELETIONS)


def why(world: World, subject: str) -> Question[Why]:
    """The whole chain. subject: `<kind>/<id>`, of one of KINDS, there or gone.

    Errors: KeyError for something that never was.
    """
    kind, _, key = subject.partition("/")
    return Why(
        position=world.position,
        subject=subject,
        name=name_of(world, subject),
        chain=(yield from _chain(world, kind, key)),
    )


def _chain(world: World, kind: str, key: str) -> Question[Step]:
    is_there = row_of(world, kind, key) is not None
    subject = f"{kind}/{key}"
    match kind:
        case "node":
            of_node = why_node.node(world, NodeId(key))
            return (yield from of_node if is_there else why_node.gone(world, subject))
        case "application":
            of_all = why_application.application(world, ApplicationId(key))
            return (yield from of_all if is_there else why_application.gone(world, subject))
        case "microservice":
            of_one = why_microservice.microservice(world, MicroserviceId(key))
            return (yield from of_one if is_there else why_microservice.gone(world, subject))
        case _ if kind in why_offer.DELETIONS:
            of_this = why_offer.offer(world, subject)
            return (yield from of_this if is_there else why_offer.gone(world, subject))
        case _:
            raise KeyError(subject)
