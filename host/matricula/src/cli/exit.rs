//! How the program ends. The table is part of `--help` and of the crate's README; scripts rely on it.

use std::process::ExitCode;

use matricula_core::FailureKind;
use matricula_core::run::{Run, RunStatus};

/// What `--help` says about exit codes.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done
    1  something unexpected
    2  wrong use of a command, or a name that is not known
    3  the flow file, its tests or the settings are wrong
    4  a connector is missing or was refused
    5  a credential is missing, was rejected or lacks a right, or cannot work as it is set up
    6  the run is partial: somebody failed, is staged or is ambiguous
    7  the run failed; the next one goes on where it stopped
    8  another process runs this automation at this moment
    9  the store cannot be used, or its key is missing or wrong
  130  interrupted or terminated; the next run goes on where this one stopped";

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Unexpected = 1,
    Usage = 2,
    Flow = 3,
    Connector = 4,
    Credential = 5,
    Partial = 6,
    Failed = 7,
    Busy = 8,
    Store = 9,
    Interrupted = 130,
}

impl Exit {
    /// What a run that came back means.
    pub(crate) fn of(run: &Run) -> Self {
        match (run.status, run.error.as_ref().map(|error| error.kind)) {
            (RunStatus::Succeeded, _) => Self::Done,
            (_, Some(kind)) if blames_owner(kind) => Self::Credential,
            (RunStatus::Partial, _) => Self::Partial,
            (RunStatus::Failed | RunStatus::Running | RunStatus::Stopped, _) => Self::Failed,
        }
    }
}

/// Whether nothing works until the owner mends the credential or what is set up around it.
pub(crate) fn blames_owner(kind: FailureKind) -> bool {
    kind.stops_everything()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::Failure;
    use matricula_core::run::{Counts, CycleKind, Requests, Trigger};
    use matricula_core::{AutomationId, RunId};

    use super::*;

    #[test]
    fn a_run_ends_the_program_by_its_status_and_by_whom_it_blames() {
        let run = |status, kind: Option<FailureKind>| Run {
            id: RunId(1),
            automation: AutomationId::from("a"),
            flow: "f".to_owned(),
            trigger: Trigger::Schedule,
            cycle: CycleKind::Full,
            status,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            finished_at: None,
            counts: Counts::default(),
            requests: Requests::default(),
            error: kind.map(|kind| Failure::new(kind, "x")),
            notes: Vec::new(),
        };
        for (status, kind, exit) in [
            (RunStatus::Succeeded, None, Exit::Done),
            (RunStatus::Partial, None, Exit::Partial),
            (
                RunStatus::Partial,
                Some(FailureKind::Permission),
                Exit::Credential,
            ),
            (RunStatus::Failed, Some(FailureKind::Auth), Exit::Credential),
            (
                RunStatus::Failed,
                Some(FailureKind::Config),
                Exit::Credential,
            ),
            (RunStatus::Failed, Some(FailureKind::Fault), Exit::Failed),
            (RunStatus::Running, None, Exit::Failed),
        ] {
            assert_eq!(Exit::of(&run(status, kind)), exit, "{status:?} {kind:?}");
        }
    }

    #[test]
    fn the_table_names_every_code() {
        for exit in [
            Exit::Done,
            Exit::Unexpected,
            Exit::Usage,
            Exit::Flow,
            Exit::Connector,
            Exit::Credential,
            Exit::Partial,
            Exit::Failed,
            Exit::Busy,
            Exit::Store,
            Exit::Interrupted,
        ] {
            let row = format!("\n{:>5}  ", exit as u8);
            assert!(TABLE.contains(&row), "{exit:?}");
            let readme = include_str!("../../README.md");
            assert!(
                readme.contains(&format!("\n| {} |", exit as u8)),
                "{exit:?} in the README"
            );
        }
    }
}
