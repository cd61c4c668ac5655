CREATE TABLE teams (
    id                    text COLLATE "C" PRIMARY KEY,
    create_at             bigint NOT NULL,
    update_at             bigint NOT NULL,
    delete_at             bigint NOT NULL DEFAULT 0,
    display_name          text COLLATE "C" NOT NULL,
    name                  text COLLATE "C" NOT NULL,
    description           text COLLATE "C" NOT NULL,
    email                 text COLLATE "C" NOT NULL,
    type                  text COLLATE "C" NOT NULL,
    company_name          text COLLATE "C" NOT NULL,
    allowed_domains       text COLLATE "C" NOT NULL,
    invite_id             text COLLATE "C" NOT NULL,
    allow_open_invite     boolean NOT NULL,
    last_team_icon_update bigint NOT NULL DEFAULT 0,
    -- Names stay taken by deleted teams.
    CONSTRAINT teams_name_key UNIQUE (name)
);
CREATE INDEX teams_invite_id ON teams (invite_id) WHERE invite_id <> '';
CREATE INDEX teams_open ON teams (id) WHERE allow_open_invite;
CREATE INDEX teams_display_name ON teams (display_name);

CREATE TABLE team_members (
    team_id   text COLLATE "C" NOT NULL,
    user_id   text COLLATE "C" NOT NULL,
    roles     text COLLATE "C" NOT NULL,
    -- > 0 = has left; the row stays and is revived by a later join.
    delete_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_user ON team_members (user_id);
CREATE INDEX team_members_live ON team_members (team_id, user_id) WHERE delete_at = 0;

CREATE TABLE channels (
    id              text COLLATE "C" PRIMARY KEY,
    create_at       bigint NOT NULL,
    update_at       bigint NOT NULL,
    delete_at       bigint NOT NULL DEFAULT 0,
    team_id         text COLLATE "C" NOT NULL,
    type            text COLLATE "C" NOT NULL,
    display_name    text COLLATE "C" NOT NULL,
    name            text COLLATE "C" NOT NULL,
    header          text COLLATE "C" NOT NULL DEFAULT '',
    purpose         text COLLATE "C" NOT NULL DEFAULT '',
    extra_update_at bigint NOT NULL,
    creator_id      text COLLATE "C" NOT NULL,
    -- Direct and group channels have team '', so this also keeps one channel per pair and group.
    CONSTRAINT channels_team_name_key UNIQUE (team_id, name)
);
CREATE INDEX channels_open ON channels (team_id, lower(display_name), id) WHERE type = 'O' AND delete_at = 0;
CREATE INDEX channels_archived ON channels (team_id, lower(display_name), id) WHERE delete_at > 0;

CREATE TABLE channel_members (
    channel_id     text COLLATE "C" NOT NULL,
    user_id        text COLLATE "C" NOT NULL,
    roles          text COLLATE "C" NOT NULL,
    notify_props   jsonb NOT NULL,
    last_update_at bigint NOT NULL,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_members_user ON channel_members (user_id);

-- Orders the facts told to identity: taken after the membership row is written, so the newest fact has the largest.
CREATE SEQUENCE membership_version;
