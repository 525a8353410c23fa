-- Telemetry, not history: when each node was last heard.

create table ecn.node_seen (
    node_id text        collate "C" primary key,
    seen_at timestamptz not null
) with (fillfactor = 50);  -- rewritten all the time: room for new versions beside the old
