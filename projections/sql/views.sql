-- Rows of views and their checkpoints. Each query is loaded by its name; see events/named_sql.py.

-- name: kept
-- Up to where the generation $1 is kept, and the log's own hash there: null if that event is none.
select g.generation, g.position, g.hash, g.time, g.sum, g.doubted, event.hash as log_hash
from ecn.view_generation as g left join ecn.event using (position)
where g.fingerprint = $1

-- name: rows
-- All rows of generation $1, in no particular order.
select view, key, row from ecn.view_row where generation = $1

-- name: begin
-- A generation that was never written. No row if somebody else began it meanwhile.
insert into ecn.view_generation (fingerprint, position, hash, time, sum)
values ($1, $2, $3, $4, $5) on conflict (fingerprint) do nothing returning generation

-- name: hold
-- The generation $1, if it is still kept up to $2 with hash $3 and sum $4; doubted only if $5.
select generation from ecn.view_generation
where fingerprint = $1 and position = $2 and hash = $3 and sum = $4 and (not doubted or $5)
for update

-- name: move
-- Generation $1 is kept up to here now.
update ecn.view_generation
set position = $2, hash = $3, time = $4, sum = $5, doubted = false, written_at = now()
where generation = $1

-- name: put
-- Rows of generation $1, new or other than before.
insert into ecn.view_row (generation, view, key, row)
select $1, view, key, row from unnest($2::text[], $3::text[], $4::bytea[]) as new (view, key, row)
on conflict (generation, view, key) do update set row = excluded.row

-- name: drop
-- Rows that generation $1 has no more.
delete from ecn.view_row using unnest($2::text[], $3::text[]) as gone (view, key)
where view_row.generation = $1 and view_row.view = gone.view and view_row.key = gone.key

-- name: nobody_is_current
-- Before another becomes it.
update ecn.view_generation set current = false where current

-- name: is_current
-- From now on people see generation $1.
update ecn.view_generation set current = true where generation = $1

-- name: doubt
-- Rows of the generation with fingerprint $1 were found wrong.
update ecn.view_generation set doubted = true where fingerprint = $1

-- name: alive
-- Somebody looks after the generation with fingerprint $1. Said now and then only: on a quiet day
-- nothing else is written.
with said as (
    update ecn.view_generation set written_at = now()
    where fingerprint = $1 and written_at < now() - interval '15 seconds')
select generation, current, doubted from ecn.view_generation where fingerprint = $1

-- name: current_is_left
-- Whether nobody has written the one that people see for $1 seconds.
select not exists (
    select from ecn.view_generation
    where current and written_at > now() - make_interval(secs => $1))

-- name: left_behind
-- Generations that nobody has written for $1 seconds, and people do not see.
select generation, fingerprint from ecn.view_generation
where not current and written_at < now() - make_interval(secs => $1)

-- name: remove_rows
-- Some $2 rows of generation $1.
delete from ecn.view_row where ctid = any(array(
    select ctid from ecn.view_row where generation = $1 limit $2))

-- name: remove_snapshots
-- Of the generation with fingerprint $1.
delete from ecn.snapshot where fingerprint = $1

-- name: remove
-- The generation itself, once it has no rows any more.
delete from ecn.view_generation where generation = $1 and not current
