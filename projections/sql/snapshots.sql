-- Snapshots along the log. $1 is the fingerprint of the views whose rows they hold.

-- name: positions
-- Where there are some.
select position from ecn.snapshot where fingerprint = $1 order by position

-- name: get
-- The one at $2, if the log has that very event there.
select snapshot.position, snapshot.hash, snapshot.time, snapshot.data, snapshot.checksum
from ecn.snapshot join ecn.event using (position, hash)
where snapshot.fingerprint = $1 and position = $2

-- name: put
-- One more, in the place of what is there.
insert into ecn.snapshot (fingerprint, position, hash, time, data, checksum)
values ($1, $2, $3, $4, $5, $6)
on conflict (fingerprint, position) do update
set hash = excluded.hash, time = excluded.time, data = excluded.data, checksum = excluded.checksum

-- name: remove
-- Those at $2.
delete from ecn.snapshot where fingerprint = $1 and position = any($2)
