"""What devices say is bounded before it becomes an event: they may be broken, or not ours."""

from datetime import UTC, datetime

from agent import contract
from ecn.api import agent_documents
from events.ids import NodeId

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_texts_that_go_on_for_ever_are_cut_and_lose_their_nul() -> None:
    endless = "x\x00" * 100_000
    said = contract.Report(
        facts=contract.Facts(engine_version=endless),
        containers=[
            contract.ContainerReport(
                sequence=1,
                microservice_id="m",
                status=contract.ContainerStatus(
                    state=contract.ContainerState.RUNNING,
                    reason=endless,
                    container_id=endless,
                    image_digest=endless,
                    at=NOW,
                ),
            )
        ],
    )
    command = agent_documents.report(NodeId("n"), said, NOW)
    assert command.facts is not None
    status = command.containers[0].status
    assert command.facts.engine_version == "x" * agent_documents.LONGEST_FACT
    assert status.reason == "x" * agent_documents.LONGEST_REASON
    assert status.container_id == status.image_digest == "x" * agent_documents.LONGEST_FACT
