-- Search and autocompletion by index alone (users/lists/find.rs): who has a word beginning so, by name, and whether they may
-- be shown, without a look at the rows.
DROP INDEX users_nickname, users_first_name, users_last_name;
CREATE INDEX users_nickname ON users (search_nickname, username) INCLUDE (id, delete_at, has_team) WHERE search_nickname <> '';
CREATE INDEX users_first_name ON users (search_first_name, username) INCLUDE (id, delete_at, has_team) WHERE search_first_name <> '';
CREATE INDEX users_last_name ON users (search_last_name, username) INCLUDE (id, delete_at, has_team) WHERE search_last_name <> '';
CREATE INDEX users_email_words ON users (email, username) INCLUDE (id, delete_at, has_team);
