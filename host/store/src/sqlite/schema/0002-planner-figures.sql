-- Without figures the planner takes the primary key of pending_reference for the triggers' updates and reads
-- every waiting reference of the automation for every new account. INDEXED BY is not allowed in triggers.
-- These are the proportions of a large automation: many waiting references, few for each wanted person.
ANALYZE pending_reference;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('pending_reference', 'pending_reference', '1000000 10000 1 1 1'),
    ('pending_reference', 'pending_reference_by_wanted', '1000000 10000 10 1 1'),
    ('pending_reference', 'pending_reference_ready', '1000 100 1 1 1');
ANALYZE sqlite_schema;
