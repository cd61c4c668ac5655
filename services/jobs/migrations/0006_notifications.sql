-- Pushes to be delivered to devices. A key is kept for a while after its push is gone, so that a repeated one is recognised.
CREATE TABLE pushes (
    key       text COLLATE "C" PRIMARY KEY,
    body       bytea NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    session_id text COLLATE "C" NOT NULL,
    device_id  text COLLATE "C" NOT NULL,
    create_at  bigint NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    -- When a worker may take it; NULL = it is gone.
    next_at   bigint
);
CREATE INDEX pushes_due ON pushes (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX pushes_age ON pushes (create_at) WHERE next_at IS NULL;

-- Notices that are collected into one mail (EnableEmailBatching).
CREATE TABLE mail_batches (
    user_id    text COLLATE "C" NOT NULL,
    post_id    text COLLATE "C" NOT NULL,
    recipient  text NOT NULL,
    channel_id text COLLATE "C" NOT NULL,
    body       bytea NOT NULL,
    create_at  bigint NOT NULL,
    due_at     bigint NOT NULL,
    PRIMARY KEY (user_id, post_id)
);
CREATE INDEX mail_batches_due ON mail_batches (due_at);
