CREATE TABLE emojis (
    id         text COLLATE "C" CONSTRAINT emojis_pkey PRIMARY KEY,
    create_at  bigint NOT NULL,
    update_at  bigint NOT NULL,
    delete_at  bigint NOT NULL DEFAULT 0,
    creator_id text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL
);
-- A deleted emoji frees its name. Lists, searches and look-ups by name read this index.
CREATE UNIQUE INDEX emojis_name ON emojis (name) WHERE delete_at = 0;
