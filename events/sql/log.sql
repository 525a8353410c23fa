-- What the event log asks of Postgres. Each query is loaded by its name; see named_sql.py.

-- name: head
-- Where the log ends.
select position, hash, time from ecn.head

-- name: head_position
-- Its position alone.
select position from ecn.head

-- name: still_at
-- Whether the log ends at $1 with hash $2. Takes no lock: true of this instant is all it says.
select exists (select from ecn.head where position = $1 and hash = $2)

-- name: append
-- One transaction, one round trip: true if appended, false if the head has moved.
select ecn.append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: hash_at
-- The hash of the event at $1; no row if there is none.
select hash from ecn.event where position = $1

-- name: end_sessions
-- Tell the sessions that go by the names $1 to end. A row for each that is still there.
select pg_terminate_backend(pid) from pg_stat_activity where application_name = any($1)

-- name: probe
-- Whether anybody is there.
select 1

-- name: read
-- The next $2 events behind $1.
select position, time, subject, type, data, actor, command_id, correlation_id, causation_id,
       previous_hash, hash
from ecn.event where position > $1 order by position limit $2

-- name: read_bare
-- The same, without what led to them.
select position, time, subject, type, data, actor, command_id, hash
from ecn.event where position > $1 order by position limit $2

-- name: position_at
-- The last position at or before $1.
select ecn.position_at($1)

-- name: times
-- When the events at the positions $1 were recorded. Each is looked up by itself: of a few hundred
-- out of millions, no plan is better.
select event.position, event.time
from unnest($1::bigint[]) as wanted(position)
join ecn.event on event.position = wanted.position
order by event.position

-- name: search_forward
-- $1 after, $2 before (exclusive), $3 limit; then the filter: null asks for nothing. Of a word
-- ($15, $16), what is found may have it: whoever asks looks closer. Data may be any bytes, so
-- they are compared as `escape` writes them, and ASCII letters alone have cases.
select position, time, subject, type, data, actor, command_id, correlation_id, causation_id,
       previous_hash, hash
from ecn.event
where position > $1
  and ($2::bigint is null or position < $2)
  and ($4::text is null or subject = $4)
  and ($5::text[] is null or subject = any($5))
  and ($6::text is null or subject ^@ $6)
  and ($7::text is null or type = $7)
  and ($8::text is null or type ^@ $8)
  and not type ^@ any($9::text[])
  and ($10::text[] is null or actor = any($10))
  and ($11::text is null or command_id = $11)
  and ($12::text is null or correlation_id = $12)
  and ($13::timestamptz is null or position > ecn.position_at($13 - interval '1 microsecond'))
  and ($14::timestamptz is null or position <= ecn.position_at($14 - interval '1 microsecond'))
  and ($15::text is null or subject = any($16::text[])
       or strpos(lower(encode(data, 'escape') collate "C"), $15) > 0)
order by position limit $3

-- name: search_backward
-- As search_forward, newest first.
select position, time, subject, type, data, actor, command_id, correlation_id, causation_id,
       previous_hash, hash
from ecn.event
where position > $1
  and ($2::bigint is null or position < $2)
  and ($4::text is null or subject = $4)
  and ($5::text[] is null or subject = any($5))
  and ($6::text is null or subject ^@ $6)
  and ($7::text is null or type = $7)
  and ($8::text is null or type ^@ $8)
  and not type ^@ any($9::text[])
  and ($10::text[] is null or actor = any($10))
  and ($11::text is null or command_id = $11)
  and ($12::text is null or correlation_id = $12)
  and ($13::timestamptz is null or position > ecn.position_at($13 - interval '1 microsecond'))
  and ($14::timestamptz is null or position <= ecn.position_at($14 - interval '1 microsecond'))
  and ($15::text is null or subject = any($16::text[])
       or strpos(lower(encode(data, 'escape') collate "C"), $15) > 0)
order by position desc limit $3
