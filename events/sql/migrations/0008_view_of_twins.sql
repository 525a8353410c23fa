-- For people: what microservices should be and say that they are. docs/sql.md describes it.

create view ecn.twins as
select t.id                                      as microservice_id,
       a.doc ->> 'name'                          as application,
       m.doc ->> 'name'                          as name,
       t.doc -> 'desired'                        as desired,
       ecn.number_of(t.doc ->> 'desired_version') as desired_version,
       t.doc -> 'reported'                       as reported,
       ecn.number_of(t.doc ->> 'reported_version') as reported_version
from ecn.view_document as t
     left join ecn.view_document as m on m.view = 'microservices' and m.id = t.id
     left join ecn.view_document as a
          on a.view = 'applications' and a.id = m.doc ->> 'application_id'
where t.view = 'twins';
