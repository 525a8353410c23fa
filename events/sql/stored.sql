-- What is asked of the log by those who prove it: as it is, believing nothing. Each query is
-- loaded by its name; see named_sql.py.

-- name: extent
-- How far the events reach and where the log says that it ends, in one snapshot: one row, unless
-- somebody has been at ecn.head.
select stored.first, stored.last, head.only_row, head.position, head.hash, head.time
from (select min(position) as first, coalesce(max(position), 0) as last from ecn.event) as stored
left join ecn.head on true

-- name: between
-- All behind $1 up to $2. No limit: where a position is there twice, both shall be seen.
select position, time, subject, type, data, actor, command_id, correlation_id, causation_id,
       previous_hash, hash
from ecn.event where position > $1 and position <= $2 order by position
