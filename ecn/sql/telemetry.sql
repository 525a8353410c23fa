-- What agents say that is no history.

-- name: record
-- Several at once. In the order of their ids, so that two controllers never wait for each other.
insert into ecn.agent_status (node_id, said_at, status)
select node_id, said_at, status
from unnest($1::text[], $2::timestamptz[], $3::bytea[]) as said (node_id, said_at, status)
order by node_id
on conflict (node_id) do update set said_at = excluded.said_at, status = excluded.status
where agent_status.said_at <= excluded.said_at

-- name: statuses
-- Of those in $1 that ever said anything.
select node_id, status from ecn.agent_status where node_id = any($1)

-- name: put_hardware
insert into ecn.node_hardware (node_id, kind, info, created_at, updated_at)
values ($1, $2, $3, $4, $4)
on conflict (node_id, kind) do update set info = excluded.info, updated_at = excluded.updated_at

-- name: hardware
select number, info, created_at, updated_at from ecn.node_hardware where node_id = $1 and kind = $2

-- name: append_trace
-- One piece more.
insert into ecn.trace_piece (node_id, microservice_id, text, size) values ($1, $2, $3::bytea, length($3::bytea))

-- name: cut_trace
-- Pieces that stand before the newest $2 bytes. What is left says that something stood before.
with measured as (
    select number, sum(size) over (order by number desc) as until_now
    from ecn.trace_piece where microservice_id = $1
), gone as (
    delete from ecn.trace_piece using measured
    where trace_piece.number = measured.number and measured.until_now > $2
    returning trace_piece.number
)
update ecn.trace_piece set follows_cut = true
where number = (select min(number) from measured where until_now <= $2)
      and exists (select from gone)

-- name: trace
select text, follows_cut from ecn.trace_piece where microservice_id = $1 order by number

-- name: known_nodes
select node_id from ecn.agent_status union select node_id from ecn.node_hardware
union select node_id from ecn.trace_piece

-- name: known_traces
select distinct microservice_id from ecn.trace_piece

-- name: forget
-- Nodes and microservices that are gone.
with statuses as (delete from ecn.agent_status where node_id = any($1)),
     hardware as (delete from ecn.node_hardware where node_id = any($1))
delete from ecn.trace_piece where node_id = any($1) or microservice_id = any($2)
