-- Groups of accounts that are kept at the target. target: none while the group is not there; name: hash of what it
-- is called there.
CREATE TABLE target_group (
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    key TEXT NOT NULL,
    target TEXT,
    name INTEGER,
    PRIMARY KEY (automation, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX target_group_by_target ON target_group (automation, target) WHERE target IS NOT NULL;

-- Who belongs to which group. wanted: the record says so. member: the account that was put into the group; sure is 0
-- while nobody knows whether that has arrived. due: something is to be written; kept by the triggers below alone.
CREATE TABLE membership (
    automation INTEGER NOT NULL,
    key TEXT NOT NULL,
    group_key TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    member TEXT,
    sure INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    due INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (automation, key, group_key),
    FOREIGN KEY (automation, key) REFERENCES link ON DELETE CASCADE,
    FOREIGN KEY (automation, group_key) REFERENCES target_group ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE INDEX membership_by_group ON membership (automation, group_key, key);
CREATE INDEX membership_due ON membership (automation, group_key, key) WHERE due = 1;

-- What due is: the group is there, and the account that is in it is not the one that is meant to be. Whoever may not
-- use the account is meant to be in no group.
CREATE VIEW membership_state (automation, key, group_key, due) AS
SELECT membership.automation, membership.key, membership.group_key,
    target_group.target IS NOT NULL AND (membership.sure = 0
        OR membership.member IS NOT iif(membership.wanted AND link.active, link.target, NULL))
FROM membership
CROSS JOIN link ON link.automation = membership.automation AND link.key = membership.key
CROSS JOIN target_group
    ON target_group.automation = membership.automation AND target_group.key = membership.group_key;

CREATE TRIGGER membership_added AFTER INSERT ON membership BEGIN
    UPDATE membership SET due = (SELECT due FROM membership_state AS state
        WHERE state.automation = new.automation AND state.key = new.key AND state.group_key = new.group_key)
    WHERE automation = new.automation AND key = new.key AND group_key = new.group_key;
END;

CREATE TRIGGER membership_changed AFTER UPDATE OF wanted, member, sure ON membership BEGIN
    UPDATE membership SET due = (SELECT due FROM membership_state AS state
        WHERE state.automation = new.automation AND state.key = new.key AND state.group_key = new.group_key)
    WHERE automation = new.automation AND key = new.key AND group_key = new.group_key;
END;

-- What was refused for another account, or while it could be used otherwise, is tried at once.
CREATE TRIGGER membership_of_link AFTER UPDATE OF target, active ON link
WHEN old.target IS NOT new.target OR old.active <> new.active
BEGIN
    UPDATE membership SET attempts = 0, not_before = NULL, due = (SELECT due FROM membership_state AS state
        WHERE state.automation = membership.automation AND state.key = membership.key
            AND state.group_key = membership.group_key)
    WHERE automation = new.automation AND key = new.key;
END;

-- Another group has other members, and one that is gone has none.
CREATE TRIGGER membership_of_group AFTER UPDATE OF target ON target_group
WHEN old.target IS NOT new.target
BEGIN
    DELETE FROM membership WHERE automation = new.automation AND group_key = new.key AND wanted = 0;
    UPDATE membership SET member = NULL, sure = 1, attempts = 0, not_before = NULL
    WHERE automation = new.automation AND group_key = new.key;
END;

-- As for pending_reference: without figures the planner takes the primary key where a group's members are meant.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('membership', 'membership', '1000000 30000 3 1'),
    ('membership', 'membership_by_group', '1000000 30000 100 1'),
    ('membership', 'membership_due', '1000 300 10 1');
ANALYZE sqlite_schema;
