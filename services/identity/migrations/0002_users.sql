-- Accounts. Usernames and e-mails are stored in lower case; the search_* columns hold names folded to lower case by
-- the service, because lower() knows only ASCII under the C collation. Prefixes are searched as ranges, which every
-- btree over the C collation answers.
CREATE TABLE users (
    id                   text COLLATE "C" PRIMARY KEY,
    create_at            bigint NOT NULL,
    update_at            bigint NOT NULL,
    delete_at            bigint NOT NULL DEFAULT 0,
    username             text COLLATE "C" NOT NULL CONSTRAINT users_username UNIQUE,
    email                text COLLATE "C" NOT NULL CONSTRAINT users_email UNIQUE,
    auth_service         text COLLATE "C" NOT NULL DEFAULT '',
    email_verified       boolean NOT NULL DEFAULT false,
    nickname             text COLLATE "C" NOT NULL DEFAULT '',
    first_name           text COLLATE "C" NOT NULL DEFAULT '',
    last_name            text COLLATE "C" NOT NULL DEFAULT '',
    position             text COLLATE "C" NOT NULL DEFAULT '',
    search_nickname      text COLLATE "C" NOT NULL DEFAULT '',
    search_first_name    text COLLATE "C" NOT NULL DEFAULT '',
    search_last_name     text COLLATE "C" NOT NULL DEFAULT '',
    roles                text COLLATE "C" NOT NULL,
    allow_marketing      boolean NOT NULL DEFAULT false,
    props                text NOT NULL DEFAULT '{}',
    notify_props         text NOT NULL DEFAULT '{}',
    timezone             text NOT NULL DEFAULT '{}',
    locale               text COLLATE "C" NOT NULL,
    last_password_update bigint NOT NULL DEFAULT 0,
    last_picture_update  bigint NOT NULL DEFAULT 0,
    failed_attempts      bigint NOT NULL DEFAULT 0,
    mfa_active           boolean NOT NULL DEFAULT false
);
CREATE INDEX users_update_at ON users (update_at);
CREATE INDEX users_create_at ON users (create_at);
CREATE INDEX users_nickname ON users (search_nickname) WHERE search_nickname <> '';
CREATE INDEX users_first_name ON users (search_first_name) WHERE search_first_name <> '';
CREATE INDEX users_last_name ON users (search_last_name) WHERE search_last_name <> '';
CREATE INDEX users_deleted ON users (id) WHERE delete_at > 0;

-- What must never leave this service.
CREATE TABLE credentials (
    user_id       text COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash text NOT NULL DEFAULT '',
    auth_data     text COLLATE "C",
    mfa_secret    text NOT NULL DEFAULT '',
    -- Second of the last accepted MFA code, so that none is accepted twice.
    mfa_used_at   bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX credentials_auth_data ON credentials (auth_data) WHERE auth_data IS NOT NULL;

-- Copies of facts the teams service owns; rows of people who left stay with member = false.
CREATE TABLE group_members (
    group_id text COLLATE "C" NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    -- Copy of the user's, so that a group's list is one index range in the order it is shown.
    username text COLLATE "C" NOT NULL,
    member   boolean NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_list ON group_members (group_id, username) WHERE member;
CREATE INDEX group_members_user ON group_members (user_id, kind) WHERE member;
CREATE INDEX group_members_of_user ON group_members (user_id);

CREATE TABLE preferences (
    user_id  text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    value    text NOT NULL,
    PRIMARY KEY (user_id, category, name)
);
CREATE INDEX preferences_name ON preferences (category, name);

-- The durable copy; the live one is in Redis.
CREATE TABLE statuses (
    user_id          text COLLATE "C" PRIMARY KEY,
    status           text COLLATE "C" NOT NULL,
    manual           boolean NOT NULL,
    last_activity_at bigint NOT NULL,
    update_at        bigint NOT NULL
);
CREATE INDEX statuses_active ON statuses (user_id) WHERE status <> 'offline';

CREATE TABLE roles (
    id             text COLLATE "C" PRIMARY KEY,
    name           text COLLATE "C" NOT NULL CONSTRAINT roles_name UNIQUE,
    display_name   text NOT NULL,
    description    text NOT NULL,
    create_at      bigint NOT NULL,
    update_at      bigint NOT NULL,
    delete_at      bigint NOT NULL DEFAULT 0,
    permissions    text[] NOT NULL,
    scheme_managed boolean NOT NULL
);

CREATE TABLE audits (
    id         text COLLATE "C" PRIMARY KEY,
    create_at  bigint NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    action     text NOT NULL,
    extra_info text NOT NULL,
    ip_address text NOT NULL,
    session_id text COLLATE "C" NOT NULL
);
CREATE INDEX audits_user ON audits (user_id, create_at DESC, id DESC);
CREATE INDEX audits_all ON audits (create_at DESC, id DESC);
