//! The tables, and how an older store gets those of today.
//!
//! `user_version` counts the migrations that were made; each is kept with the hash of its text, so that
//! two builds that disagree about a migration do not both write to the store. All that are missing are
//! made in one transaction: a store is at the old state or at the new one.

use matricula_core::store::StoreError;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::fault::Fault;
use super::worker::in_transaction;

/// Marks the file as ours: "MTRC".
const APPLICATION: i64 = 0x4d54_5243;

struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// In order; only ever appended to.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "start",
        sql: include_str!("schema/0001-start.sql"),
    },
    Migration {
        name: "planner-figures",
        sql: include_str!("schema/0002-planner-figures.sql"),
    },
    Migration {
        name: "schedule",
        sql: include_str!("schema/0003-schedule.sql"),
    },
    Migration {
        name: "documents",
        sql: include_str!("schema/0004-documents.sql"),
    },
    Migration {
        name: "board",
        sql: include_str!("schema/0005-board.sql"),
    },
    Migration {
        name: "groups",
        sql: include_str!("schema/0006-groups.sql"),
    },
    Migration {
        name: "connections",
        sql: include_str!("schema/0007-connections.sql"),
    },
];

/// Brings the store to the schema of this version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    migrate_to(connection, MIGRATIONS)
}

fn migrate_to(connection: &mut Connection, migrations: &[Migration]) -> Result<(), Fault> {
    let read = TransactionBehavior::Deferred;
    if in_transaction(connection, read, |tx| applied(tx, migrations))? == migrations.len() {
        return Ok(());
    }
    in_transaction(connection, TransactionBehavior::Immediate, |tx| {
        // Another process may have been faster.
        let applied = applied(tx, migrations)?;
        if applied == 0 {
            tx.execute_batch(
                "CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, \
                 checksum BLOB NOT NULL) STRICT",
            )?;
            tx.pragma_update(None, "application_id", APPLICATION)?;
        }
        for (version, migration) in (1_i64..).zip(migrations).skip(applied) {
            tx.execute_batch(migration.sql)?;
            tx.execute(
                "INSERT INTO migration (version, name, checksum) VALUES (?1, ?2, ?3)",
                (version, migration.name, checksum(migration)),
            )?;
            tx.pragma_update(None, "user_version", version)?;
            tracing::info!(
                version,
                name = migration.name,
                "changed the schema of the store"
            );
        }
        Ok(())
    })
}

/// How many migrations were made; an error if the file is not ours or not of a version that we know.
fn applied(tx: &Transaction<'_>, migrations: &[Migration]) -> Result<usize, Fault> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let empty = tx.query_row("SELECT count(*) = 0 FROM sqlite_schema", (), |row| {
        row.get(0)
    })?;
    if version == 0 && empty {
        return Ok(0);
    }
    if application != APPLICATION || version < 1 {
        return Err(refused(
            "the file is a database of another application; give the store a file of its own"
                .to_owned(),
        ));
    }
    let known = migrations.len();
    let Some(applied) = usize::try_from(version)
        .ok()
        .filter(|version| *version <= known)
    else {
        return Err(refused(format!(
            "the store was written by a newer version of Matricula (its schema is {version}, this version \
             knows up to {known}); run that version or a later one"
        )));
    };
    let mut checksums = tx.prepare("SELECT checksum FROM migration WHERE version = ?1")?;
    for (version, migration) in (1_i64..).zip(migrations).take(applied) {
        let kept: Option<Vec<u8>> = checksums
            .query_row([version], |row| row.get(0))
            .optional()?;
        if kept.as_deref() != Some(checksum(migration).as_slice()) {
            return Err(refused(format!(
                "the store was made by another build of Matricula (its schema {version} is not the \
                 “{}” of this one); run that build or start with a new store",
                migration.name
            )));
        }
    }
    Ok(applied)
}

fn refused(text: String) -> Fault {
    Fault::Store(StoreError::Failed(text))
}

