"""The Java Agent 3.1 as a controller sees it: its requests in its order, without containers.

Written down from what the real one says on the wire; where it would start a container, this one
only remembers what it was told, so that tests run without Java, and without Docker Engine. It
reads answers as strictly as the Java one does (tests.iofog.java_agent_readings) and, unlike that
one, raises where the Java one would drop an answer and say so in its log.

    async with aiohttp.ClientSession() as session:
        agent = JavaAgent(session, "http://127.0.0.1:51121/api/v3")
        await agent.provision(key)
        await agent.poll()

`python -m tests.iofog.java_agent URL KEY` provisions with that key, polls three times, reports and
says what it was told.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from uuid import uuid4

import aiohttp
import msgspec

from tests.iofog.java_agent_readings import (
    Changes,
    Config,
    EdgeResource,
    EdgeResources,
    Microservice,
    Microservices,
    Provisioned,
    Registries,
    Registry,
    Router,
    Snapshot,
    Trace,
    Traces,
    Tunnel,
    VersionCommand,
)

INTEL = 1
"""Its fog type; 2 is ARM."""
NOWHERE = {
    "username": "-",
    "host": "-",
    "rport": 0,
    "lport": 0,
    "status": "CLOSED",
    "errormessage": "-",
}
"""What it says of a tunnel that it does not hold."""


class Refused(Exception):
    """The controller answered with an error; `status` is HTTP's."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what}: {status} {said}")
        self.status = status
        self.said = said


