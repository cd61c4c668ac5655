CREATE TABLE jobs (
    id               text COLLATE "C" PRIMARY KEY,
    type             text NOT NULL,
    priority         bigint NOT NULL DEFAULT 0,
    create_at        bigint NOT NULL,
    start_at         bigint NOT NULL DEFAULT 0,
    last_activity_at bigint NOT NULL DEFAULT 0,
    status           text NOT NULL,
    progress         bigint NOT NULL DEFAULT 0,
    data             text NOT NULL DEFAULT '', -- JSON map of strings, '' = null
    lease_until      bigint NOT NULL DEFAULT 0, -- ms; the worker renews it while it lives
    attempts         bigint NOT NULL DEFAULT 0,
    schedule_key     text UNIQUE -- one job per scheduled moment, whichever replica is first
);
CREATE INDEX jobs_newest ON jobs (create_at DESC, id DESC);
CREATE INDEX jobs_newest_of_type ON jobs (type, create_at DESC, id DESC);
CREATE INDEX jobs_pending ON jobs (type, create_at) WHERE status = 'pending';
-- One job per type at a time, in the whole cluster.
CREATE UNIQUE INDEX jobs_one_running ON jobs (type) WHERE status IN ('in_progress', 'cancel_requested');
