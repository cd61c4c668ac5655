CREATE TABLE outbox (
    create_at bigint NOT NULL,
    id        text COLLATE "C" NOT NULL,
    subject   text NOT NULL,
    payload   bytea NOT NULL,
    PRIMARY KEY (create_at, id)
);
