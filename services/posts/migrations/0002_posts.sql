-- A prior revision is a row of its own with original_id set and delete_at > 0: lists of undeleted posts never see it.
CREATE TABLE posts (
    id            text COLLATE "C" CONSTRAINT posts_pkey PRIMARY KEY,
    create_at     bigint NOT NULL,
    update_at     bigint NOT NULL,
    edit_at       bigint NOT NULL DEFAULT 0,
    delete_at     bigint NOT NULL DEFAULT 0,
    is_pinned     boolean NOT NULL DEFAULT false,
    has_reactions boolean NOT NULL DEFAULT false,
    user_id       text COLLATE "C" NOT NULL,
    channel_id    text COLLATE "C" NOT NULL,
    root_id       text COLLATE "C" NOT NULL DEFAULT '',
    parent_id     text COLLATE "C" NOT NULL DEFAULT '',
    original_id   text COLLATE "C" NOT NULL DEFAULT '',
    message       text NOT NULL,
    type          text NOT NULL DEFAULT '',
    props         text NOT NULL DEFAULT '', -- a JSON object, '' = {}
    hashtags      text NOT NULL DEFAULT '',
    filenames     text[] NOT NULL DEFAULT '{}',
    file_ids      text[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 90);

CREATE INDEX posts_channel_created ON posts (channel_id, create_at, id) WHERE delete_at = 0;
CREATE INDEX posts_channel_updated ON posts (channel_id, update_at);
CREATE INDEX posts_thread ON posts (root_id, user_id) WHERE root_id <> '';
CREATE INDEX posts_pinned ON posts (channel_id, create_at) WHERE is_pinned AND delete_at = 0;

-- What was already written under a client's pending_post_id (or, with user_id '', under an effect's id).
CREATE TABLE post_keys (
    user_id         text COLLATE "C" NOT NULL,
    pending_post_id text COLLATE "C" NOT NULL,
    post_id         text COLLATE "C" NOT NULL,
    create_at       bigint NOT NULL,
    CONSTRAINT post_keys_pkey PRIMARY KEY (user_id, pending_post_id)
);
CREATE INDEX post_keys_age ON post_keys USING brin (create_at);
