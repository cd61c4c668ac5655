-- Who is not in a large group, in the order of names: without a list of them, a page of people outside a group that holds
-- nearly everybody is looked for among everybody. A list is made when it is first asked for (users/lists/outsiders.rs) and
-- kept by triggers from then on, so that no writer can forget it.
CREATE TABLE outsider_lists (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whom the list leaves out.
    group_id text COLLATE "C" NOT NULL,
    -- The group whose members it ranges over; '' = everybody.
    within   text COLLATE "C" NOT NULL,
    UNIQUE (group_id, within)
);
CREATE INDEX outsider_lists_within ON outsider_lists (within);

CREATE TABLE outsiders (
    -- No foreign keys: checking them would double the time a list takes to be made. Users are never deleted;
    -- rows of a deleted list are read by nobody.
    list_id  bigint NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    PRIMARY KEY (list_id, user_id)
);
CREATE INDEX outsiders_list ON outsiders (list_id, username) INCLUDE (user_id);
CREATE INDEX outsiders_user ON outsiders (user_id);

-- Whoever makes a list holds this lock alone; who changes accounts or memberships shares it until the commit. So every
-- change is either seen by the making of the list or sees the list.
CREATE FUNCTION share_outsiders_lock() RETURNS void LANGUAGE sql VOLATILE AS 'SELECT pg_advisory_xact_lock_shared(7310033108401447795)';

CREATE FUNCTION is_outsider(of_user text, outside text, inside text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT (inside = '' OR EXISTS (SELECT 1 FROM group_members WHERE group_id = inside AND user_id = of_user AND member))
        AND NOT EXISTS (SELECT 1 FROM group_members WHERE group_id = outside AND user_id = of_user AND member)
$$;

CREATE FUNCTION outsiders_after_membership() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM share_outsiders_lock();
    DELETE FROM outsiders o USING changed c, outsider_lists l
        WHERE (l.group_id = c.group_id OR l.within = c.group_id) AND o.list_id = l.id AND o.user_id = c.user_id
            AND NOT is_outsider(o.user_id, l.group_id, l.within);
    INSERT INTO outsiders (list_id, user_id, username)
        SELECT l.id, u.id, u.username FROM changed c JOIN outsider_lists l ON l.group_id = c.group_id OR l.within = c.group_id
            JOIN users u ON u.id = c.user_id
        WHERE is_outsider(u.id, l.group_id, l.within) ORDER BY l.id, u.id
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- Transition tables serve one event each.
CREATE TRIGGER outsiders_after_join AFTER INSERT ON group_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION outsiders_after_membership();
CREATE TRIGGER outsiders_after_change AFTER UPDATE ON group_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION outsiders_after_membership();
CREATE TRIGGER outsiders_after_removal AFTER DELETE ON group_members
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION outsiders_after_membership();

CREATE FUNCTION outsiders_after_sign_up() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM share_outsiders_lock();
    INSERT INTO outsiders (list_id, user_id, username)
        SELECT l.id, c.id, c.username FROM changed c CROSS JOIN outsider_lists l
        WHERE l.within = '' AND is_outsider(c.id, l.group_id, l.within) ORDER BY l.id, c.id
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER outsiders_after_sign_up AFTER INSERT ON users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION outsiders_after_sign_up();

CREATE FUNCTION outsiders_after_rename() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM share_outsiders_lock();
    UPDATE outsiders SET username = NEW.username WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER outsiders_after_rename AFTER UPDATE OF username ON users
    FOR EACH ROW WHEN (OLD.username IS DISTINCT FROM NEW.username) EXECUTE FUNCTION outsiders_after_rename();

-- Makes the list unless there is one, and answers its id. READ COMMITTED: the rows are read after the lock was taken.
CREATE FUNCTION list_outsiders(outside text, inside text) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7310033108401447795);
    SELECT id INTO made FROM outsider_lists WHERE group_id = outside AND within = inside;
    IF FOUND THEN
        RETURN made;
    END IF;
    INSERT INTO outsider_lists (group_id, within) VALUES (outside, inside) RETURNING id INTO made;
    INSERT INTO outsiders (list_id, user_id, username)
        SELECT made, u.id, u.username FROM users u
            LEFT JOIN group_members o ON o.group_id = outside AND o.user_id = u.id AND o.member
            LEFT JOIN group_members i ON i.group_id = inside AND i.user_id = u.id AND i.member
        WHERE o.user_id IS NULL AND (inside = '' OR i.user_id IS NOT NULL);
    RETURN made;
END $$;
