-- What the applier of migrations asks of Postgres.

-- name: lock
-- One applier at a time, until its transaction ends. The number is ours by agreement with nobody.
select pg_advisory_xact_lock(7310893254012)

-- name: is_prepared
-- Whether some ecn has been here.
select to_regclass('ecn.schema_migration') is not null

-- name: prepare
-- The schema may have been made by an administrator, for a role that may not make any.
do $$
begin
    if to_regnamespace('ecn') is null then
        create schema ecn;
    end if;
    create table ecn.schema_migration (
        version    integer     primary key,
        name       text        not null,
        sha256     bytea       not null,
        applied_at timestamptz not null default now()
    );
end $$

-- name: applied
-- What was applied to this database.
select version, name, sha256 from ecn.schema_migration order by version

-- name: record
-- One more was applied.
insert into ecn.schema_migration (version, name, sha256) values ($1, $2, $3)