class JavaAgent:
    """One agent; not provisioned yet. What it was told last is in its fields."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """url: of the API, up to and with /api/v3."""
        self._session = session
        self._url = url.rstrip("/") + "/agent/"
        self.uuid = self.token = ""
        self.config = Config()
        self.router: Router | None = None
        self.microservices: list[Microservice] = []
        self.registries: list[Registry] = []
        self.edge_resources: list[EdgeResource] = []
        self.traces: list[Trace] = []
        self.commands: list[str] = []
        """What it was told to do: reboot, prune, upgrade, rollback, tunnel, snapshot <uuid>."""
        self.ready_to_upgrade = False
        """Whether it found a newer package of itself."""
        self._initialization = True
        self._clock = 1_790_000_000_000

    # --- What goes over the wire ---------------------------------------------------------------

    async def ask(self, method: str, command: str, body: object = None) -> bytes:
        """One request; the answer's body. GET and DELETE go without a body. Errors: Refused."""
        headers = {"Request-Id": uuid4().hex, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = self.token
        content = None
        if method not in ("GET", "DELETE"):
            headers["Content-Type"] = "application/json; charset=UTF-8"
            # As in Java, a float is written with its fraction: 10.0.
            content = json.dumps(body if body is not None else {}).encode()
        async with self._session.request(
            method, self._url + command, data=content, headers=headers
        ) as response:
            said = await response.read()
            if response.status not in (200, 201, 204):
                raise Refused(f"{method} {command}", response.status, said.decode())
            if response.status == 204:
                assert not said, f"{method} {command}: 204 with a body"
            else:
                # It can read nothing but an object, whatever it needs of it.
                assert isinstance(json.loads(said), dict), f"{method} {command}: {said!r}"
            return said

    async def ping(self) -> bool:
        """Whether the controller says that it is there, as it asks every minute."""
        async with self._session.get(self._url.removesuffix("agent/") + "status") as response:
            return response.status == 200 and (await response.json()).get("status") is not None

    # --- Coming and going ----------------------------------------------------------------------

    async def provision(self, key: str) -> None:
        """With a provisioning key. Errors: Refused, and it stays what it was."""
        said = await self.ask("POST", "provision", {"key": key, "type": INTEL})
        provisioned = msgspec.json.decode(said, type=Provisioned)
        self.uuid, self.token = provisioned.uuid, provisioned.token
        self._initialization = True
        # Twice: once for the provisioning, once as the settings are saved with the new uuid.
        await self.push_config()
        await self.push_config()
        await self.load_registries()
        await self.load_microservices()
        await self.load_edge_resources()
        await self.report()

    async def deprovision(self) -> None:
        """As its owner wants; it forgets who it was."""
        uuids = [each.uuid for each in self.microservices]
        await self.ask("POST", "deprovision", {"microserviceUuids": uuids})
        self._forget()

    def _forget(self) -> None:
        self.uuid = self.token = ""
        self.microservices, self.router = [], None

    async def push_config(self) -> None:
        """Its own settings, which the controller takes over: floats where Java has doubles."""
        settings = {
            "networkInterface": "eth0",
            "dockerUrl": "unix:///var/run/docker.sock",
            "diskLimit": 10.0,
            "diskDirectory": "/var/lib/iofog-agent/",
            "memoryLimit": 4096.0,
            "cpuLimit": 80.0,
            "logLimit": 10.0,
            "logDirectory": "/var/log/iofog-agent/",
            "logFileCount": 10,
            "statusFrequency": 30,
            "changeFrequency": 60,
            "deviceScanFrequency": 60,
            "watchdogEnabled": False,
            "gpsMode": "off",
            "latitude": 0.0,
            "longitude": 0.0,
            "logLevel": "INFO",
            "availableDiskThreshold": 20,
            "dockerPruningFrequency": 1,
            "readyToUpgradeScanFrequency": 24,
        }
        await self.ask("PATCH", "config", settings)

    # --- What it loads -------------------------------------------------------------------------

    async def load_config(self) -> None:
        """Its settings, and where its router is."""
        said = await self.ask("GET", "config")
        self.config = msgspec.json.decode(said, type=Config)
        self.router = msgspec.json.decode(said, type=Router)

    async def load_microservices(self) -> None:
        """What it is to run."""
        said = await self.ask("GET", "microservices")
        self.microservices = msgspec.json.decode(said, type=Microservices).microservices

    async def load_registries(self) -> None:
        """Where images are pulled from."""
        said = await self.ask("GET", "registries")
        self.registries = msgspec.json.decode(said, type=Registries).registries

    async def load_edge_resources(self) -> None:
        """What is linked to it."""
        said = await self.ask("GET", "edgeResources")
        self.edge_resources = msgspec.json.decode(said, type=EdgeResources).edge_resources

    # --- Its cycle -----------------------------------------------------------------------------

    async def poll(self) -> Changes:
        """Ask what changed, do it in its order, and say that it is done, also when nothing was.

        The first time after a start it loads registries and microservices, and looks over most
        of the rest; what was told then is acknowledged all the same.
        """
        changes = msgspec.json.decode(await self.ask("GET", "config/changes"), type=Changes)
        first, self._initialization = self._initialization, False
        if changes.delete_node and not first:
            await self.ask("DELETE", "delete-node")
            self._forget()
            return changes
        await self._handle(changes, first)
        body = {"lastUpdated": changes.last_updated}
        assert json.loads(await self.ask("PATCH", "config/changes", body)) == {}
        return changes

    async def _handle(self, changes: Changes, first: bool) -> None:
        if changes.reboot and not first:
            self.commands.append("reboot")
        if changes.is_image_snapshot and not first:
            said = await self.ask("GET", "image-snapshot")
            uuid = msgspec.json.decode(said, type=Snapshot).uuid
            self.commands.append(f"snapshot {uuid}")
        if changes.config and not first:
            await self.load_config()
        if changes.version and not first:
            said = await self.ask("GET", "version")
            self.commands.append(msgspec.json.decode(said, type=VersionCommand).version_command)
        if changes.registries or first:
            await self.load_registries()
        if changes.prune and not first:
            self.commands.append("prune")
        if changes.microservice_config or changes.microservice_list or changes.routing or first:
            await self.load_microservices()
        if changes.tunnel and not first:
            msgspec.json.decode(await self.ask("GET", "tunnel"), type=Tunnel)
            self.commands.append("tunnel")
        if changes.diagnostics and not first:
            said = await self.ask("GET", "strace")
            self.traces = msgspec.json.decode(said, type=Traces).strace_values
        if changes.router_changed and not first:
            await self.load_config()
        if changes.linked_edge_resources and not first:
            await self.load_edge_resources()

    async def report(self, microservices: Sequence[object] = ()) -> None:
        """Its status. microservices: items of microserviceStatus, see `running` and `failed`.

        Errors: Refused; a 403 makes it deprovision itself, which is no error.
        """
        self._clock += 1000
        status = {
            "daemonStatus": "RUNNING",
            "daemonOperatingDuration": 74759,
            "daemonLastStart": 1_790_000_000_000,
            "memoryUsage": 109.46356964111328,
            "diskUsage": 0.0,
            "cpuUsage": 0.5025125741958618,
            "memoryViolation": False,
            "diskViolation": False,
            "cpuViolation": False,
            "systemAvailableDisk": 80031764480,
            "systemAvailableMemory": 24407609344,
            "systemTotalCpu": 43.0,
            "microserviceStatus": json.dumps(list(microservices)),
            "repositoryCount": len(self.registries),
            "repositoryStatus": "[]",
            "systemTime": self._clock,
            "lastStatusTime": self._clock,
            "ipAddress": "172.17.0.1",
            "ipAddressExternal": "",
            "processedMessages": 0,
            "microserviceMessageCounts": "[]",
            "messageSpeed": 0.0,
            "lastCommandTime": 0,
            "tunnelStatus": json.dumps(NOWHERE),
            "version": "3.1.0",
            "isReadyToUpgrade": self.ready_to_upgrade,
            "isReadyToRollback": False,
        }
        try:
            await self.ask("PUT", "status", status)
        except Refused as e:
            if e.status != 403:
                raise
            self._forget()

    async def trace(self, microservice_uuid: str, buffer: str) -> None:
        """What strace said of a microservice."""
        data = [{"microserviceUuid": microservice_uuid, "buffer": buffer}]
        await self.ask("PUT", "strace", {"straceData": data})


def running(microservice_uuid: str) -> dict[str, object]:
    """A microservice's status when its container runs; usage is text, in American thousands."""
    return {
        "id": microservice_uuid,
        "status": "RUNNING",
        "percentage": 0.0,
        "containerId": "b30b5d91a81c419ef352172d5f5ce17d3e6b8b00365a7b0d998a6b095d31de76",
        "startTime": 1_790_000_000_000,
        "operatingDuration": 12_345,
        "cpuUsage": "1.23",
        "memoryUsage": "1,234.56",
    }


def never_started(microservice_uuid: str, message: str) -> dict[str, object]:
    """A microservice's status when its container can't start: it began in the year 1."""
    return {
        "id": microservice_uuid,
        "status": "CREATED",
        "percentage": 0.0,
        "containerId": "b30b5d91a81c419ef352172d5f5ce17d3e6b8b00365a7b0d998a6b095d31de76",
        "startTime": -62_135_769_600_000,
        "operatingDuration": 63_931_036_935_407,
        "cpuUsage": "0",
        "memoryUsage": "0",
        "errorMessage": message,
    }


def unknown(container_id: str) -> dict[str, object]:
    """What it says of a container that it does not know: the id is the container's."""
    return {"id": container_id, "status": "UNKNOWN", "percentage": 0.0}


async def _try(url: str, key: str) -> None:
    async with aiohttp.ClientSession() as session:
        agent = JavaAgent(session, url.rstrip("/") + "/api/v3")
        assert await agent.ping()
        await agent.provision(key)
        sys.stdout.write(f"provisioned: {agent.uuid}\n")
        for _ in range(3):
            sys.stdout.write(f"{await agent.poll()}\n")
            await agent.report([running(each.uuid) for each in agent.microservices])
        await agent.load_config()
        sys.stdout.write(f"{agent.config}\n{agent.router}\n")
        for told in (*agent.microservices, *agent.registries, *agent.edge_resources):
            sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    asyncio.run(_try(*sys.argv[1:]))
