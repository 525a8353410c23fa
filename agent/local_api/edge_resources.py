"""What the node's site offers, as ioFog's SDKs read it. Pure."""

import msgspec
from msgspec import Raw, Struct

from agent.contract import EdgeResource


class _Endpoint(Struct, frozen=True, kw_only=True):
    """As the controller writes it into a desired state."""

    name: str = ""
    description: str = ""
    method: str = ""
    url: str = ""
    request_type: str = ""
    response_type: str = ""
    request_example: str = ""
    response_example: str = ""


def edge_resources_text(resources: list[EdgeResource]) -> str:
    """JSON text of a list, by name and version; ioFog's answer holds it as a text.

    Ids are texts here, and numbers count the endpoints of a resource: ioFog's rows have numbers
    of a database, which nobody asks for anything.
    """
    ordered = sorted(resources, key=lambda each: (each.name, each.version))
    return msgspec.json.encode([_shown(each) for each in ordered]).decode()


def _shown(resource: EdgeResource) -> dict[str, object]:
    interface = f"{resource.edge_resource_id}/interface"
    return {
        "id": resource.edge_resource_id,
        "name": resource.name,
        "version": resource.version,
        "description": resource.description,
        "interfaceProtocol": resource.protocol,
        "orchestrationTags": resource.tags,
        "display": resource.display,
        "custom": resource.custom,
        "edgeInterface": {
            "id": interface,
            "edgeResourceId": resource.edge_resource_id,
            "endpoints": [
                _endpoint(number, each, interface)
                for number, each in enumerate(_endpoints(resource.endpoints), start=1)
            ],
        },
    }


def _endpoints(raw: Raw) -> list[_Endpoint]:
    try:
        return msgspec.json.decode(raw, type=list[_Endpoint])
    except msgspec.DecodeError:
        return []  # of a newer controller: the rest of the resource is still of use


def _endpoint(number: int, endpoint: _Endpoint, interface: str) -> dict[str, object]:
    return {
        "id": number,
        "name": endpoint.name,
        "description": endpoint.description,
        "method": endpoint.method,
        "url": endpoint.url,
        "requestType": endpoint.request_type,
        "responseType": endpoint.response_type,
        "requestPayloadExample": endpoint.request_example,
        "responsePayloadExample": endpoint.response_example,
        "interfaceId": interface,
    }
