-- Orders of a group's list that never change are part of its rows; orders that change often have an index of their own,
-- which is walked (see users/lists/ordered.rs).
ALTER TABLE group_members ADD COLUMN create_at bigint NOT NULL DEFAULT 0;
UPDATE group_members m SET create_at = u.create_at FROM users u WHERE u.id = m.user_id;
CREATE INDEX group_members_created ON group_members (group_id, create_at DESC, user_id);
CREATE INDEX statuses_activity ON statuses (last_activity_at DESC, user_id);
CREATE INDEX statuses_shown ON statuses (status, user_id) WHERE status <> 'offline';
-- Walking a group in the order of names answers from the index alone.
DROP INDEX group_members_list;
CREATE INDEX group_members_list ON group_members (group_id, username) INCLUDE (user_id) WHERE member;
