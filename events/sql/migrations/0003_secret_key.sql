-- The keys of the secrets in the log, each wrapped by the controller's own key. Kept outside the
-- log so that they can be destroyed: a log without the key has forgotten the secret.

create table ecn.secret_key (
    secret_id   text        collate "C" primary key,
    wrapped_key bytea       not null,
    created_at  timestamptz not null default now()
);
