-- What is folded from the log, kept beside it: for controllers to start from, and for people with
-- SQL. Nothing here is the truth: all of it can be deleted, and is made again from the log.

-- One set of versions of all views. Programs of two versions each write their own, side by side.
create table ecn.view_generation (
    generation  bigint      generated always as identity primary key,
    fingerprint text        collate "C" not null unique,
    -- The event up to which the rows are folded: all of them, since they read each other.
    position    bigint      not null,
    hash        bytea       not null,
    time        timestamptz not null,
    -- Over all rows, as projections/generation.py says: rows edited by hand are noticed.
    sum         bytea       not null,
    -- Whoever found a wrong row says so here: the rows are compared with the world, and repaired.
    doubted     boolean     not null default false,
    -- The one that people see.
    current     boolean     not null default false,
    created_at  timestamptz not null default now(),
    written_at  timestamptz not null default now()
);

create unique index only_one_view_generation_is_current on ecn.view_generation (current)
    where current;

create table ecn.view_row (
    generation bigint not null,
    view       text   collate "C" not null,
    key        text   collate "C" not null,
    -- JSON, exactly as it was folded. jsonb would store something else that means the same.
    row        bytea  not null,
    primary key (generation, view, key)
) with (fillfactor = 80);  -- rewritten often: room for the new version beside the old

-- All rows at some places along the log, packed: where a question about the past begins to fold.
create table ecn.snapshot (
    fingerprint text        collate "C" not null,
    position    bigint      not null,
    hash        bytea       not null,
    time        timestamptz not null,
    data        bytea       not null,
    checksum    bytea       not null,
    created_at  timestamptz not null default now(),
    primary key (fingerprint, position)
);
alter table ecn.snapshot alter column data set storage external;  -- it is packed already

-- What follows is for people; docs/sql.md describes it.

-- A row's document. jsonb can't hold \u0000, which stands for itself as \ufffd then; what is no
-- JSON at all is an empty document: one such row does not make the whole view unreadable.
-- Not parallel safe, as everything that catches errors: that needs subtransactions.
create function ecn.document_of(content bytea) returns jsonb language plpgsql immutable as $$
begin
    return convert_from(content, 'UTF8')::jsonb;
exception when data_exception then
    begin
        return regexp_replace(
            convert_from(content, 'UTF8'), '(?<!\\)((\\\\)*)\\u0000', '\1\\ufffd', 'g')::jsonb;
    exception when data_exception then
        return '{}'::jsonb;
    end;
end $$;

-- Null for what is none, rather than an error for the whole view.
create function ecn.time_of(content text) returns timestamptz
    language plpgsql stable strict as $$
begin
    return content::timestamptz;
exception when data_exception then
    return null;
end $$;

create function ecn.number_of(content text) returns numeric
    language plpgsql immutable strict as $$
begin
    return content::numeric;
exception when data_exception then
    return null;
end $$;

create function ecn.truth_of(content text) returns boolean
    language sql immutable parallel safe strict as $$
    select case content when 'true' then true when 'false' then false end
$$;

-- All that people see is made of this, which they do not see: it has hashes of credentials in it.
-- The offset keeps the planner from reading a document anew for each column.
create view ecn.view_document as
select view_row.view, view_row.key as id, once.doc
from ecn.view_row
     cross join lateral (select ecn.document_of(view_row.row) as doc offset 0) as once
where view_row.generation = (select generation from ecn.view_generation where current);

create view ecn.view_position as
select g.position, g.time, g.written_at, head.position - g.position as events_behind
from ecn.view_generation as g cross join ecn.head where g.current;

