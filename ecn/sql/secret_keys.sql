-- Wrapped keys of secrets.

-- name: put
-- The key that is kept now: $2, or the one that was there before.
insert into ecn.secret_key (secret_id, wrapped_key) values ($1, $2)
on conflict (secret_id) do update set wrapped_key = secret_key.wrapped_key
returning wrapped_key

-- name: get
-- The key of $1; no row if it was destroyed.
select wrapped_key from ecn.secret_key where secret_id = $1

-- name: destroy
-- Remove the key of $1.
delete from ecn.secret_key where secret_id = $1
