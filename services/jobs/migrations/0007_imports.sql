-- Imports of exports: what a job of this type is about, how far it is, and what it has to say.
CREATE TABLE imports (
    job_id        text COLLATE "C" PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    team_id       text COLLATE "C" NOT NULL,
    user_id       text COLLATE "C" NOT NULL,
    file_id       text COLLATE "C" NOT NULL,
    conversations boolean NOT NULL,
    done          bigint NOT NULL DEFAULT 0,
    log           text NOT NULL DEFAULT '',
    refused       boolean NOT NULL DEFAULT false
);
