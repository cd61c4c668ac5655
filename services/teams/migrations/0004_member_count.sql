-- Live memberships, kept under the lock of the team's row: the limit and the statistics need not count.
ALTER TABLE teams ADD COLUMN member_count bigint NOT NULL DEFAULT 0;
UPDATE teams SET member_count = (SELECT count(*) FROM team_members m WHERE m.team_id = teams.id AND m.delete_at = 0);
