CREATE TABLE access_tokens (
    id          text COLLATE "C" PRIMARY KEY,
    token_hash  text COLLATE "C" NOT NULL CONSTRAINT access_tokens_token_hash UNIQUE,
    user_id     text COLLATE "C" NOT NULL,
    description text NOT NULL,
    is_active   boolean NOT NULL DEFAULT true
);
CREATE INDEX access_tokens_user ON access_tokens (user_id, id);

CREATE TABLE sessions (
    id               text COLLATE "C" PRIMARY KEY,
    -- Hex of SHA-256: who reads this table cannot impersonate anybody.
    token_hash       text COLLATE "C" NOT NULL CONSTRAINT sessions_token_hash UNIQUE,
    user_id          text COLLATE "C" NOT NULL,
    create_at        bigint NOT NULL,
    expires_at       bigint NOT NULL,
    last_activity_at bigint NOT NULL,
    device_id        text COLLATE "C" NOT NULL DEFAULT '',
    roles            text COLLATE "C" NOT NULL,
    is_oauth         boolean NOT NULL DEFAULT false,
    props            text NOT NULL DEFAULT '{}',
    -- '' for a login session.
    access_token_id  text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id, last_activity_at DESC);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- Mailed one-time codes, stored hashed.
CREATE TABLE codes (
    code_hash text COLLATE "C" PRIMARY KEY,
    kind      text COLLATE "C" NOT NULL,
    data      text NOT NULL,
    create_at bigint NOT NULL
);
CREATE INDEX codes_create_at ON codes (create_at);
