-- What was put into people's files, once for each key. The codes of the state that the indexes name: up to 1 is
-- what nothing more is done about, 2 is waiting, 4 is failed.
CREATE TABLE document (
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    key TEXT NOT NULL,
    state INTEGER NOT NULL,
    record BLOB NOT NULL,
    owner TEXT,
    wants TEXT,
    target TEXT,
    sent BLOB NOT NULL,
    size INTEGER,
    sha256 BLOB,
    sent_at INTEGER,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    PRIMARY KEY (automation, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX document_open ON document (automation, state, key) WHERE state > 1;
CREATE INDEX document_by_target ON document (automation, target) WHERE target IS NOT NULL;
CREATE INDEX document_waiting ON document (automation, wants) WHERE state = 2 AND wants IS NOT NULL;
CREATE INDEX document_by_retry ON document (automation, not_before) WHERE state = 4 AND not_before IS NOT NULL;

-- How many documents stand how. Every cycle begins by asking; counting them takes longer the more there are.
CREATE TABLE document_figure (
    automation INTEGER NOT NULL REFERENCES automation ON DELETE CASCADE,
    state INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (automation, state)
) WITHOUT ROWID, STRICT;

CREATE TRIGGER document_added AFTER INSERT ON document BEGIN
    INSERT INTO document_figure (automation, state, number) VALUES (new.automation, new.state, 1)
    ON CONFLICT (automation, state) DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER document_moved AFTER UPDATE OF state ON document WHEN old.state <> new.state BEGIN
    UPDATE document_figure SET number = number - 1
    WHERE automation = old.automation AND state = old.state;
    INSERT INTO document_figure (automation, state, number) VALUES (new.automation, new.state, 1)
    ON CONFLICT (automation, state) DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER document_removed AFTER DELETE ON document BEGIN
    UPDATE document_figure SET number = number - 1
    WHERE automation = old.automation AND state = old.state;
END;
