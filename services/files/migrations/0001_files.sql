-- Uploaded files. Paths are keys of the object store and never leave the service.
CREATE TABLE files (
    id text COLLATE "C" PRIMARY KEY,
    -- Order of arrival among files of the same millisecond.
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    user_id text COLLATE "C" NOT NULL,
    -- Where it was uploaded; '' only while pending.
    channel_id text COLLATE "C" NOT NULL DEFAULT '',
    pending boolean NOT NULL DEFAULT false,
    -- '' while unattached.
    post_id text COLLATE "C" NOT NULL DEFAULT '',
    post_channel_id text COLLATE "C" NOT NULL DEFAULT '',
    create_at bigint NOT NULL,
    update_at bigint NOT NULL,
    delete_at bigint NOT NULL DEFAULT 0,
    name text NOT NULL,
    extension text NOT NULL,
    size bigint NOT NULL,
    mime_type text NOT NULL,
    width bigint NOT NULL DEFAULT 0,
    height bigint NOT NULL DEFAULT 0,
    has_preview_image boolean NOT NULL DEFAULT false,
    path text NOT NULL,
    -- '' for what is no image/*.
    thumbnail_path text NOT NULL DEFAULT '',
    preview_path text NOT NULL DEFAULT ''
);

-- The files of a post, in their order.
CREATE INDEX files_by_post ON files (post_id, create_at, arrival) WHERE post_id <> '';
-- What the sweeper looks for.
CREATE INDEX files_pending ON files (create_at) WHERE pending;
