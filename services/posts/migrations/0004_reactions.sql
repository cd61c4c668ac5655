CREATE TABLE reactions (
    post_id    text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    emoji_name text COLLATE "C" NOT NULL,
    create_at  bigint NOT NULL,
    CONSTRAINT reactions_pkey PRIMARY KEY (post_id, user_id, emoji_name)
);
-- Deleting a custom emoji removes its reactions.
CREATE INDEX reactions_emoji ON reactions (emoji_name);
