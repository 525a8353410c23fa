-- When nodes were last heard, and who leads.

-- name: record
-- Several at once. In the order of their ids, so that two controllers never wait for each other.
insert into ecn.node_seen (node_id, seen_at)
select node_id, seen_at from unnest($1::text[], $2::timestamptz[]) as heard (node_id, seen_at)
order by node_id
on conflict (node_id) do update set seen_at = excluded.seen_at
where node_seen.seen_at < excluded.seen_at

-- name: last_seen
-- Of those in $1 that were ever heard.
select node_id, seen_at from ecn.node_seen where node_id = any($1)

-- name: forget
-- Nodes that are gone.
delete from ecn.node_seen where node_id = any($1)

-- name: try_lead
-- Take the lock for as long as this session lasts, unless another session has it.
select pg_try_advisory_lock($1)

-- name: still_there
-- An answer says that the session lives, and with it all that it holds.
select 1