fn checksum(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql).into()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use matricula_core::agenda::RunFilter;
    use matricula_core::board::{Attention, CardFilter};
    use matricula_core::document::Document;
    use matricula_core::group::{Belongs, Group, GroupChanges};
    use matricula_core::link::Decision;
    use matricula_core::run::Trigger;
    use matricula_core::store::OutcomeFilter;
    use matricula_core::{AutomationId, Person, RunId, SourceKey, TargetId, TenantId, Text};

    use super::super::{automations, cards, documents, groups, links, runs, standings};
    use super::*;

    const FIRST: Migration = Migration {
        name: "first",
        sql: "CREATE TABLE a (x)",
    };
    const SECOND: Migration = Migration {
        name: "second",
        sql: "ALTER TABLE a ADD COLUMN y",
    };
    const BROKEN: Migration = Migration {
        name: "broken",
        sql: "CREATE TABLE b (x); CREATE TABLE a (x)",
    };

    fn message(fault: Fault) -> String {
        StoreError::from(fault).to_string()
    }

    fn version(connection: &Connection) -> i64 {
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn forward_and_once() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &[FIRST]).unwrap();
        migrate_to(&mut db, &[FIRST]).unwrap();
        assert_eq!(version(&db), 1);
        db.execute("INSERT INTO a (x) VALUES (1)", ()).unwrap();
        migrate_to(&mut db, &[FIRST, SECOND]).unwrap();
        migrate_to(&mut db, &[FIRST, SECOND]).unwrap();
        assert_eq!(version(&db), 2);
        let kept: (i64, Option<i64>) = db
            .query_row("SELECT x, y FROM a", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(kept, (1, None));
    }

    #[test]
    fn the_triggers_find_waiting_references_by_whom_they_want() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let plan: String = db
            .query_row(
                "EXPLAIN QUERY PLAN UPDATE pending_reference SET ready = 1 WHERE automation = 1 AND wants = 'x'",
                (),
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("pending_reference_by_wanted"), "{plan}");
    }

    /// A store as schema 2 wrote it, with an automation, runs that people and the schedule started, and
    /// somebody's outcome.
    #[test]
    fn a_store_before_the_schedule_has_everything_afterwards() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &MIGRATIONS[..2]).unwrap();
        db.execute_batch(
            r#"INSERT INTO credential VALUES ('c', 'acme', 'personio', 'm', 'name', '{}', 0);
            INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at, state)
                VALUES (7, 'a', 'acme', 'sync-employees', 'c', 'c', '{"x":1}', -2, 5, 'state');
            INSERT INTO lease VALUES (7, 'node', 9, 3);
            INSERT INTO population VALUES (7, 0, 0);
            INSERT INTO run (id, automation, tenant, flow, started_by, cycle, status, started_at, finished_at,
                    counts, requests, notes)
                SELECT column1, 7, 'acme', 'sync-employees', column2, 0, 1, 1000, 2000,
                    '{"created":3,"updated":0,"unchanged":0,"deactivated":0,"reactivated":0,"skipped":0,
                      "staged":0,"ambiguous":0,"failed":0}',
                    '{"source":1,"target":2}', '["a note"]'
                FROM (VALUES (1, '{"kind":"manual","by":"The \"boss\" Ö"}'), (2, '{"kind":"schedule"}'));
            INSERT INTO outcome VALUES (1, 1, 0, 'key', 'account', NULL, NULL, '["first_name"]');"#,
        )
        .unwrap();
        migrate(&mut db).unwrap();
        let tx = db.transaction().unwrap();

        let automations = automations::of_tenant(&tx, "acme").unwrap();
        let [automation] = &automations[..] else {
            panic!("{automations:?}")
        };
        assert_eq!(automation.file, None);
        assert_eq!(automation.memory.state.as_deref(), Some("state"));
        let filter = RunFilter {
            limit: 9,
            ..RunFilter::default()
        };
        let found = runs::newest(&tx, "acme", &filter).unwrap();
        let triggers: Vec<_> = found.iter().map(|run| run.trigger.clone()).collect();
        let by = Person::named("The \"boss\" Ö");
        assert_eq!(triggers, [Trigger::Schedule, Trigger::Manual { by }]);
        assert_eq!(found[1].counts.created, 3);
        assert_eq!(
            found[1].notes,
            [Text([("en".into(), "a note".into())].into())]
        );
        let outcomes = runs::outcomes(
            &tx,
            RunId(1),
            &OutcomeFilter {
                limit: 9,
                ..OutcomeFilter::default()
            },
        );
        assert_eq!(outcomes.unwrap().len(), 1);
        let id = AutomationId::new("a");
        assert_eq!(standings::of(&tx, &id).unwrap(), None);
        let tenure = automations::tenure(&tx, &id).unwrap();
        assert_eq!(tenure.owner.as_deref(), Some("node"));
    }

    /// An automation of before is counted like one of today.
    #[test]
    fn a_store_before_documents_takes_them() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &MIGRATIONS[..3]).unwrap();
        db.execute_batch(
            "INSERT INTO credential VALUES ('c', 'acme', 'personio', 'm', 'name', '{}', 0);
            INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
                VALUES (7, 'a', 'acme', 'sync-employees', 'c', 'c', '{}', 0, 0);",
        )
        .unwrap();
        migrate(&mut db).unwrap();
        let tx = db.transaction().unwrap();
        let document = Document::new(SourceKey::new("certificate"));
        documents::write(&tx, 7, std::slice::from_ref(&document)).unwrap();
        let keys = [document.key.clone()];
        assert_eq!(documents::of_keys(&tx, 7, &keys).unwrap(), [Some(document)]);
        let figures = documents::figures(&tx, 7, None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(figures.waiting, 1);
    }

    /// A store as schema 4 wrote it, with an automation of every kind, is listed like one of today.
    #[test]
    fn a_store_before_the_board_shows_what_it_has() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &MIGRATIONS[..4]).unwrap();
        db.execute_batch(
            r#"INSERT INTO credential VALUES ('c', 'acme', 'personio', 'm', 'name', '{}', 0);
            INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
                SELECT column1, 'a' || column1, 'acme', iif(column1 < 7, 'sync', 'file'), 'c', 'c', '{}', 0, 0
                FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8));
            INSERT INTO lease SELECT number, NULL, 0, 0 FROM automation;
            INSERT INTO population SELECT number, 0, 0 FROM automation;
            -- 1 runs, 2 is overdue, 3 in quarantine, 4 staged, 5 paused, 6 stopped, 7 doubtful, 8 was never started.
            INSERT INTO standing (automation, lifecycle, overdue, failures, version, cadence, hold)
                SELECT number, CASE number WHEN 5 THEN 1 WHEN 6 THEN 2 ELSE 0 END, number IN (2, 6), 0, 1,
                    '{"kind":"on-demand"}',
                    iif(number IN (3, 5), '{"failure":{"kind":"auth","message":"no","effect":"none"},
                        "since":"2026-01-01T00:00:00Z","attempts":1}', NULL)
                FROM automation WHERE number < 8;
            INSERT INTO link (automation, key, missed, in_scope, active, leaving_action, leaving_reason,
                    leaving_decision, access_until, last_day_open, barred, zone, target, record, applied)
                SELECT number, column1, 0, 1, 1, 0, 0, column2, x'', 0, 0, '', column1, zeroblob(16), x''
                FROM automation CROSS JOIN (VALUES ('k', 1), ('l', 1), ('m', 0), ('n', NULL))
                WHERE number IN (4, 6);
            INSERT INTO document (automation, key, state, record, sent, attempts)
                VALUES (7, 'd', 5, x'', x'', 0), (1, 'd', 0, x'', x'', 0);
            INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, counts, requests, notes)
                VALUES (1, 'acme', 'sync', '{"kind":"schedule"}', 0, 1, 1000,
                    '{"created":3,"updated":0,"unchanged":0,"deactivated":0,"reactivated":0,"skipped":0,
                      "staged":0,"ambiguous":0,"failed":0}', '{"source":1,"target":2}', '[]');"#,
        )
        .unwrap();
        migrate(&mut db).unwrap();
        let tx = db.transaction().unwrap();
        let filter = CardFilter {
            limit: 9,
            ..CardFilter::default()
        };
        let found =
            cards::page(&tx, &TenantId::new("acme"), &filter, Timestamp::UNIX_EPOCH).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|card| {
                let id = card.standing.automation.as_str();
                let runs = card.health.len();
                (id, card.attention, card.staged, card.doubtful, runs)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("a5", Attention::Paused, 0, 0, 0),
                ("a7", Attention::Decision, 0, 1, 0),
                ("a4", Attention::Decision, 2, 0, 0),
                ("a3", Attention::Quarantined, 0, 0, 0),
                ("a2", Attention::Overdue, 0, 0, 0),
                ("a1", Attention::None, 0, 0, 1),
                ("a6", Attention::None, 2, 0, 0),
            ]
        );
        let counted = cards::by_flow(&tx, "acme").unwrap();
        assert_eq!(counted, [("file".to_owned(), 1), ("sync".to_owned(), 6)]);
        // What changes from now on is followed.
        links::decide(&tx, 4, Decision::Approved).unwrap();
        let card = cards::of(&tx, &AutomationId::new("a4"), Timestamp::UNIX_EPOCH);
        let card = card.unwrap().unwrap();
        assert_eq!((card.attention, card.staged), (Attention::None, 0));
    }

    /// People of a store as schema 5 wrote it are put into groups like those of today.
    #[test]
    fn a_store_before_groups_takes_them() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &MIGRATIONS[..5]).unwrap();
        db.execute_batch(
            "INSERT INTO credential VALUES ('c', 'acme', 'personio', 'm', 'name', '{}', 0);
            INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
                VALUES (7, 'a', 'acme', 'sync-employees', 'c', 'c', '{}', 0, 0);
            INSERT INTO population VALUES (7, 0, 0, 0);
            INSERT INTO link (automation, key, missed, in_scope, active, access_until, last_day_open, barred, zone,
                    target, record, applied)
                VALUES (7, 'k', 0, 1, 1, x'', 0, 0, '', 'account', zeroblob(16), x'');",
        )
        .unwrap();
        migrate(&mut db).unwrap();
        let tx = db.transaction().unwrap();
        let group = Group {
            target: Some(TargetId::new("remote")),
            ..Group::new(SourceKey::new("team:1"))
        };
        let changes = GroupChanges {
            belongs: vec![Belongs {
                key: SourceKey::new("k"),
                groups: vec![group.key.clone()],
                untold: Vec::new(),
            }],
            groups: vec![group],
            ..GroupChanges::default()
        };
        groups::write(&tx, 7, &changes).unwrap();
        let due = groups::due(&tx, 7, Timestamp::UNIX_EPOCH, ("", ""), 9).unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].add, Some(TargetId::new("account")));
    }

    #[test]
    fn a_migration_that_breaks_off_leaves_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &[FIRST]).unwrap();
        migrate_to(&mut db, &[FIRST, BROKEN]).unwrap_err();
        assert_eq!(version(&db), 1);
        let tables: i64 = db
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'b'",
                (),
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_newer_store_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &[FIRST, SECOND]).unwrap();
        let error = message(migrate_to(&mut db, &[FIRST]).unwrap_err());
        assert!(
            error.contains("newer version of Matricula (its schema is 2"),
            "{error}"
        );
    }

    #[test]
    fn a_migration_that_was_changed_afterwards_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate_to(&mut db, &[FIRST]).unwrap();
        let error = message(migrate_to(&mut db, &[SECOND]).unwrap_err());
        assert!(error.contains("another build of Matricula"), "{error}");
    }

    #[test]
    fn the_file_of_another_application_is_refused() {
        for sql in ["CREATE TABLE songs (title)", "PRAGMA user_version = 1"] {
            let mut db = Connection::open_in_memory().unwrap();
            db.execute_batch(sql).unwrap();
            let error = message(migrate(&mut db).unwrap_err());
            assert!(error.contains("another application"), "{error}");
        }
    }
}
