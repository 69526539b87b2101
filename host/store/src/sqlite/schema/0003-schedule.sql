-- The flow file that an automation runs; none: as it lies in the folder.
CREATE TABLE flow_file (
    digest TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
ALTER TABLE automation ADD COLUMN file TEXT REFERENCES flow_file;
CREATE INDEX automation_by_file ON automation (file) WHERE file IS NOT NULL;
DROP INDEX automation_by_tenant;
CREATE INDEX automation_by_tenant ON automation (tenant, id);

-- Who started a run by hand was a name; now it is a person.
UPDATE run SET started_by = json_set(started_by, '$.by', json_object('name', json_extract(started_by, '$.by')))
WHERE json_extract(started_by, '$.kind') = 'manual' AND json_type(started_by, '$.by') = 'text';

-- Each is read from its end: newest first, of one status or merged from all of them.
DROP INDEX run_by_tenant;
DROP INDEX run_by_automation;
CREATE INDEX run_by_tenant ON run (tenant, status);
CREATE INDEX run_by_automation ON run (automation, status);
CREATE INDEX run_ended ON run (automation, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX run_by_age ON run (tenant, finished_at) WHERE finished_at IS NOT NULL;

-- Leases that somebody holds: few, whatever the number of automations.
CREATE INDEX lease_held ON lease (automation) WHERE owner IS NOT NULL;

-- How automations stand. overdue_at: once it has passed, no run has begun for twice the interval.
CREATE TABLE standing (
    automation INTEGER PRIMARY KEY REFERENCES automation ON DELETE CASCADE,
    lifecycle INTEGER NOT NULL,
    next_run_at INTEGER,
    overdue_at INTEGER,
    overdue INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_run INTEGER,
    last_started_at INTEGER,
    last_ended_at INTEGER,
    last_succeeded_at INTEGER,
    version INTEGER NOT NULL,
    cadence TEXT NOT NULL,
    demand TEXT,
    hold TEXT
) STRICT;
-- 2: deactivated.
CREATE INDEX standing_due ON standing (next_run_at) WHERE lifecycle <> 2 AND next_run_at IS NOT NULL;

-- The history of changes.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    automation INTEGER REFERENCES automation ON DELETE CASCADE,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    deed INTEGER NOT NULL,
    details TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_tenant ON journal (tenant);
CREATE INDEX journal_by_automation ON journal (automation) WHERE automation IS NOT NULL;
CREATE INDEX journal_by_age ON journal (tenant, at);

-- What people are told. stands: not told again; addressed: somebody has chosen the ways by which it goes.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    automation INTEGER REFERENCES automation ON DELETE CASCADE,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    stands INTEGER NOT NULL,
    addressed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX notice_stands ON notice (automation, kind, reason) WHERE stands = 1;
CREATE INDEX notice_by_automation ON notice (automation) WHERE automation IS NOT NULL;
CREATE INDEX notice_unaddressed ON notice (id) WHERE addressed = 0;
CREATE INDEX notice_by_age ON notice (tenant, at);

-- A notice on one way. due_at is none once it has arrived or was given up.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    notice INTEGER NOT NULL REFERENCES notice ON DELETE CASCADE,
    channel TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,
    delivered_at INTEGER,
    error TEXT
) STRICT;
CREATE INDEX delivery_by_notice ON delivery (notice);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;

-- Who is told about an automation.
CREATE TABLE contact (
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    position INTEGER NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    language TEXT NOT NULL,
    alerts INTEGER NOT NULL,
    report INTEGER NOT NULL,
    PRIMARY KEY (automation, position)
) WITHOUT ROWID, STRICT;

-- SHA-256 of the secret in an automation's address for webhooks.
CREATE TABLE hook (
    automation INTEGER PRIMARY KEY REFERENCES automation ON DELETE CASCADE,
    digest BLOB NOT NULL
) STRICT;

-- What a tenant has chosen.
CREATE TABLE tenant (
    id TEXT PRIMARY KEY,
    retention_days INTEGER
) WITHOUT ROWID, STRICT;
