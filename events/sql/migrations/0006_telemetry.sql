-- Telemetry, not history: what agents said last of themselves, their devices and containers.

create table ecn.agent_status (
    node_id text        collate "C" primary key,
    said_at timestamptz not null,
    status  bytea       not null  -- JSON, as ecn/agent_status.py reads it
) with (fillfactor = 50);  -- rewritten all the time: room for new versions beside the old

create table ecn.node_hardware (
    node_id    text        collate "C" not null,
    kind       text        collate "C" not null,  -- hw, usb
    number     bigint      generated always as identity,
    info       bytea       not null,  -- whatever a device says: text could not hold a NUL
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (node_id, kind)
);

-- Traces of system calls, in the pieces that they came in: appending rewrites nothing.
create table ecn.trace_piece (
    number          bigint  generated always as identity primary key,
    node_id         text    collate "C" not null,
    microservice_id text    collate "C" not null,
    text            bytea   not null,
    size            integer not null,
    -- Older pieces stood before this one and were given up.
    follows_cut     boolean not null default false
);

create index trace_pieces_of_a_microservice on ecn.trace_piece (microservice_id, number);
create index trace_pieces_of_a_node on ecn.trace_piece (node_id);
