"""What is decided about twins, on the centre's word and on a device's."""

from collections.abc import Iterator

from ecn.commands.node import TwinReport
from events.envelope import KnownEvent
from events.ids import NodeId
from events.twin import TwinReportedChanged, TwinSection
from projections.world import World


def from_device(_: World, node_id: NodeId, report: TwinReport) -> Iterator[KnownEvent]:
    """A change that was made on the device."""
    if report.section is TwinSection.REPORTED:
        yield TwinReportedChanged(
            microservice_id=report.microservice_id,
            version=1,
            patch=report.patch,
            reported=report.whole,
            node_id=node_id,
            at=report.at,
            sequence=report.sequence,
        )
