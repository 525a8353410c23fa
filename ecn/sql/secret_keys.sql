-- Wrapped keys of secrets.

-- name: put
-- The key that is kept now: this one, or the one that was there before.
insert into ecn.secret_key (secret_id, wrapped_key, master_key_id) values ($1, $2, $3)
on conflict (secret_id) do update set wrapped_key = secret_key.wrapped_key
returning secret_id, wrapped_key, master_key_id

-- name: get
-- The key of $1; no row if it was destroyed.
select secret_id, wrapped_key, master_key_id from ecn.secret_key where secret_id = $1

-- name: destroy
-- Remove the keys of $1.
delete from ecn.secret_key where secret_id = any($1::text[])

-- name: kept
-- Which of $1 are there.
select secret_id from ecn.secret_key where secret_id = any($1::text[])

-- name: stored_before
-- The next $3 behind $2 that are at least $1 old. By the clock that set created_at, and no other.
select secret_id from ecn.secret_key
where created_at <= now() - $1::interval and secret_id > $2
order by secret_id limit $3

-- name: by_master_key
-- How many are wrapped under each master key.
select master_key_id, count(*) as keys from ecn.secret_key group by master_key_id

-- name: not_under
-- The next $3 behind $2 that are wrapped under another master key than $1.
select secret_id, wrapped_key, master_key_id from ecn.secret_key
where master_key_id <> $1 and secret_id > $2
order by secret_id limit $3

-- name: rewrap
-- Replace wrapped keys $2 of secrets $1 by $3, under master keys $4, where nobody else has yet.
-- Locked in the order of their ids, so that two controllers never wait for each other.
with found as (
    select key.secret_id, new.wrapped_key, new.master_key_id
    from unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
             as new (secret_id, old_wrapped_key, wrapped_key, master_key_id)
    join ecn.secret_key as key
        on key.secret_id = new.secret_id and key.wrapped_key = new.old_wrapped_key
    order by key.secret_id
    for update of key
)
update ecn.secret_key as key
set wrapped_key = found.wrapped_key, master_key_id = found.master_key_id
from found
where key.secret_id = found.secret_id
returning key.secret_id

-- name: destroy_under
-- Remove all that are wrapped under master key $1.
delete from ecn.secret_key where master_key_id = $1 returning secret_id
