"""What a microservice is told when its agent refuses: RFC 9457 problem documents, as elsewhere."""

from http import HTTPStatus

import msgspec
from msgspec import Struct


class LocalRefused(Exception):
    """A request of a microservice that is not done.

    status: of HTTP. code: stable, for programs. field: the place in its body, as `$.patch.colour`.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, next_step: str = "", field: str = ""
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.next_step, self.field = next_step, field


class _Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    next_step: str = ""
    field: str = ""


def problem(refused: LocalRefused) -> bytes:
    """The document, `application/problem+json`."""
    return msgspec.json.encode(
        _Problem(
            type=f"urn:ecn:problem:{refused.code}",
            title=HTTPStatus(refused.status).phrase,
            status=refused.status,
            code=refused.code,
            detail=refused.detail,
            next_step=refused.next_step,
            field=refused.field,
        )
    )
