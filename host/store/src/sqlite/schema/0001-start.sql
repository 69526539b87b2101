-- Times are Unix milliseconds, days are numbers like 20261231, kinds and states are the codes in codes.rs.

-- Keys that this store has been opened with, each with something that it alone decrypts.
CREATE TABLE vault_key (
    id TEXT PRIMARY KEY,
    proof BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE credential (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    connector TEXT NOT NULL,
    method TEXT NOT NULL,
    name TEXT NOT NULL,
    public TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE secret (
    credential TEXT PRIMARY KEY REFERENCES credential ON DELETE CASCADE,
    vault_key TEXT NOT NULL REFERENCES vault_key,
    data_key BLOB NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX secret_by_key ON secret (vault_key);

-- The number stands for the identifier in every other table.
CREATE TABLE automation (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    source TEXT NOT NULL REFERENCES credential,
    target TEXT NOT NULL REFERENCES credential,
    settings TEXT NOT NULL,
    salt INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT,
    full_at INTEGER,
    program TEXT
) STRICT;
CREATE INDEX automation_by_tenant ON automation (tenant);
CREATE INDEX automation_by_source ON automation (source);
CREATE INDEX automation_by_target ON automation (target);

-- Who may run an automation. The fence outlives every holder.
CREATE TABLE lease (
    automation INTEGER PRIMARY KEY REFERENCES automation ON DELETE CASCADE,
    owner TEXT,
    until INTEGER NOT NULL,
    fence INTEGER NOT NULL
) STRICT;

CREATE TABLE link (
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    key TEXT NOT NULL,
    missed INTEGER NOT NULL,
    in_scope INTEGER NOT NULL,
    active INTEGER NOT NULL,
    access_changes_at INTEGER,
    leaving_action INTEGER,
    leaving_reason INTEGER,
    leaving_decision INTEGER,
    attempts INTEGER,
    ambiguous INTEGER,
    not_before INTEGER,
    access_from INTEGER,
    access_until BLOB NOT NULL,
    last_day_open INTEGER NOT NULL,
    barred INTEGER NOT NULL,
    zone TEXT NOT NULL,
    target TEXT,
    record BLOB NOT NULL,
    applied BLOB NOT NULL,
    PRIMARY KEY (automation, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX link_by_target ON link (automation, target) WHERE target IS NOT NULL;
CREATE INDEX link_by_change ON link (automation, access_changes_at) WHERE access_changes_at IS NOT NULL;
CREATE INDEX link_by_leaving ON link (automation, key, leaving_decision) WHERE leaving_decision IS NOT NULL;
CREATE INDEX link_by_retry ON link (automation, not_before) WHERE not_before IS NOT NULL;

-- ready: the person that is wanted has an account. Kept by the triggers below.
CREATE TABLE pending_reference (
    automation INTEGER NOT NULL,
    key TEXT NOT NULL,
    attribute TEXT NOT NULL,
    wants TEXT NOT NULL,
    ready INTEGER NOT NULL,
    PRIMARY KEY (automation, key, attribute, wants),
    FOREIGN KEY (automation, key) REFERENCES link ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE INDEX pending_reference_by_wanted ON pending_reference (automation, wants);
CREATE INDEX pending_reference_ready ON pending_reference (automation, key, attribute, wants) WHERE ready = 1;

-- How many people have an account. Counting 50 000 of them takes longer than a cycle without changes may.
CREATE TABLE population (
    automation INTEGER PRIMARY KEY REFERENCES automation ON DELETE CASCADE,
    linked INTEGER NOT NULL,
    active INTEGER NOT NULL
) STRICT;

CREATE TRIGGER link_added AFTER INSERT ON link WHEN new.target IS NOT NULL BEGIN
    UPDATE population SET linked = linked + 1, active = active + new.active
    WHERE automation = new.automation;
    UPDATE pending_reference SET ready = 1
    WHERE automation = new.automation AND wants = new.key;
END;

CREATE TRIGGER link_counted AFTER UPDATE OF target, active ON link
WHEN (old.target IS NULL) <> (new.target IS NULL)
    OR (new.target IS NOT NULL AND old.active <> new.active)
BEGIN
    UPDATE population SET
        linked = linked - (old.target IS NOT NULL) + (new.target IS NOT NULL),
        active = active - (old.target IS NOT NULL AND old.active) + (new.target IS NOT NULL AND new.active)
    WHERE automation = new.automation;
END;

CREATE TRIGGER link_connected AFTER UPDATE OF target ON link
WHEN (old.target IS NULL) <> (new.target IS NULL)
BEGIN
    UPDATE pending_reference SET ready = new.target IS NOT NULL
    WHERE automation = new.automation AND wants = new.key;
END;

CREATE TRIGGER link_removed AFTER DELETE ON link WHEN old.target IS NOT NULL BEGIN
    UPDATE population SET linked = linked - 1, active = active - old.active
    WHERE automation = old.automation;
    UPDATE pending_reference SET ready = 0
    WHERE automation = old.automation AND wants = old.key;
END;

-- The tenant stands here as well, so that the newest runs of a tenant are the end of one index.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    started_by TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    status INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    counts TEXT NOT NULL,
    requests TEXT NOT NULL,
    error TEXT,
    notes TEXT NOT NULL
) STRICT;
CREATE INDEX run_by_tenant ON run (tenant);
CREATE INDEX run_by_automation ON run (automation);

-- Runs that have not ended: one for an automation at most.
CREATE TABLE progress (
    run INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
    automation INTEGER NOT NULL UNIQUE REFERENCES automation ON DELETE CASCADE,
    phase INTEGER NOT NULL,
    position TEXT,
    state TEXT,
    complete INTEGER NOT NULL,
    read INTEGER NOT NULL,
    total INTEGER,
    program TEXT NOT NULL
) STRICT;

-- Hashes of the keys that an unfinished run has seen, eight bytes each, one row for a commit.
CREATE TABLE seen (
    part INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    hashes BLOB NOT NULL
) STRICT;
CREATE INDEX seen_by_run ON seen (run);

CREATE TABLE outcome (
    run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    target TEXT,
    code TEXT,
    reason TEXT,
    changed TEXT,
    PRIMARY KEY (run, number)
) WITHOUT ROWID, STRICT;
