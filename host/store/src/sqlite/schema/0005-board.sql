-- How many deactivations wait for an owner. Every list of automations asks, and counting links does not.
ALTER TABLE population ADD COLUMN staged INTEGER NOT NULL DEFAULT 0;
UPDATE population SET staged = (SELECT count(*) FROM link INDEXED BY link_by_leaving
    WHERE link.automation = population.automation AND leaving_decision IS NOT NULL AND leaving_decision = 1);

-- 1: staged.
CREATE TRIGGER link_staged AFTER INSERT ON link WHEN new.leaving_decision = 1 BEGIN
    UPDATE population SET staged = staged + 1 WHERE automation = new.automation;
END;

CREATE TRIGGER link_decided AFTER UPDATE OF leaving_decision ON link
WHEN (old.leaving_decision IS 1) <> (new.leaving_decision IS 1)
BEGIN
    UPDATE population SET staged = staged - (old.leaving_decision IS 1) + (new.leaving_decision IS 1)
    WHERE automation = new.automation;
END;

CREATE TRIGGER link_unstaged AFTER DELETE ON link WHEN old.leaving_decision = 1 BEGIN
    UPDATE population SET staged = staged - 1 WHERE automation = old.automation;
END;

-- Why an automation needs somebody: the one place that says so. Lifecycle 1 is paused, 2 deactivated; state 5 of a
-- document is doubtful.
CREATE VIEW attention (automation, attention) AS
SELECT standing.automation, CASE
    WHEN lifecycle = 1 THEN 0
    WHEN lifecycle = 2 THEN 4
    WHEN EXISTS (SELECT 1 FROM population
            WHERE population.automation = standing.automation AND population.staged > 0)
        OR EXISTS (SELECT 1 FROM document_figure
            WHERE document_figure.automation = standing.automation AND state = 5 AND number > 0) THEN 1
    WHEN hold IS NOT NULL THEN 2
    WHEN overdue THEN 3
    ELSE 4 END
FROM standing;

-- The automations that were started, in the order in which people see them. Written by the triggers below alone,
-- which follow everything that the columns are made of.
CREATE TABLE card (
    automation INTEGER PRIMARY KEY REFERENCES standing ON DELETE CASCADE,
    tenant TEXT NOT NULL,
    lifecycle INTEGER NOT NULL,
    attention INTEGER NOT NULL,
    flow TEXT NOT NULL,
    id TEXT NOT NULL
) STRICT;
INSERT INTO card (automation, tenant, lifecycle, attention, flow, id)
    SELECT number, tenant, lifecycle, attention.attention, flow, id
    FROM standing
    CROSS JOIN automation ON automation.number = standing.automation
    CROSS JOIN attention ON attention.automation = standing.automation;
CREATE INDEX card_in_order ON card (tenant, lifecycle, attention, flow, id);

CREATE TRIGGER standing_added AFTER INSERT ON standing BEGIN
    INSERT INTO card (automation, tenant, lifecycle, attention, flow, id)
        SELECT number, tenant, new.lifecycle,
            (SELECT attention FROM attention WHERE attention.automation = new.automation), flow, id
        FROM automation WHERE number = new.automation;
END;

CREATE TRIGGER standing_moved AFTER UPDATE OF lifecycle, hold, overdue ON standing
WHEN old.lifecycle <> new.lifecycle OR (old.hold IS NULL) <> (new.hold IS NULL) OR old.overdue <> new.overdue
BEGIN
    UPDATE card SET lifecycle = new.lifecycle,
        attention = (SELECT attention FROM attention WHERE attention.automation = new.automation)
    WHERE automation = new.automation;
END;

CREATE TRIGGER automation_moved AFTER UPDATE OF id, tenant, flow ON automation
WHEN old.id <> new.id OR old.tenant <> new.tenant OR old.flow <> new.flow
BEGIN
    UPDATE card SET tenant = new.tenant, flow = new.flow, id = new.id WHERE automation = new.number;
END;

CREATE TRIGGER population_staged AFTER UPDATE OF staged ON population
WHEN (old.staged > 0) <> (new.staged > 0)
BEGIN
    UPDATE card SET attention = (SELECT attention FROM attention WHERE attention.automation = new.automation)
    WHERE automation = new.automation;
END;

CREATE TRIGGER document_doubtful AFTER INSERT ON document_figure WHEN new.state = 5 BEGIN
    UPDATE card SET attention = (SELECT attention FROM attention WHERE attention.automation = new.automation)
    WHERE automation = new.automation;
END;

CREATE TRIGGER document_decided AFTER UPDATE OF number ON document_figure
WHEN new.state = 5 AND (old.number > 0) <> (new.number > 0)
BEGIN
    UPDATE card SET attention = (SELECT attention FROM attention WHERE attention.automation = new.automation)
    WHERE automation = new.automation;
END;

-- How many of each flow a tenant has started.
CREATE TABLE flow_figure (
    tenant TEXT NOT NULL,
    flow TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (tenant, flow)
) WITHOUT ROWID, STRICT;
INSERT INTO flow_figure (tenant, flow, number) SELECT tenant, flow, count(*) FROM card GROUP BY tenant, flow;

CREATE TRIGGER card_added AFTER INSERT ON card BEGIN
    INSERT INTO flow_figure (tenant, flow, number) VALUES (new.tenant, new.flow, 1)
    ON CONFLICT (tenant, flow) DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER card_moved AFTER UPDATE OF tenant, flow ON card
WHEN old.tenant <> new.tenant OR old.flow <> new.flow
BEGIN
    UPDATE flow_figure SET number = number - 1 WHERE tenant = old.tenant AND flow = old.flow;
    DELETE FROM flow_figure WHERE tenant = old.tenant AND flow = old.flow AND number = 0;
    INSERT INTO flow_figure (tenant, flow, number) VALUES (new.tenant, new.flow, 1)
    ON CONFLICT (tenant, flow) DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER card_removed AFTER DELETE ON card BEGIN
    UPDATE flow_figure SET number = number - 1 WHERE tenant = old.tenant AND flow = old.flow;
    DELETE FROM flow_figure WHERE tenant = old.tenant AND flow = old.flow AND number = 0;
END;

-- The last runs of an automation, whatever became of them.
CREATE INDEX run_recent ON run (automation, id, status, started_at);

CREATE INDEX notice_by_tenant ON notice (tenant);

-- What came of testing a credential the last time.
CREATE TABLE credential_test (
    credential TEXT PRIMARY KEY REFERENCES credential ON DELETE CASCADE,
    at INTEGER NOT NULL,
    result INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Idempotency keys. body: the request's hash and, once there is one, the answer, encrypted under the vault's key.
CREATE TABLE kept_answer (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    until INTEGER NOT NULL,
    vault_key TEXT NOT NULL REFERENCES vault_key,
    body BLOB NOT NULL,
    UNIQUE (tenant, key)
) STRICT;
CREATE INDEX kept_answer_by_age ON kept_answer (until);
CREATE INDEX kept_answer_by_key ON kept_answer (vault_key);
