"""The log as a whole over HTTP: export, verification, checkpoints."""

from ecn.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
