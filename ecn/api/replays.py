"""The world rebuilt from nothing and compared with the live one."""

from ecn.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
