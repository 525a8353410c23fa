"""What controller and agent say to each other, over HTTP in JSON.

It belongs to the agent, because devices upgrade last; the controller adapts. An agent ignores
fields it does not know, so that a newer controller can say more.

| call | body | answer |
|---|---|---|
| `POST /api/v1/agent/provision` | `Provision` | 200 `Provisioned` |
| `GET /api/v1/agent/desired-state` | none; see below | 200 `DesiredState` with ETag, or 304 |
| `POST /api/v1/agent/deprovision` | none | 200; 410 when asked again |
| `PATCH /api/v1/agent/settings` | `SettingsChange` | 200; 403 where operators do not allow it |
| `POST /api/v1/agent/report` | `Report` | 200 `ReportAnswer` |
| `POST /api/v1/agent/streams/<request_id>` | bytes, chunked as they come | 204 |
| `GET /api/v1/agent/sessions/<request_id>` | none; upgraded to a WebSocket | frames |

An agent opens a stream, or a session, because a `StreamRequest` of its desired state asked for it:
nothing inbound is open on the device. Streams carry logs as they are, usage and engine events as
JSON lines. A session's binary frames begin with a byte that says what follows (`Channel`).

The desired state is asked for with `If-None-Match: "<revision>"`, the last one known, and
`Prefer: wait=<seconds>`: the answer is held until something of the node's own changes.

All but the first carry `Authorization: Bearer <credential>`. 401 means that the credential was
never good or belongs to another network: keep the containers, say so, try again slowly. 410 with
code `node-deprovisioned` means that this very credential was withdrawn: the node's containers
have to go, and so has the identity.
"""

from agent.contract.container import (
    Condition,
    ContainerOptions,
    ContainerSpec,
    Dependency,
    Device,
    ExtraHost,
    Gpus,
    HealthCheck,
    Mount,
    Port,
    Probe,
    PullPolicy,
    Registry,
    ReplaceMode,
    RestartPolicy,
    Ulimit,
)
from agent.contract.desired_state import DesiredState, Microservice, Twin, Volume, VolumeFile
from agent.contract.frames import (
    LARGEST_FRAME,
    Channel,
    NoFrame,
    SessionEnd,
    Size,
    frame,
    frames,
    unframed,
)
from agent.contract.messages import Broker, DropReport, ProxiedPort, Route, RouteStatus
from agent.contract.node import EdgeResource, Instruction, NodeConfig, SettingsChange
from agent.contract.packets import Packets, packet_frames
from agent.contract.provisioning import Facts, Provision, Provisioned
from agent.contract.report import (
    ContainerReport,
    ContainerState,
    ContainerStatus,
    DeviceUsage,
    Health,
    OutcomeReport,
    Passed,
    PullProgress,
    Report,
    ReportAnswer,
    TwinReport,
)
from agent.contract.streams import (
    AnyStreamRequest,
    ContainerUsage,
    EngineEvent,
    EventsRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    StreamProblem,
    StreamRequest,
    UsageRequest,
    encoded_request,
    known_requests,
)

__all__ = [
    "LARGEST_FRAME",
    "AnyStreamRequest",
    "Broker",
    "Channel",
    "Condition",
    "ContainerOptions",
    "ContainerReport",
    "ContainerSpec",
    "ContainerState",
    "ContainerStatus",
    "ContainerUsage",
    "Dependency",
    "DesiredState",
    "Device",
    "DeviceUsage",
    "DropReport",
    "EdgeResource",
    "EngineEvent",
    "EventsRequest",
    "ExecRequest",
    "ExtraHost",
    "Facts",
    "ForwardRequest",
    "Gpus",
    "Health",
    "HealthCheck",
    "Instruction",
    "LogRequest",
    "Microservice",
    "Mount",
    "NoFrame",
    "NodeConfig",
    "OutcomeReport",
    "Packets",
    "Passed",
    "Port",
    "Probe",
    "Provision",
    "Provisioned",
    "ProxiedPort",
    "PullPolicy",
    "PullProgress",
    "Registry",
    "ReplaceMode",
    "Report",
    "ReportAnswer",
    "RestartPolicy",
    "Route",
    "RouteStatus",
    "SessionEnd",
    "SettingsChange",
    "Size",
    "StreamProblem",
    "StreamRequest",
    "Twin",
    "TwinReport",
    "Ulimit",
    "UsageRequest",
    "Volume",
    "VolumeFile",
    "encoded_request",
    "frame",
    "frames",
    "known_requests",
    "packet_frames",
    "unframed",
]
