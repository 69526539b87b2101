//! `matricula serve`: automations that run by themselves, and go on whatever happens to the process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use matricula_sandbox::{Fault, FaultKind, Sandbox, System};
use serde_json::Value;

use crate::world::World;

/// A server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) fn start(world: &World) -> Self {
        let mut child = world
            .command(&[
                "serve",
                "--json",
                "--log",
                "info",
                "--listen",
                "127.0.0.1:0",
            ])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        Self {
            child,
            address: said["listening"].as_str().unwrap().to_owned(),
        }
    }

    /// Asks it to end, as a service manager does; its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn start(world: &World, more: &[&str]) {
    let mut all = vec!["start", "sync-employees", "--yes"];
    all.extend(if more.is_empty() {
        &["--every", "1m"]
    } else {
        more
    });
    let said = world.matricula(&all);
    assert_eq!(said.code, 0, "{said:?}");
}

pub(crate) fn standing(world: &World) -> Value {
    let said = world.matricula(&["automation", "show", "sync-employees", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

/// Looks again and again, for a minute at most.
pub(crate) fn wait_for(world: &World, what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !condition() {
        let stands = || standing(world);
        assert!(
            Instant::now() < until,
            "{what} did not happen: {:#}",
            stands()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn settled(world: &World) -> bool {
    let standing = standing(world);
    standing["demand"].is_null() && !standing["last_succeeded_at"].is_null()
}

/// An unreliable academy and an unreliable machine: at the end everything is in step.
#[test]
fn two_hundred_kills_at_random_moments() {
    let people = 150;
    let world = World::start(Sandbox::builder().people(people).limits(None));
    start(&world, &[]);
    let faults = world.sandbox.faults();
    for (kind, probability) in [
        (FaultKind::Status(500), 0.03),
        (FaultKind::TooManyRequests(Some(0)), 0.03),
        (FaultKind::LostAnswer, 0.03),
        (FaultKind::Slow(5), 0.2),
    ] {
        faults.add(
            Fault::new(kind)
                .probability(probability)
                .system(System::Scim),
        );
    }
    faults.add(
        Fault::new(FaultKind::Status(500))
            .probability(0.05)
            .system(System::Personio),
    );

    let ids = world.sandbox.people().ids();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut cut_off = 0;
    for round in 0..200_u64 {
        // Always something to do: somebody moves, and everybody is looked at.
        for _ in 0..5 {
            let id = ids[usize::try_from(next(ids.len() as u64)).unwrap()];
            world
                .sandbox
                .people()
                .set_email(id, &format!("p{id}-{round}@example.com"));
        }
        let asked = world.matricula(&["automation", "run", "sync-employees", "--full"]);
        assert_eq!(asked.code, 0, "{asked:?}");
        let mut server = Server::start(&world);
        std::thread::sleep(Duration::from_millis(next(180)));
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let standing = standing(&world);
        assert!(
            !standing["next_run_at"].is_null(),
            "round {round}: {standing:#}"
        );
        cut_off += u32::from(!standing["demand"].is_null());
    }
    assert!(
        cut_off > 50,
        "only {cut_off} of 200 kills fell into a cycle"
    );

    faults.clear();
    let asked = world.matricula(&["automation", "run", "sync-employees", "--full"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    let server = Server::start(&world);
    wait_for(&world, "the last cycle", || {
        let standing = standing(&world);
        standing["demand"].is_null() && standing["lifecycle"] == "active"
    });
    world.assert_in_step();
    let next: Timestamp = standing(&world)["next_run_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(next > Timestamp::now(), "{next} is not in the future");
    assert_eq!(server.terminate(), Some(0));
    world.sandbox.journal().clear();
    assert_eq!(world.counts()["unchanged"], people);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_rejected_credential_pauses_and_a_new_one_resumes() {
    let world = World::people(10);
    start(&world, &[]);
    let wrong = world.with_input(
        &[
            "credential",
            "add",
            "reteach",
            "--name",
            "academy",
            "--replace",
            "--set",
            "scim_url=https://academy.example.com/scim/v2",
        ],
        "scim_token=wrong\n",
    );
    assert_eq!(wrong.code, 0, "{wrong:?}");
    let server = Server::start(&world);
    wait_for(&world, "the pause", || {
        standing(&world)["lifecycle"] == "paused"
    });
    let paused = standing(&world);
    assert_eq!(paused["hold"]["failure"]["kind"], "auth");
    assert!(!paused["next_run_at"].is_null());
    assert_eq!(world.sandbox.accounts().list().len(), 0);

    let token = world.sandbox.credentials().scim_token.clone();
    let right = world.with_input(
        &[
            "credential",
            "add",
            "reteach",
            "--name",
            "academy",
            "--replace",
            "--set",
            "scim_url=https://academy.example.com/scim/v2",
        ],
        &format!("scim_token={token}\n"),
    );
    assert_eq!(right.code, 0, "{right:?}");
    wait_for(&world, "the end of the pause", || settled(&world));
    assert_eq!(standing(&world)["lifecycle"], "active");
    world.assert_in_step();
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_database_that_is_locked_is_waited_for() {
    let world = World::people(10);
    start(&world, &[]);
    let lock = rusqlite::Connection::open(world.data.path().join("matricula.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = world
        .command(&[
            "serve",
            "--json",
            "--log",
            "warn",
            "--listen",
            "127.0.0.1:0",
        ])
        .spawn()
        .unwrap();
    let (said, heard) = std::sync::mpsc::channel();
    let log = BufReader::new(child.stderr.take().unwrap());
    let listening = std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    // Nothing can be written until the lock is given back; it says so and goes on.
    let line = heard.recv_timeout(Duration::from_secs(50)).unwrap();
    assert!(line.contains("busy or full"), "{line}");
    lock.execute_batch("ROLLBACK").unwrap();
    wait_for(&world, "the first cycle", || settled(&world));
    world.assert_in_step();
    Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    listening.join().unwrap();
}

#[test]
fn an_event_from_outside_begins_a_cycle() {
    let world = World::people(10);
    start(&world, &["--on-demand"]);
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    assert!(standing(&world)["next_run_at"].is_null());
    let hook = world.matricula(&["automation", "hook", "sync-employees", "--json"]);
    let path: Value = serde_json::from_str(&hook.out).unwrap();
    let path = path["path"].as_str().unwrap().to_owned();
    let id = world.sandbox.people().ids()[0];
    world.sandbox.people().set_email(id, "moved@example.com");
    assert_eq!(post(&server.address, &format!("{path}x")), 404);
    assert_eq!(post(&server.address, &path), 202);
    assert_eq!(post(&server.address, &path), 202);
    wait_for(&world, "the cycle", || {
        world.account(id).user_name == "moved@example.com"
    });
    wait_for(&world, "its end", || settled(&world));
    let runs = world.matricula(&["runs", "--json"]).out;
    assert_eq!(runs.lines().count(), 2, "two events, one cycle: {runs}");
    assert_eq!(server.terminate(), Some(0));
}

/// The status of a request with an empty body.
fn post(address: &str, path: &str) -> u16 {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_key_is_rotated_under_a_server_that_runs() {
    let world = World::people(5);
    start(&world, &[]);
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    let before = std::fs::read_to_string(world.data.path().join("key")).unwrap();
    let rotated = world.matricula(&["keys", "rotate", "--json"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    let after = std::fs::read_to_string(world.data.path().join("key")).unwrap();
    assert_ne!(before, after);
    let id = world.sandbox.people().ids()[0];
    world.sandbox.people().set_email(id, "moved@example.com");
    let asked = world.matricula(&["automation", "run", "sync-employees"]);
    assert_eq!(asked.code, 0, "{asked:?}");
    wait_for(&world, "a cycle under the new key", || {
        world.account(id).user_name == "moved@example.com"
    });
    assert_eq!(server.terminate(), Some(0));
    // A key that is no longer the right one is said at the start.
    std::fs::remove_file(world.data.path().join("key.previous")).unwrap();
    std::fs::write(world.data.path().join("key"), before).unwrap();
    let wrong = world.matricula(&["automation", "list", "--json"]);
    let error: Value = serde_json::from_str(wrong.err.trim()).unwrap();
    assert_eq!(
        (wrong.code, &error["error"]["code"]),
        (9, &Value::from("store.wrong-key"))
    );
}
