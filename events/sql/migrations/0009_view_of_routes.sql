-- For people: which messages routes take, and how. docs/sql.md describes it.

create or replace view ecn.routes as
select r.id,
       a.doc ->> 'name'                      as application,
       r.doc ->> 'name'                      as name,
       r.doc -> 'ends' ->> 'source'          as source_id,
       r.doc -> 'ends' ->> 'destination'     as destination_id,
       r.doc ->> 'application_id'            as application_id,
       r.doc ->> 'created_by'                as created_by,
       ecn.time_of(r.doc ->> 'created_at')   as created_at,
       ecn.time_of(r.doc ->> 'updated_at')   as updated_at,
       -- What is at its default is not in the document.
       coalesce(r.doc -> 'terms' ->> 'condition', '')             as condition,
       coalesce(r.doc -> 'terms' ->> 'output', '')                as output,
       coalesce(r.doc -> 'terms' ->> 'input', '')                 as input,
       ecn.number_of(r.doc -> 'terms' ->> 'priority')             as priority,
       ecn.number_of(r.doc -> 'terms' ->> 'ttl')                  as ttl_seconds,
       coalesce(ecn.truth_of(r.doc -> 'terms' ->> 'durable'), true)       as durable,
       coalesce(ecn.truth_of(r.doc -> 'terms' ->> 'twin_changes'), false) as twin_changes,
       coalesce(r.doc -> 'terms' ->> 'webhook', '')               as webhook
from ecn.view_document as r
     left join ecn.view_document as a
          on a.view = 'applications' and a.id = r.doc ->> 'application_id'
where r.view = 'routes';