create view ecn.nodes as
select id,
       doc ->> 'name'                                   as name,
       doc ->> 'state'                                  as state,
       ecn.time_of(doc ->> 'since')                     as since,
       doc ->> 'offline_reason'                         as offline_reason,
       ecn.time_of(doc ->> 'last_seen')                 as last_seen,
       doc -> 'settings' ->> 'description'              as description,
       doc -> 'settings' -> 'labels'                    as labels,
       doc -> 'settings' -> 'tags'                      as tags,
       doc -> 'settings' ->> 'host'                     as host,
       doc -> 'settings' ->> 'location'                 as location,
       ecn.number_of(doc -> 'settings' ->> 'latitude')  as latitude,
       ecn.number_of(doc -> 'settings' ->> 'longitude') as longitude,
       doc -> 'facts' ->> 'agent_version'               as agent_version,
       doc -> 'facts' ->> 'architecture'                as architecture,
       doc -> 'facts' ->> 'operating_system'            as operating_system,
       ecn.number_of(doc -> 'facts' ->> 'cpus')         as cpus,
       ecn.number_of(doc -> 'facts' ->> 'memory_mib')   as memory_mib,
       doc -> 'facts' ->> 'engine_version'              as engine_version,
       doc -> 'facts' ->> 'engine_problem'              as engine_problem,
       ecn.time_of(doc ->> 'created_at')                as created_at,
       ecn.time_of(doc ->> 'updated_at')                as updated_at
from ecn.view_document where view = 'nodes';

create view ecn.applications as
select id,
       doc ->> 'name'                      as name,
       doc ->> 'description'               as description,
       doc -> 'labels'                     as labels,
       ecn.truth_of(doc ->> 'started')     as started,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'applications';

create view ecn.statuses as
select id                                  as microservice_id,
       doc ->> 'state'                     as state,
       doc ->> 'reason'                    as reason,
       doc ->> 'health'                    as health,
       ecn.number_of(doc ->> 'exit_code')  as exit_code,
       ecn.number_of(doc ->> 'restarts')   as restarts,
       ecn.number_of(doc ->> 'revision')   as revision,
       doc ->> 'container_id'              as container_id,
       doc ->> 'image_digest'              as image_digest,
       ecn.time_of(doc ->> 'at')           as at
from ecn.view_document where view = 'statuses';

-- Without environment and configuration, in which people keep passwords.
create view ecn.microservices as
select m.id,
       a.doc ->> 'name'                                    as application,
       m.doc ->> 'name'                                    as name,
       n.doc ->> 'name'                                    as node,
       m.doc -> 'spec' ->> 'image'                         as image,
       ecn.truth_of(m.doc ->> 'started')                   as started,
       s.state,
       s.reason,
       s.health,
       s.exit_code,
       s.restarts,
       s.at                                                as state_at,
       s.image_digest,
       s.container_id,
       s.revision is not distinct from ecn.number_of(m.doc ->> 'revision') as current,
       m.doc -> 'spec' -> 'ports'                          as ports,
       m.doc -> 'spec' -> 'volumes'                        as volumes,
       m.doc -> 'spec' -> 'labels'                         as labels,
       ecn.number_of(m.doc -> 'spec' ->> 'memory_limit_mib') as memory_limit_mib,
       ecn.number_of(m.doc -> 'spec' ->> 'cpu_limit')      as cpu_limit,
       m.doc -> 'spec' ->> 'registry_id'                   as registry_id,
       m.doc ->> 'application_id'                          as application_id,
       m.doc ->> 'node_id'                                 as node_id,
       ecn.number_of(m.doc ->> 'revision')                 as revision,
       ecn.time_of(m.doc ->> 'created_at')                 as created_at,
       ecn.time_of(m.doc ->> 'updated_at')                 as updated_at
from ecn.view_document as m
     left join ecn.view_document as a
          on a.view = 'applications' and a.id = m.doc ->> 'application_id'
     left join ecn.view_document as n on n.view = 'nodes' and n.id = m.doc ->> 'node_id'
     left join ecn.statuses as s on s.microservice_id = m.id
where m.view = 'microservices';

create view ecn.registries as
select id,
       doc ->> 'name'                                          as name,
       doc -> 'settings' ->> 'url'                             as url,
       doc -> 'settings' ->> 'username'                        as username,
       coalesce(jsonb_typeof(doc -> 'settings' -> 'password') = 'object', false) as has_password,
       ecn.time_of(doc ->> 'created_at')                       as created_at,
       ecn.time_of(doc ->> 'updated_at')                       as updated_at
from ecn.view_document where view = 'registries';

create view ecn.users as
select id,
       doc ->> 'name'                    as name,
       doc ->> 'role'                    as role,
       ecn.time_of(doc ->> 'created_at') as created_at
from ecn.view_document where view = 'users';
