-- What a log that comes from a file asks of Postgres. Each query is loaded by its name; see
-- named_sql.py.

-- name: hold_end
-- Where the log ends; nobody appends until the transaction does.
select position from ecn.head where only_row for update

-- name: has_events
-- Whether there is any.
select exists (select from ecn.event)

-- name: note_end
-- The log ends there now.
update ecn.head set position = $1, hash = $2, time = $3
