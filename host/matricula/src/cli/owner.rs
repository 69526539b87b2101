//! The name of this process in a lease, and whether the process of such a name is no more.
//!
//! After a kill the next run should not have to wait until the lease has run out. The kernel tells whether
//! a process still lives; a number alone may belong to another process by now, so the name holds the
//! moment at which the process started, and which machine and PID namespace the number is of. About a
//! process elsewhere nothing is known, and its lease is left to run out.

use std::fs::read_to_string;

/// The name of this process.
pub(crate) fn name() -> String {
    let pid = std::process::id();
    match (machine(), started(pid)) {
        (Some(machine), Some(started)) => format!("{machine}/{pid}/{started}"),
        // Without /proc: unique enough to be told from others, and never claimed to be gone.
        _ => format!("?/{pid}/{}", jiff::Timestamp::now().as_nanosecond()),
    }
}

/// Whether the process of this name is known to be no more.
pub(crate) fn gone(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '/');
    let (Some(then), Some(pid), Some(there)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    // If this process itself cannot be seen, /proc says nothing about others either.
    machine().as_deref() == Some(there)
        && started(std::process::id()).is_some()
        && started(pid).as_deref() != Some(then)
}

/// This boot of this machine, and the namespace that process numbers are of.
fn machine() -> Option<String> {
    let boot = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), namespace.display()))
}

/// When a process started, in the kernel's ticks since boot: field 22 of its `stat`. The second field is
/// the program's name in brackets and may hold anything. None for a process that has ended, also if
/// nobody has collected it yet.
fn started(pid: u32) -> Option<String> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_lives() {
        assert!(!gone(&name()), "{}", name());
        assert_eq!(name(), name());
    }

    #[test]
    fn a_process_that_ended_is_gone_and_one_elsewhere_is_not() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let of = |started: &str| format!("{}/{}/{started}", machine().unwrap(), child.id());
        let alive = of(&started(child.id()).unwrap());
        // The same number, but a process that started at another time.
        assert!(gone(&of("1")));
        assert!(!gone(&alive));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(gone(&alive));
        let elsewhere = alive.replacen(|c: char| c.is_ascii_hexdigit(), "x", 1);
        assert!(!gone(&elsewhere));
    }

    #[test]
    fn nonsense_is_not_gone() {
        for name in ["", "x", "a/b/c", "///"] {
            assert!(!gone(name), "{name}");
        }
    }
}
