-- Mails that changes of accounts cause, written in the transaction of the change; jobs fetches and acknowledges them.
CREATE TABLE mails (
    key     text COLLATE "C" PRIMARY KEY,
    body    bytea NOT NULL,
    -- When it may be handed out (again), ms.
    take_at bigint NOT NULL
);
CREATE INDEX mails_take_at ON mails (take_at);

-- How many mails somebody caused, or an account was sent, in an hour: what keeps strangers' mailboxes from being flooded.
CREATE TABLE mail_counts (
    subject text COLLATE "C" NOT NULL,
    hour    bigint NOT NULL,
    mails   bigint NOT NULL,
    PRIMARY KEY (subject, hour)
);
CREATE INDEX mail_counts_hour ON mail_counts (hour);

-- The user who began to redeem an invitation; it works for nobody else any more.
ALTER TABLE codes ADD COLUMN claimed_by text COLLATE "C" NOT NULL DEFAULT '';
