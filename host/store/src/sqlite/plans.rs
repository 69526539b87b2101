//! What the planner makes of the statements that come often, with as many rows as there may be.

use matricula_core::board::Attention;
use matricula_core::document::DocumentState;
use matricula_core::standing::Lifecycle;
use rusqlite::{Connection, StatementStatus, params, params_from_iter};

use super::codes::Code;
use super::{
    answers, cards, credentials, documents, groups, journal, keep_plans, notices, retention, runs,
    schema, standings,
};

const AUTOMATIONS: i64 = 10_000;

const DELIVERED: i64 = 50_000;

/// A schedule of ten thousand automations, of which every hundredth is due and sixteen of these run.
fn schedule() -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    keep_plans(&db).unwrap();
    schema::migrate(&mut db).unwrap();
    db.execute_batch(&format!(
        "INSERT INTO credential VALUES ('c', 'acme', 'personio', 'm', 'name', '{{}}', 0);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {AUTOMATIONS})
         INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
             SELECT i, printf('a%05d', i), 'acme', 'f', 'c', 'c', '{{}}', 0, 0 FROM n;
         INSERT INTO lease SELECT number, iif(number % 100 = 0 AND number <= 1600, 'node', NULL), 9000, 1
             FROM automation;
         INSERT INTO standing (automation, lifecycle, next_run_at, overdue, failures, version, cadence)
             SELECT number, 0, iif(number % 100 = 0, 0, 1000000) + number, 0, 0, 0,
                 '{{\"kind\":\"every\",\"seconds\":300}}' FROM automation;
         INSERT INTO journal (tenant, automation, at, actor, deed, details)
             SELECT 'acme', number, 0, '', 0, '' FROM automation;
         INSERT INTO notice (kind, tenant, automation, reason, at, facts, stands, addressed)
             SELECT 0, 'acme', number, '', 0, '', 1, 1 FROM automation;
         INSERT INTO delivery (notice, channel, attempts) SELECT id, '', 0 FROM notice;
         INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, finished_at, counts,
                 requests, notes)
             SELECT number, 'acme', 'f', '', 0, 1, 0, 0, '', '', '' FROM automation;
         INSERT INTO outcome (run, number, kind, key) SELECT id, 1, 0, 'key' FROM run;"
    ))
    .unwrap();
    db
}

/// Documents of the automations 77 and 78: many that were delivered and a hundred of every other state, of which
/// ten failed ones are due. Two at a time wait for the same account; every tenth has a link of automation 79.
fn filed() -> Connection {
    let db = schedule();
    db.execute_batch(&format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n
             WHERE i + 1 < {DELIVERED} + 600) SELECT i FROM n;
         INSERT INTO document (automation, key, state, record, wants, target, sent, attempts, not_before)
             SELECT automation, printf('%06d', i), state, x'', iif(state = 2, i % 100 / 2, NULL),
                 iif(state = 0, i, NULL), x'', 0, iif(state = 4, i % 100, NULL)
             FROM (SELECT i, max(0, (i - {DELIVERED}) / 100 + 1) AS state FROM n)
             CROSS JOIN (SELECT 77 AS automation UNION ALL SELECT 78);
         INSERT INTO link (automation, key, missed, in_scope, active, access_until, last_day_open, barred, zone,
                 target, record, applied)
             SELECT 79, i, 0, 1, 1, x'', 0, 0, '', iif(i % 10 = 0, i, 'a' || i), x'', x'' FROM n;"
    ))
    .unwrap();
    db
}

/// Runs a statement to its end; its rows, and the steps that it took.
fn steps(db: &Connection, sql: &str, parameters: &[i64]) -> (usize, i32) {
    let mut statement = db.prepare(sql).unwrap();
    let mut rows = statement.query(params_from_iter(parameters)).unwrap();
    let mut count = 0;
    while rows.next().unwrap().is_some() {
        count += 1;
    }
    drop(rows);
    for cost in [StatementStatus::Sort, StatementStatus::FullscanStep] {
        // The first of an index that is read from its beginning counts as well.
        assert!(statement.get_status(cost) < 20, "{sql}");
    }
    (count, statement.get_status(StatementStatus::VmStep))
}

#[test]
fn what_is_due_is_read_alone() {
    let db = schedule();
    assert_eq!(Lifecycle::Deactivated.code(), 2, "as the index has it");
    let due = format!("SELECT {} {}", standings::COLUMNS, standings::DUE);
    let (found, taken) = steps(&db, &due, &[1_650, 64, 0]);
    assert_eq!(found, 0, "the sixteen run");
    assert!(taken < 1_000, "{taken} steps");
    let (found, taken) = steps(&db, &due, &[8_000, 64, 0]);
    assert_eq!(found, 64);
    assert!(taken < 5_000, "{taken} steps");
    let (found, taken) = steps(&db, standings::NEXT_DUE, &[]);
    assert_eq!(found, 1);
    assert!(taken < 1_000, "{taken} steps");
}

