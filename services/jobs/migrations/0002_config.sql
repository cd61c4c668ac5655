-- The product configuration: every version that was ever stored; the newest is in force.
CREATE TABLE config_versions (
    version   bigint PRIMARY KEY,
    tree      text NOT NULL, -- JSON, without the environment's overrides
    user_id   text COLLATE "C" NOT NULL, -- who stored it; '' = the installation itself
    create_at bigint NOT NULL
);

-- Values made once at first start: diagnostic id, signing key.
CREATE TABLE installation (
    name  text PRIMARY KEY,
    value text NOT NULL
);
