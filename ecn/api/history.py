"""What changed, why, and through whom: differences, reasons, blame."""

from ecn.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = ()