#[test]
fn what_is_due_of_many_documents_is_read_alone() {
    let db = filed();
    let codes = [
        (DocumentState::Unwanted.code(), 1),
        (DocumentState::Waiting.code(), 2),
        (DocumentState::Failed.code(), 4),
    ];
    for (code, named) in codes {
        assert_eq!(code, named, "as the indexes have it");
    }
    let first = |sql: &str, parameters: &[i64]| -> i64 {
        db.query_row(sql, params_from_iter(parameters), |row| row.get(0))
            .unwrap()
    };
    let (found, taken) = steps(&db, documents::FIGURES, &[77]);
    assert_eq!(found, 7);
    assert!(taken < 100, "{taken} steps");
    assert_eq!(first(documents::RETRIES_DUE, &[77, 9]), 10);
    let (_, taken) = steps(&db, documents::RETRIES_DUE, &[77, 9]);
    assert!(taken < 200, "{taken} steps");
    assert_eq!(first(documents::KNOWN_BY_NOW, &[77, 79]), 10);
    let (_, taken) = steps(&db, documents::KNOWN_BY_NOW, &[77, 79]);
    assert!(taken < 4_000, "{taken} steps");

    for (state, source) in [
        (DocumentState::Delivered, documents::CLOSED),
        (DocumentState::Waiting, documents::OPEN),
        (DocumentState::Again, documents::OPEN),
    ] {
        let sql = format!("SELECT {} {source}", documents::COLUMNS);
        let (found, taken) = steps(&db, &sql, &[77, state.code(), 0, 100]);
        assert_eq!(found, 100, "{state:?}");
        assert!(taken < 4_000, "{state:?}: {taken} steps");
    }
}

/// Ten thousand people with three memberships each, of which nothing is to be written but for twenty.
#[test]
fn memberships_that_are_due_are_read_alone() {
    let db = schedule();
    db.execute_batch(
        "PRAGMA foreign_keys = ON;
         INSERT INTO population SELECT number, 0, 0, 0 FROM automation WHERE number IN (77, 78);
         CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
             SELECT i FROM n;
         CREATE TEMP TABLE automations AS SELECT 77 AS automation UNION ALL SELECT 78;
         INSERT INTO link (automation, key, missed, in_scope, active, access_until, last_day_open, barred, zone,
                 target, record, applied)
             SELECT automation, i, 0, 1, 1, x'', 0, 0, '', 'a' || i, zeroblob(16), x''
             FROM n CROSS JOIN automations;
         INSERT INTO target_group (automation, key, target, name)
             SELECT automation, column1 || ':' || i, column1 || i, 0
             FROM n CROSS JOIN automations CROSS JOIN (VALUES ('d'), ('o'), ('t')) WHERE i < 50;
         INSERT INTO membership (automation, key, group_key, wanted, member, sure, attempts)
             SELECT link.automation, link.key, target_group.key, 1, link.target, 1, 0
             FROM link CROSS JOIN target_group ON target_group.automation = link.automation
                 AND target_group.key IN ('d:' || (link.key % 50), 'o:' || (link.key % 7), 't:' || (link.key % 3));",
    )
    .unwrap();
    let due = groups::due_sql();
    let (found, taken) = steps(&db, &due, &[77, 0, 0, 0, 1_000]);
    assert_eq!(found, 0);
    assert!(taken < 100, "{taken} steps");
    // What the triggers do when somebody is blocked and when a group vanishes.
    let (_, taken) = steps(
        &db,
        "UPDATE link SET active = 0 WHERE automation = ?1 AND key = '7'",
        &[77],
    );
    assert!(taken < 700, "{taken} steps");
    let (found, taken) = steps(&db, &due, &[77, 0, 0, 0, 1_000]);
    assert_eq!(found, 3);
    assert!(taken < 1_000, "{taken} steps");
    let (_, taken) = steps(
        &db,
        "UPDATE target_group SET target = NULL WHERE automation = ?1 AND key = 'd:3'",
        &[77],
    );
    assert!(taken < 200 * 200, "{taken} steps");
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {due}")).unwrap();
    let plan: Vec<String> = statement
        .query_map(params![77, "", "", 0, 1_000], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        plan[0].contains("membership_due (automation=? AND (group_key,key)>(?,?))"),
        "{plan:?}"
    );
    assert!(
        plan.iter()
            .all(|step| !step.contains("SCAN") && !step.contains("TEMP B-TREE")),
        "{plan:?}"
    );
}

