"""The documents of deploying manifests by one request. Pure."""

from ecn.api.documents import Answer, Changed, Page, Request
from ecn.api.plan_documents import Plan


class ManifestText(Request, frozen=True, kw_only=True):
    """A file of manifests, as people write it."""

    text: str
    """YAML or JSON, any number of documents: `ecn/v1`, and Eclipse ioFog's."""
    name: str = "manifest"
    """For errors, which name the place: `shop.yaml:3:5: …`."""


class DeployRequest(Request, frozen=True, kw_only=True):
    """Let everything be as these say, all of it or nothing."""

    sources: list[ManifestText]
    plan: bool = False
    """Only say what would come of it."""
    expected_position: int | None = None
    """Refuse if by now it would lead to something else than at this position: that of the plan
    seen."""


class ManifestFault(Answer, frozen=True, kw_only=True):
    """Why a text can't be used, and where."""

    source: str
    line: int
    """From 1, as is the next."""
    column: int
    says: str


class Deployed(Page, frozen=True, kw_only=True):
    """What manifests led to, or would lead to."""

    plan: Plan | None
    """None where the texts can't be read."""
    done: Changed | None
    """None when only a plan was asked for."""
    faults: list[ManifestFault]
    """Of a plan that there is none of: all that were found. What is to be done and has any is
    refused."""
