-- One row per channel that was ever posted in. The row is also the lock under which a channel's posts change, so that
-- max_update_at grows in the order of the commits.
CREATE TABLE channel_activity (
    channel_id      text COLLATE "C" CONSTRAINT channel_activity_pkey PRIMARY KEY,
    team_id         text COLLATE "C" NOT NULL DEFAULT '', -- '' for direct and group channels
    last_post_at    bigint NOT NULL DEFAULT 0,
    total_msg_count bigint NOT NULL DEFAULT 0,
    max_update_at   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE read_states (
    channel_id     text COLLATE "C" NOT NULL,
    user_id        text COLLATE "C" NOT NULL,
    last_viewed_at bigint NOT NULL DEFAULT 0,
    msg_count      bigint NOT NULL DEFAULT 0,
    mention_count  bigint NOT NULL DEFAULT 0,
    CONSTRAINT read_states_pkey PRIMARY KEY (channel_id, user_id)
) WITH (fillfactor = 70);

-- Effects of other services that were applied, so that a repetition does nothing.
CREATE TABLE applied_effects (
    effect_id text COLLATE "C" CONSTRAINT applied_effects_pkey PRIMARY KEY,
    create_at bigint NOT NULL
);
CREATE INDEX applied_effects_age ON applied_effects USING brin (create_at);

-- Calls to other services that a change of ours causes; made until they are acknowledged.
CREATE TABLE calls (
    id        text COLLATE "C" CONSTRAINT calls_pkey PRIMARY KEY,
    kind      text NOT NULL,
    body      bytea NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    try_at    bigint NOT NULL
);
CREATE INDEX calls_due ON calls (try_at);
