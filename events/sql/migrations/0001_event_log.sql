-- The event log: one totally ordered, gapless, append-only sequence, and its end.

create table ecn.event (
    position       bigint      primary key check (position > 0),
    time           timestamptz not null,
    -- Collation "C" compares bytes: prefixes can use the index, in every database alike.
    subject        text        collate "C" not null,
    type           text        collate "C" not null,
    -- The exact bytes that the hash covers. jsonb would store something else that means the same.
    data           bytea       not null,
    actor          text        collate "C" not null,
    command_id     text        collate "C" not null,
    correlation_id text        collate "C" not null,
    causation_id   text        collate "C" not null,
    previous_hash  bytea       not null,
    hash           bytea       not null
);

create index event_by_subject on ecn.event (subject, position);
create index event_by_command on ecn.event (command_id);
-- None by time: time never falls from one position to the next, so position_at bisects.

-- One row. Whoever appends holds it until the commit: positions are given in commit order.
create table ecn.head (
    only_row boolean     primary key default true check (only_row),
    position bigint      not null,
    hash     bytea       not null,
    time     timestamptz not null
) with (fillfactor = 10);  -- room beside the row, so that no update ever moves to another page

insert into ecn.head (position, hash, time)
values (0, decode(repeat('00', 32), 'hex'), to_timestamp(0));

create function ecn.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the event log is append-only: % refused', tg_op
        using errcode = 'restrict_violation';
end $$;

create trigger event_is_append_only before update or delete on ecn.event
    for each row execute function ecn.refuse_change();
create trigger event_is_never_truncated before truncate on ecn.event
    for each statement execute function ecn.refuse_change();
-- Also in sessions that skip ordinary triggers. A superuser can still drop them: `ecn verify`
-- finds what was changed then.
alter table ecn.event enable always trigger event_is_append_only;
alter table ecn.event enable always trigger event_is_never_truncated;

-- Append a chained batch if the log still ends at the expected head. True if it was appended,
-- false if the head has moved and nothing was written. One call is one transaction.
-- `hashes` are one behind the other, 32 bytes each; the event before has each one's previous hash.
create function ecn.append_events(
    expected_position bigint,
    expected_hash     bytea,
    times             timestamptz[],
    subjects          text[],
    types             text[],
    datas             bytea[],
    actors            text[],
    command_ids       text[],
    correlation_ids   text[],
    causation_ids     text[],
    hashes            bytea
) returns boolean language plpgsql as $$
declare
    width    constant integer := 32;
    appended constant integer := cardinality(subjects);
begin
    update ecn.head set position = expected_position + appended,
                        hash = substring(hashes from (appended - 1) * width + 1 for width),
                        time = times[appended]
    where position = expected_position and hash = expected_hash;
    if not found then
        return false;
    end if;
    insert into ecn.event
    select expected_position + n, new.time, new.subject, new.type, new.data, new.actor,
           new.command_id, new.correlation_id, new.causation_id,
           case n when 1 then expected_hash
                  else substring(hashes from ((n - 2) * width)::integer + 1 for width) end,
           substring(hashes from ((n - 1) * width)::integer + 1 for width)
    from unnest(times, subjects, types, datas, actors, command_ids, correlation_ids,
                causation_ids)
         with ordinality as new(time, subject, type, data, actor, command_id, correlation_id,
                                causation_id, n);
    -- A hint and no more: the end of the log, never what was appended.
    perform pg_notify('ecn_event', (expected_position + appended)::text);
    return true;
end $$;

-- The last position at or before an instant; 0 before the first event. Bisects, because time
-- never falls along the log.
create function ecn.position_at(instant timestamptz) returns bigint
    language plpgsql stable as $$
declare
    low    bigint := 0;
    high   bigint := coalesce((select max(position) from ecn.event), 0);
    middle bigint;
begin
    while low < high loop
        middle := (low + high + 1) / 2;
        if (select time from ecn.event where position = middle) <= instant then
            low := middle;
        else
            high := middle - 1;
        end if;
    end loop;
    return low;
end $$;

-- An event's data for people. JSON may hold what jsonb can't (\u0000): then it is shown as text,
-- so that one such event does not make the whole view unreadable.
create function ecn.payload_of(data bytea) returns jsonb
    language plpgsql immutable as $$
begin
    return convert_from(data, 'UTF8')::jsonb;
exception when data_exception then
    return to_jsonb(convert_from(data, 'UTF8'));
end $$;

create view ecn.event_text as
select position, time, subject, type, ecn.payload_of(data) as payload, actor, command_id,
       correlation_id, causation_id, encode(hash, 'hex') as hash
from ecn.event;
