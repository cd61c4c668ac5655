-- Who is in no team is a short list that must not be looked for among everybody.
ALTER TABLE users ADD COLUMN has_team boolean NOT NULL DEFAULT false;
UPDATE users u SET has_team = true WHERE EXISTS (SELECT 1 FROM group_members g WHERE g.user_id = u.id AND g.kind = 'team' AND g.member);
CREATE INDEX users_without_team ON users (username) WHERE NOT has_team;
