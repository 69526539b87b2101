-- Ten thousand automations of one tenant and twenty of another, each with forty runs; every sixth needs somebody.
INSERT INTO credential (id, tenant, connector, method, name, public, created_at)
    SELECT printf('%s-%d', tenant, n.value), tenant, 'personio', 'client-credentials', 'HR ' || n.value, '{}', 0
    FROM (SELECT 'local' AS tenant UNION ALL SELECT 'acme') CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10020)
INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
    SELECT i, printf('automation-%05d', i * 7919 % 10037), iif(i % 501 = 0, 'acme', 'local'),
        CASE i % 3 WHEN 0 THEN 'sync-employees' WHEN 1 THEN 'file-certificates' ELSE 'sync-guests' END,
        printf('%s-%d', iif(i % 501 = 0, 'acme', 'local'), i % 4 + 1),
        printf('%s-%d', iif(i % 501 = 0, 'acme', 'local'), i % 4 + 5), '{}', 0, 0
    FROM n;
INSERT INTO lease (automation, owner, until, fence)
    SELECT number, iif(number % 100 = 0, 'node', NULL), 2000000000000, 1 FROM automation;
INSERT INTO population (automation, linked, active) SELECT number, 0, 0 FROM automation;
INSERT INTO standing (automation, lifecycle, next_run_at, overdue, failures, version, cadence, hold)
    SELECT number, CASE number % 24 WHEN 0 THEN 1 WHEN 1 THEN 2 ELSE 0 END, 2000000000000,
        number % 24 = 2, 0, 1, '{"kind":"every","seconds":300}',
        iif(number % 24 IN (0, 3), '{"failure":{"kind":"unavailable","message":"no answer","effect":"none"},
            "since":"2026-11-22T07:00:00Z","attempts":4}', NULL)
    FROM automation;
INSERT INTO link (automation, key, missed, in_scope, active, leaving_action, leaving_reason, leaving_decision,
        access_until, last_day_open, barred, zone, target, record, applied)
    SELECT number, n.value, 0, 1, 1, 0, 0, 1, x'', 0, 0, 'Europe/Berlin', n.value, zeroblob(16), x''
    FROM automation CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n WHERE number % 24 = 4;
INSERT INTO document (automation, key, state, record, sent, attempts)
    SELECT number, n.value, n.value % 2 * 5, zeroblob(16), x'', 0
    FROM automation CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n WHERE number % 24 = 5;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, finished_at, counts,
        requests, notes)
    SELECT number, tenant, flow, '{"kind":"schedule"}', 1, 1 + i % 3, unixepoch() * 1000 - 300000 * (41 - i),
        unixepoch() * 1000 - 300000 * (41 - i) + 1000,
        '{"created":1,"updated":2,"unchanged":3,"deactivated":0,"reactivated":0,"skipped":0,"staged":0,"ambiguous":0,"failed":0}',
        '{"source":2,"target":1}', '[]'
    FROM n CROSS JOIN automation;
INSERT INTO notice (kind, tenant, automation, reason, at, facts, stands, addressed)
    SELECT 6, tenant, number, '2026-11-21', 0, '{}', 1, 1 FROM automation;
