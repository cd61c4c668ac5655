CREATE TABLE outbox (
    id        text COLLATE "C" PRIMARY KEY,
    subject   text NOT NULL,
    payload   bytea NOT NULL,
    create_at bigint NOT NULL
);
