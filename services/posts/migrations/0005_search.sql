-- What the search finds, one row per post that can be found. Written by the indexer after the post, never with it.
CREATE TABLE search_documents (
    post_id    text COLLATE "C" CONSTRAINT search_documents_pkey PRIMARY KEY,
    channel_id text COLLATE "C" NOT NULL,
    create_at  bigint NOT NULL,
    version    bigint NOT NULL, -- update_at of the post it was made from
    words      tsvector NOT NULL
);
-- New entries wait in a list that every search reads; it is kept short.
CREATE INDEX search_documents_words ON search_documents USING gin (words) WITH (gin_pending_list_limit = 1024);
CREATE INDEX search_documents_channel ON search_documents (channel_id, create_at);
CREATE INDEX search_documents_created ON search_documents (create_at);
ALTER TABLE search_documents ALTER COLUMN words SET STATISTICS 0;

-- Posts whose document is to be made again: one row per commit that wrote or changed some.
CREATE TABLE search_queue (
    seq      bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT search_queue_pkey PRIMARY KEY,
    post_ids text[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What was posted before there was a search; the newest are taken first.
INSERT INTO search_queue (post_ids)
SELECT array_agg(id) FROM (
    SELECT id, (row_number() OVER (ORDER BY create_at) - 1) / 256 AS part FROM posts WHERE delete_at = 0 AND original_id = ''
) AS old GROUP BY part ORDER BY part;
