-- Words between controllers. Each query is loaded by its name; see events/named_sql.py.

-- name: tell
-- Let all who listen on channel $1 hear $2.
select pg_notify($1, $2)

-- name: probe
-- Whether anybody is there.
select 1
