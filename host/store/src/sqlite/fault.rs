//! What goes wrong between a call and `SQLite`, before it becomes a [`StoreError`].
//!
//! Values never get into a message: a stored value may be somebody's name. `SQLite`'s own messages name
//! tables and columns only and are passed on.

use matricula_core::store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

#[derive(Debug)]
pub(super) enum Fault {
    /// Something that the caller is to know as it is.
    Store(StoreError),
    /// `SQLite` refused.
    Sql(Error),
    /// A row of this table holds something that was not written by this version or was damaged.
    Unreadable(&'static str),
}

impl Fault {
    /// Whether it passes when another process is done, or somebody has made room.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error().is_some_and(is_busy))
    }
}

/// A full disk is `SQLITE_FULL` for the file itself. The index of the log cannot grow then, which has a code
/// of its own, and a quota that is used up is a failed write. Nothing was written in either case.
fn is_busy(error: &ffi::Error) -> bool {
    let by_code = matches!(
        error.code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
    );
    by_code
        || matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_WRITE
        )
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Sql(error) => from_sql(&error),
            Fault::Unreadable(table) => Self::Failed(format!(
                "a row of the table {table} cannot be read; the file is damaged or was changed by \
                 something else"
            )),
        }
    }
}

fn from_sql(error: &Error) -> StoreError {
    let Some(code) = error.sqlite_error() else {
        return StoreError::Failed(match error {
            Error::InvalidColumnType(_, column, _) => format!("the column {column} cannot be read"),
            Error::Utf8Error(..) | Error::FromSqlConversionFailure(..) => {
                "a stored value cannot be read".to_owned()
            }
            Error::IntegralValueOutOfRange(..) => "a stored number is out of range".to_owned(),
            Error::ToSqlConversionFailure(_) => "a value cannot be stored".to_owned(),
            _ => "the statement does not fit the database".to_owned(),
        });
    };
    let meaning = ffi::code_to_str(code.extended_code);
    let text = match error {
        Error::SqliteFailure(_, Some(detail)) if detail != meaning => {
            format!("{meaning} ({detail})")
        }
        _ => meaning.to_owned(),
    };
    if is_busy(code) {
        StoreError::Busy(text)
    } else {
        StoreError::Failed(text)
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::agenda::Agenda;

    use super::*;

    fn raised(code: i32) -> StoreError {
        Fault::from(Error::SqliteFailure(ffi::Error::new(code), None)).into()
    }

    #[test]
    fn what_passes_is_busy_and_the_rest_has_failed() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_FULL,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_PROTOCOL,
            ffi::SQLITE_IOERR_SHMSIZE,
            ffi::SQLITE_IOERR_WRITE,
        ] {
            assert!(matches!(raised(code), StoreError::Busy(_)), "{code}");
        }
        for code in [
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CONSTRAINT,
        ] {
            assert!(matches!(raised(code), StoreError::Failed(_)), "{code}");
        }
    }

    /// The disk is full, and later it is not.
    #[tokio::test]
    async fn a_full_database_is_busy_until_there_is_room() {
        let folder = tempfile::TempDir::new().unwrap();
        let vault = crate::Vault::new(&[7; 32]);
        let store = crate::SqliteStore::open(folder.path().join("matricula.db"), vault).unwrap();
        let allow = async |more: i64| {
            let limit = move |connection: &mut rusqlite::Connection| {
                let pages: i64 =
                    connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
                connection.pragma_update_and_check(
                    None,
                    "max_page_count",
                    pages + more,
                    |row| row.get::<_, i64>(0),
                )?;
                Ok(())
            };
            store.worker.alone(limit).await.unwrap();
        };
        let text = |number: u32| format!("{number}: {}", "a line of a flow file\n".repeat(400));
        allow(6).await;
        let mut kept = Vec::new();
        let error = loop {
            match store.keep_file(&text(kept.len() as u32)).await {
                Ok(digest) => kept.push(digest),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(&error, StoreError::Busy(text) if text.contains("full")),
            "{error}"
        );
        assert!(!kept.is_empty());
        // It goes on reading, and nothing of what failed is there.
        for digest in &kept {
            assert!(store.file(digest).await.unwrap().is_some());
        }
        allow(1_000).await;
        let digest = store.keep_file(&text(kept.len() as u32)).await.unwrap();
        assert!(!kept.contains(&digest));
        assert!(store.file(&digest).await.unwrap().is_some());
    }

    #[test]
    fn values_stay_out_of_messages() {
        let inner = "Erika Mustermann".into();
        let error = Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, inner);
        let text = StoreError::from(Fault::from(error)).to_string();
        assert_eq!(text, "the database failed: a stored value cannot be read");
    }
}