/// Ten thousand of one tenant, of which every third is paused, and runs of one of them by the thousand.
#[test]
fn a_page_of_cards_is_read_alone() {
    let db = schedule();
    db.execute_batch(
        "INSERT INTO population SELECT number, 0, 0, 0 FROM automation;
         UPDATE standing SET lifecycle = 1 WHERE automation % 3 = 0;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, finished_at, counts,
                 requests, notes)
             SELECT 77, 'acme', 'f', '', 0, i % 5, i, i, '', '', '' FROM n;",
    )
    .unwrap();
    let page = |lifecycle: Lifecycle, attention: Attention, id: &str| {
        let mut statement = db.prepare(cards::IN_ORDER).unwrap();
        let parameters = params!["acme", lifecycle.code(), attention.code(), "f", id, 50];
        let rows = statement.query_map(parameters, |row| row.get::<_, String>(1));
        let ids: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        let taken = statement.get_status(StatementStatus::VmStep);
        assert!(taken < 1_000, "{taken} steps");
        ids
    };
    let paused = page(Lifecycle::Paused, Attention::Paused, "");
    assert_eq!((paused.len(), paused[0].as_str()), (50, "a00003"));
    let active = page(Lifecycle::Active, Attention::None, "a09000\0");
    assert_eq!((active.len(), active[0].as_str()), (50, "a09001"));
    assert_eq!(page(Lifecycle::Active, Attention::Paused, ""), [""; 0]);

    let (found, taken) = steps(&db, runs::RECENT, &[77, 30]);
    assert_eq!(found, 30);
    assert!(taken < 500, "{taken} steps");
    let card = format!("SELECT {}, {}", standings::COLUMNS, cards::FACTS);
    let (found, taken) = steps(&db, &card, &[77, 0]);
    assert_eq!(found, 1);
    assert!(taken < 200, "{taken} steps");
    // What the triggers do when something changes that a card depends on.
    for sql in [
        "UPDATE population SET staged = 1 WHERE automation = ?1",
        "UPDATE standing SET overdue = 1 WHERE automation = ?1",
        "INSERT INTO document_figure VALUES (?1, 5, 1)",
        "UPDATE automation SET flow = 'other' WHERE number = ?1",
    ] {
        let (_, taken) = steps(&db, sql, &[77]);
        assert!(taken < 500, "{sql}: {taken} steps");
    }
    let moved = page(Lifecycle::Active, Attention::Decision, "");
    assert_eq!(moved, ["a00077"]);
}

/// Binding another value, of `LIMIT` as well, must not prepare a statement anew.
#[test]
fn a_statement_is_prepared_once() {
    let db = schedule();
    let mut statement = db.prepare(runs::RECENT).unwrap();
    for limit in 1..9 {
        let rows = statement.query_map([77, limit], |_| Ok(())).unwrap();
        assert_eq!(rows.count(), 1);
    }
    assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
}

/// The foreign keys find their rows by indexes, of which some are partial.
#[test]
fn an_automation_is_removed_without_reading_the_others() {
    let db = schedule();
    let rows = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, (), |row| row.get(0)).unwrap()
    };
    db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let sql = "DELETE FROM automation WHERE number = ?1";
    let (_, taken) = steps(&db, sql, &[77]);
    assert!(taken < 2_000, "{taken} steps");
    for table in [
        "standing", "journal", "notice", "delivery", "run", "outcome",
    ] {
        assert_eq!(rows(table), AUTOMATIONS - 1, "{table}");
    }
}

#[test]
fn no_statement_reads_a_whole_table_or_sorts() {
    let db = schedule();
    let standings = |rest| format!("SELECT {} {rest}", standings::COLUMNS);
    let journal = |rest| format!("SELECT {} {rest}", journal::COLUMNS);
    let notices = |rest| format!("SELECT {} {rest}", notices::COLUMNS);
    for sql in [
        standings(standings::DUE),
        standings(standings::OF_TENANT),
        standings(standings::OF_ALL),
        journal(journal::OF_AUTOMATION),
        journal(journal::OF_TENANT),
        notices(notices::UNADDRESSED),
        notices(notices::DELIVERABLE),
        runs::NEWEST_OF_TENANT.to_owned(),
        runs::NEWEST_OF_AUTOMATION.to_owned(),
        runs::TALLY.to_owned(),
        runs::RECENT.to_owned(),
        cards::IN_ORDER.to_owned(),
        cards::OF_FLOW.to_owned(),
        cards::BY_FLOW.to_owned(),
        format!("SELECT {}, {}", standings::COLUMNS, cards::FACTS),
        notices(notices::OF_TENANT),
        credentials::TESTED.to_owned(),
        credentials::USES.to_owned(),
        credentials::WHERE.to_owned(),
        answers::OF_KEY.to_owned(),
        answers::DROP.to_owned(),
        format!("SELECT {} {}", documents::COLUMNS, documents::OPEN),
        format!("SELECT {} {}", documents::COLUMNS, documents::CLOSED),
        documents::DELIVERED_AS.to_owned(),
        documents::FIGURES.to_owned(),
        documents::RETRIES_DUE.to_owned(),
        documents::decide_all(),
        documents::RETRY_NOW.to_owned(),
        retention::WRITING_BACK.to_owned(),
        retention::RUNS.to_owned(),
        retention::NOTICES.to_owned(),
        retention::HISTORY.to_owned(),
    ] {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![1_i64; statement.parameter_count()];
        let plan: Vec<String> = statement
            .query_map(params_from_iter(parameters), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for step in &plan {
            // An index of those alone that are wanted is read from its beginning.
            let partial = step.ends_with("USING INDEX notice_unaddressed");
            assert!(
                (!step.contains("SCAN") || partial) && !step.contains("TEMP B-TREE"),
                "{sql}: {plan:#?}"
            );
        }
    }
}
