-- Mails to be sent. The body (codes in links among it) is emptied as soon as a mail is sent or given up; the key is kept
-- for a while, so that a repeated mail is recognised.
CREATE TABLE mails (
    key       text COLLATE "C" PRIMARY KEY,
    body      bytea NOT NULL,
    create_at bigint NOT NULL,
    -- pending, sent, failed, dropped (mail was switched off)
    status    text COLLATE "C" NOT NULL DEFAULT 'pending',
    attempts  integer NOT NULL DEFAULT 0,
    -- When a worker may take it: a claim moves this to the end of its lease, a failure to the next attempt. Of an ended
    -- mail: when it ended.
    next_at   bigint NOT NULL,
    reason    text NOT NULL DEFAULT ''
);
CREATE INDEX mails_pending ON mails (next_at) WHERE status = 'pending';
CREATE INDEX mails_ended ON mails (next_at) WHERE status <> 'pending';
