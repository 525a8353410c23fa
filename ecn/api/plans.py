"""What would happen: plans, and reverts."""

from ecn.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
