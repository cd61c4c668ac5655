CREATE TABLE nodes (
    id          text COLLATE "C" PRIMARY KEY,
    role        text NOT NULL,
    version     text NOT NULL,
    config_hash text NOT NULL,
    ipaddress   text NOT NULL,
    hostname    text NOT NULL,
    address     text NOT NULL,
    started_at  bigint NOT NULL,
    last_ping   bigint NOT NULL
);
