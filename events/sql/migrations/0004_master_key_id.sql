-- Which master key each secret's key is wrapped under, by a name that does not tell it: so that the
-- master key can be replaced while several controllers work, and one with another key is noticed.

-- Empty, where a controller of the version before puts a key while it still runs beside newer ones:
-- any master key may be the one, and the next round of wrapping again says which.
alter table ecn.secret_key add column master_key_id text collate "C" not null default '';
