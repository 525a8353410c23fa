"""How a container finds the Local API, and what shows the agent who is in it.

Given when it is made (`carry_out.py`), so that what it is made from stays as the controller wrote
it: a container that was made by an agent before this one is not replaced for it.
"""

from agent.contract import ContainerSpec, ExtraHost
from agent.lifecycle.engine import HOST_GATEWAY
from agent.local_api.tokens import Tokens

HOST = "iofog"
"""The name that ioFog's SDKs look for."""
PORT = 54321
"""And their port."""
LOOPBACK = "127.0.0.1"


class Introduction:
    """What the containers of one agent are given. Where a spec says otherwise, that is left."""

    def __init__(self, tokens: Tokens, port: int = PORT) -> None:
        self._tokens = tokens
        self._port = port

    def environment(self, microservice_id: str, spec: ContainerSpec) -> dict[str, str]:
        """SELFNAME for ioFog's SDKs, ECN_TOKEN and ECN_LOCAL_API for ours."""
        given = {
            "SELFNAME": microservice_id,
            "ECN_TOKEN": self._tokens.of(microservice_id),
            "ECN_LOCAL_API": f"http://{HOST}:{self._port}",
        }
        return {name: text for name, text in given.items() if name not in spec.env}

    def extra_hosts(self, spec: ContainerSpec) -> list[ExtraHost]:
        """The name `iofog`."""
        if any(each.name == HOST for each in spec.extra_hosts):
            return []
        return [ExtraHost(name=HOST, address=LOOPBACK if spec.host_network else HOST_GATEWAY)]
