-- For people: what nodes, applications, microservices and users gained, and the kinds that came with
-- it. docs/sql.md describes them. A view that is there can only get more columns behind the others.

create or replace view ecn.nodes as
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
       ecn.time_of(doc ->> 'updated_at')                as updated_at,
       doc -> 'settings' ->> 'platform'                 as platform,
       ecn.truth_of(doc -> 'settings' ->> 'system')     as system,
       doc -> 'settings' -> 'router'                    as router,
       doc -> 'settings' -> 'agent'                     as agent,
       doc ->> 'created_by'                             as created_by
from ecn.view_document where view = 'nodes';

create or replace view ecn.applications as
select id,
       doc ->> 'name'                      as name,
       doc ->> 'description'               as description,
       doc -> 'labels'                     as labels,
       ecn.truth_of(doc ->> 'started')     as started,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at,
       ecn.truth_of(doc ->> 'system')      as system,
       doc ->> 'created_by'                as created_by
from ecn.view_document where view = 'applications';

create or replace view ecn.microservices as
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
       ecn.time_of(m.doc ->> 'updated_at')                 as updated_at,
       m.doc -> 'spec' -> 'images'                         as images,
       m.doc -> 'spec' ->> 'catalog_item_id'               as catalog_item_id,
       m.doc ->> 'created_by'                              as created_by
from ecn.view_document as m
     left join ecn.view_document as a
          on a.view = 'applications' and a.id = m.doc ->> 'application_id'
     left join ecn.view_document as n on n.view = 'nodes' and n.id = m.doc ->> 'node_id'
     left join ecn.statuses as s on s.microservice_id = m.id
where m.view = 'microservices';

create or replace view ecn.registries as
select id,
       doc ->> 'name'                                          as name,
       doc -> 'settings' ->> 'url'                             as url,
       doc -> 'settings' ->> 'username'                        as username,
       coalesce(jsonb_typeof(doc -> 'settings' -> 'password') = 'object', false) as has_password,
       ecn.time_of(doc ->> 'created_at')                       as created_at,
       ecn.time_of(doc ->> 'updated_at')                       as updated_at,
       doc ->> 'created_by'                                    as created_by
from ecn.view_document where view = 'registries';

create or replace view ecn.users as
select id,
       doc ->> 'name'                    as name,
       doc ->> 'role'                    as role,
       ecn.time_of(doc ->> 'created_at') as created_at,
       doc -> 'profile' ->> 'first_name' as first_name,
       doc -> 'profile' ->> 'last_name'  as last_name
from ecn.view_document where view = 'users';

create view ecn.routes as
select r.id,
       a.doc ->> 'name'                      as application,
       r.doc ->> 'name'                      as name,
       r.doc -> 'ends' ->> 'source'          as source_id,
       r.doc -> 'ends' ->> 'destination'     as destination_id,
       r.doc ->> 'application_id'            as application_id,
       r.doc ->> 'created_by'                as created_by,
       ecn.time_of(r.doc ->> 'created_at')   as created_at,
       ecn.time_of(r.doc ->> 'updated_at')   as updated_at
from ecn.view_document as r
     left join ecn.view_document as a
          on a.view = 'applications' and a.id = r.doc ->> 'application_id'
where r.view = 'routes';

-- Those that somebody made or changed; what every network begins with is no row.
create view ecn.catalog_items as
select id,
       doc ->> 'name'                      as name,
       doc -> 'settings' -> 'images'       as images,
       doc -> 'settings' ->> 'registry_id' as registry_id,
       doc -> 'settings' ->> 'description' as description,
       doc -> 'settings' ->> 'category'    as category,
       doc -> 'settings' ->> 'publisher'   as publisher,
       doc ->> 'created_by'                as created_by,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'catalog';

create view ecn.templates as
select id,
       doc ->> 'name'                      as name,
       doc -> 'settings' ->> 'description' as description,
       doc ->> 'created_by'                as created_by,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'templates';

create view ecn.edge_resources as
select id,
       doc ->> 'name'                      as name,
       doc ->> 'version'                   as version,
       doc -> 'settings' ->> 'description' as description,
       doc -> 'settings' ->> 'protocol'    as protocol,
       doc -> 'settings' -> 'tags'         as tags,
       doc -> 'node_ids'                   as node_ids,
       doc ->> 'created_by'                as created_by,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'edge_resources';

-- Without what is in the files, in which people keep keys.
create view ecn.volumes as
select id,
       doc ->> 'name'                      as name,
       doc -> 'settings' ->> 'destination' as destination,
       doc -> 'settings' ->> 'permissions' as permissions,
       doc -> 'settings' -> 'node_ids'     as node_ids,
       (select coalesce(jsonb_agg(file -> 'path'), '[]'::jsonb)
        from jsonb_array_elements(
            case jsonb_typeof(doc -> 'settings' -> 'files')
                when 'array' then doc -> 'settings' -> 'files' else '[]'::jsonb end) as file)
                                           as files,
       doc ->> 'created_by'                as created_by,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'volumes';

create view ecn.network_settings as
select substr(id, length('setting/') + 1)  as key,
       doc ->> 'value'                     as value,
       ecn.time_of(doc ->> 'created_at')   as created_at,
       ecn.time_of(doc ->> 'updated_at')   as updated_at
from ecn.view_document where view = 'network' and id like 'setting/%';
