-- What other services must do because of a change here; written in the same transaction, deleted once acknowledged.
CREATE TABLE effects (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        text COLLATE "C" NOT NULL,
    -- Effects of one key are delivered in the order of seq.
    key       text COLLATE "C" NOT NULL,
    -- posts, memberships or preferences
    target    text COLLATE "C" NOT NULL,
    payload   bytea NOT NULL,
    create_at bigint NOT NULL,
    attempts  integer NOT NULL DEFAULT 0,
    next_at   bigint NOT NULL
);
CREATE INDEX effects_key ON effects (key, seq);
