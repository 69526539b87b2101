//! A process that is killed, at every page and at random, leaves neither gap nor duplicate.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use matricula_sandbox::{Entry, Kind, Sandbox, System};

use crate::world::World;

/// Runs with these arguments, killed at the first request that satisfies the condition, before or after its answer.
pub fn run_killed(
    world: &World,
    arguments: &[&str],
    answered: bool,
    condition: impl Fn(&Entry) -> bool + Send + Sync + 'static,
) -> Output {
    let pid = Arc::new(AtomicU32::new(0));
    let victim = Arc::clone(&pid);
    let kill = move |_: &Entry| {
        // The request may come before the parent knows the child's id.
        while victim.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let id = victim.load(Ordering::SeqCst).to_string();
        let _ = Command::new("kill").args(["-9", &id]).status();
    };
    if answered {
        world.sandbox.on_answer(condition, kill);
    } else {
        world.sandbox.on_request(condition, kill);
    }
    let child = world.spawn(arguments);
    pid.store(child.id(), Ordering::SeqCst);
    let output = child.wait_with_output().unwrap();
    world.sandbox.clear_hooks();
    output
}

/// Whether it came to that.
pub fn was_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}

fn employees_killed(
    world: &World,
    answered: bool,
    condition: impl Fn(&Entry) -> bool + Send + Sync + 'static,
) -> bool {
    let run = ["run", "sync-employees"];
    was_killed(&run_killed(world, &run, answered, condition))
}

fn assert_recovers(world: &World, people: u64, when: &str) {
    let (run, code) = world.run(&[]);
    assert_eq!(code, 0, "{when}: {run:#}");
    world.assert_in_step();
    for id in world.sandbox.people().ids() {
        let wanted = world
            .sandbox
            .people()
            .value(id, "supervisor")
            .filter(|boss| boss.is_object());
        let account = world.account(id).resource;
        let manager = account
            .get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
            .and_then(|enterprise| enterprise.get("manager"));
        assert_eq!(
            wanted.is_some(),
            manager.is_some(),
            "{when}: manager of {id}"
        );
    }
    world.sandbox.journal().clear();
    assert_eq!(world.counts()["unchanged"], people, "{when}");
    assert_eq!(world.writes(), 0, "{when}");
}

#[test]
fn at_every_page_boundary() {
    for page in 1..=3 {
        for answered in [false, true] {
            let world = World::start(Sandbox::builder().people(210).limits(None));
            let at_page = move |e: &Entry| {
                e.system == System::Personio && e.kind == Kind::Page && e.nth == page
            };
            assert!(
                employees_killed(&world, answered, at_page),
                "page {page} was never read"
            );
            assert_recovers(&world, 210, &format!("page {page}, answered: {answered}"));
        }
    }
}

#[test]
fn at_random_writes_with_and_without_the_answer() {
    for (round, nth) in [1_u64, 3, 17, 58, 99, 100, 101, 142]
        .into_iter()
        .enumerate()
    {
        let world = World::start(Sandbox::builder().people(120).seed(nth).limits(None));
        let answered = round % 2 == 0;
        let at_write =
            move |e: &Entry| e.system == System::Scim && e.kind == Kind::Write && e.nth == nth;
        assert!(
            employees_killed(&world, answered, at_write),
            "write {nth} never came"
        );
        assert_recovers(&world, 120, &format!("write {nth}, answered: {answered}"));
    }
}

#[test]
fn again_and_again_in_one_cycle() {
    let world = World::start(Sandbox::builder().people(210).limits(None));
    let mut kills = 0;
    for round in 0..12_u64 {
        let from = world.sandbox.journal().last_number();
        let after = 7 + (round * 13) % 41;
        let at = move |e: &Entry| e.number >= from + after && e.kind == Kind::Write;
        kills += u32::from(employees_killed(&world, round % 3 == 0, at));
    }
    assert!(kills >= 6, "{kills} of 12 were killed");
    assert_recovers(&world, 210, "after twelve rounds");
}
