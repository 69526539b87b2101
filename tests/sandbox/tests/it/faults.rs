//! Faults on demand, and hooks at exact requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use matricula_sandbox::{Effect, Fault, FaultKind, Kind, Sandbox, System, Verdict};
use serde_json::{Value, json};

use crate::http::{Reply, get, personio_token, scim, send};

fn start() -> Sandbox {
    Sandbox::builder()
        .people(30)
        .limits(None)
        .start_blocking()
        .expect("a sandbox")
}

fn page(sandbox: &Sandbox, token: &str, offset: usize) -> Result<Reply, String> {
    let url = format!(
        "{}/v1/company/employees?limit=10&offset={offset}",
        sandbox.personio_url()
    );
    send(
        "GET",
        &url,
        &[("authorization", &format!("Bearer {token}"))],
        b"",
    )
}

fn ids(reply: &Reply) -> Vec<u64> {
    let answer = reply.json();
    let data = answer["data"].as_array().unwrap().clone();
    data.iter()
        .map(|e| e["attributes"]["id"]["value"].as_u64().unwrap())
        .collect()
}

fn user(n: u32) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
           "userName": format!("p{n}@example.com"), "externalId": n.to_string()})
}

fn try_create(sandbox: &Sandbox, n: u32) -> Result<Reply, String> {
    let url = format!("{}/Users", sandbox.scim_url());
    let headers = [
        ("authorization", "Bearer sandbox-scim-token"),
        ("content-type", "application/scim+json"),
    ];
    send("POST", &url, &headers, user(n).to_string().as_bytes())
}

#[test]
fn answers_that_are_not_answers() {
    let sandbox = start();
    let token = personio_token(&sandbox);
    let one = |kind: FaultKind| {
        let id = sandbox
            .faults()
            .add(Fault::new(kind).system(System::Personio).times(1));
        let reply = page(&sandbox, &token, 0).expect("an answer");
        assert_eq!(sandbox.faults().fired(id), 1);
        reply
    };
    let limited = one(FaultKind::TooManyRequests(None));
    assert_eq!((limited.status, limited.header("retry-after")), (429, None));
    let limited = one(FaultKind::TooManyRequests(Some(7)));
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
    let broken = one(FaultKind::Status(500));
    assert_eq!(
        (broken.status, broken.json()["success"].clone()),
        (500, json!(false))
    );
    let html = one(FaultKind::HtmlError);
    assert_eq!(
        (html.status, html.header("content-type")),
        (502, Some("text/html"))
    );
    assert!(html.body.starts_with(b"<html>"));
    let empty = one(FaultKind::EmptyBody);
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let refused = one(FaultKind::SuccessFalse);
    assert_eq!(
        (refused.status, refused.json()["success"].clone()),
        (200, json!(false))
    );
    let redirect = one(FaultKind::Redirect("https://elsewhere.example.org/".into()));
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (307, Some("https://elsewhere.example.org/"))
    );
    let huge = one(FaultKind::HugeBody(3_000_000));
    assert_eq!(
        (huge.body.len(), huge.header("content-length")),
        (3_000_000, None)
    );
    let garbage = one(FaultKind::Garbage);
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    assert_eq!(
        page(&sandbox, &token, 0).unwrap().json()["success"],
        true,
        "each came once"
    );
    let names: Vec<_> = sandbox
        .journal()
        .entries()
        .iter()
        .filter_map(|e| e.fault)
        .collect();
    assert_eq!(names.len(), 9);
    assert_eq!(names[0], "too-many-requests");
}

#[test]
fn connections_that_break() {
    let sandbox = start();
    let token = personio_token(&sandbox);
    let whole = page(&sandbox, &token, 0).unwrap();
    let faults = sandbox.faults();

    faults.add(Fault::new(FaultKind::ResetMidBody).times(1));
    let reset = page(&sandbox, &token, 0).unwrap();
    assert_eq!(
        (reset.status, reset.end.clone()),
        (200, Err("ConnectionReset".into()))
    );
    assert_eq!(reset.body, whole.body[..whole.body.len() / 2]);
    faults.add(Fault::new(FaultKind::TruncatedBody).times(1));
    let cut = page(&sandbox, &token, 0).unwrap();
    assert_eq!(
        (cut.status, cut.end.clone()),
        (200, Err("truncated".into()))
    );
    assert_eq!(cut.header("content-length"), whole.header("content-length"));

    faults.add(
        Fault::new(FaultKind::Disconnect)
            .system(System::Scim)
            .times(1),
    );
    assert!(try_create(&sandbox, 1).is_err());
    assert!(sandbox.accounts().is_empty(), "it was not handled");
    faults.add(
        Fault::new(FaultKind::LostAnswer)
            .system(System::Scim)
            .method("post")
            .nth(2),
    );
    assert_eq!(try_create(&sandbox, 1).unwrap().status, 201);
    assert!(try_create(&sandbox, 2).is_err());
    assert_eq!(sandbox.accounts().len(), 2, "it was handled");
    let lost = sandbox.journal().entries().pop().unwrap();
    assert_eq!(
        (lost.status, lost.effect, lost.fault),
        (None, Some(Effect::Created), Some("lost-answer"))
    );

    faults.add(
        Fault::new(FaultKind::HtmlError)
            .system(System::Scim)
            .handled()
            .times(1),
    );
    assert_eq!(try_create(&sandbox, 3).unwrap().status, 502);
    assert!(
        sandbox.accounts().by_external_id("3").is_some(),
        "the gateway gave up too early"
    );
    assert_eq!(sandbox.journal().creates(), 3);
}

#[test]
fn pages_that_do_not_add_up() {
    let sandbox = start();
    let all = sandbox.people().ids();
    let token = personio_token(&sandbox);
    let one = |kind: FaultKind| {
        sandbox
            .faults()
            .add(Fault::new(kind).path("/company/employees").times(1));
        page(&sandbox, &token, 10).unwrap()
    };
    let short = one(FaultKind::ShortPage(4));
    assert_eq!(ids(&short), all[10..16]);
    assert_eq!(short.json()["metadata"]["total_elements"], 30);
    assert_eq!(ids(&one(FaultKind::DuplicateRecord)), all[9..20]);
    assert_eq!(ids(&one(FaultKind::ShiftedPage(1))), all[9..19]);
    let wrong = one(FaultKind::WrongTotal(-5));
    assert_eq!(
        (
            ids(&wrong).len(),
            wrong.json()["metadata"]["total_elements"].clone()
        ),
        (10, json!(25))
    );

    for n in 0..3 {
        try_create(&sandbox, n).unwrap();
    }
    sandbox
        .faults()
        .add(Fault::new(FaultKind::ShortPage(1)).system(System::Scim));
    let users = scim(&sandbox, "GET", "/Users", &Value::Null).json();
    assert_eq!(
        (users["totalResults"].clone(), users["itemsPerPage"].clone()),
        (json!(3), json!(2))
    );
}

#[test]
fn a_slow_answer_is_slow() {
    let sandbox = start();
    let token = personio_token(&sandbox);
    sandbox
        .faults()
        .add(Fault::new(FaultKind::Slow(120)).times(1));
    let begin = std::time::Instant::now();
    assert_eq!(page(&sandbox, &token, 0).unwrap().status, 200);
    assert!(begin.elapsed().as_millis() >= 120);
}

#[test]
fn a_client_that_gives_up_waiting_has_written_all_the_same() {
    let sandbox = start();
    let (sender, receiver) = std::sync::mpsc::channel();
    sandbox.on_answer(
        |r| r.kind == Kind::Write,
        move |r| {
            let _ = sender.send(r.effect);
        },
    );
    sandbox
        .faults()
        .add(Fault::new(FaultKind::Slow(600_000)).system(System::Scim));
    let host = sandbox.scim_url()["http://".len()..]
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let mut stream = std::net::TcpStream::connect(&host).unwrap();
    let body = user(1).to_string();
    let request = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sandbox-scim-token\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let effect = receiver
        .recv_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    drop(stream);
    assert_eq!(effect, Some(Effect::Created));
    assert!(sandbox.accounts().by_external_id("1").is_some());
}

#[test]
fn faults_choose_their_requests() {
    let statuses = |seed: u64, fault: Fault| -> Vec<u16> {
        let sandbox = Sandbox::builder()
            .people(1)
            .seed(seed)
            .limits(None)
            .fault(fault)
            .start_blocking()
            .unwrap();
        let url = format!("{}/v1/company/employees", sandbox.personio_url());
        (0..40)
            .map(|_| send("GET", &url, &[], b"").unwrap().status)
            .collect()
    };
    let places = |all: &[u16]| -> Vec<usize> {
        all.iter()
            .enumerate()
            .filter(|(_, s)| **s == 500)
            .map(|(i, _)| i + 1)
            .collect()
    };
    let fault = || Fault::new(FaultKind::Status(500));
    assert_eq!(places(&statuses(1, fault().nth(7))), [7]);
    assert_eq!(places(&statuses(1, fault().every(9).times(3))), [9, 18, 27]);
    assert_eq!(places(&statuses(1, fault().method("POST"))), [0; 0]);
    let drawn = statuses(5, fault().probability(0.3));
    assert!((3..25).contains(&places(&drawn).len()), "{drawn:?}");
    assert_eq!(
        drawn,
        statuses(5, fault().probability(0.3)),
        "the seed decides"
    );
}

#[test]
fn faults_can_be_written_in_one_line() {
    let fault: Fault = "slow=250,system=scim,method=PATCH,path=/Users,every=3,times=2"
        .parse()
        .unwrap();
    let expected = Fault::new(FaultKind::Slow(250))
        .system(System::Scim)
        .method("PATCH")
        .path("/Users")
        .every(3)
        .times(2);
    assert_eq!(fault, expected);
    let json = serde_json::to_value(&fault).unwrap();
    assert_eq!(json["kind"], json!({"slow": 250}));
    assert_eq!(serde_json::from_value::<Fault>(json).unwrap(), expected);
    let tough: Fault = "too-many-requests,probability=0.1,handled".parse().unwrap();
    assert_eq!(
        tough,
        Fault::new(FaultKind::TooManyRequests(None))
            .probability(0.1)
            .handled()
    );
    for bad in [
        "",
        "slow",
        "slow=x",
        "status=42",
        "html-error,nth",
        "html-error,colour=red",
        "x,system=crm",
    ] {
        assert!(bad.parse::<Fault>().is_err(), "{bad}");
    }
}

#[test]
fn hooks_meet_the_exact_request() {
    let sandbox = start();
    let token = personio_token(&sandbox);
    let seen = Arc::new(AtomicU64::new(0));
    let (people, note) = (sandbox.people(), Arc::clone(&seen));
    let first = people.ids()[0];
    sandbox.on_request(
        |r| r.system == System::Personio && r.kind == Kind::Page && r.nth == 2,
        move |r| {
            note.store(r.number, Ordering::Relaxed);
            people.remove(first);
        },
    );
    assert_eq!(
        page(&sandbox, &token, 0).unwrap().json()["metadata"]["total_elements"],
        30
    );
    assert_eq!(
        page(&sandbox, &token, 10).unwrap().json()["metadata"]["total_elements"],
        29
    );
    assert_eq!(
        seen.load(Ordering::Relaxed),
        3,
        "the token, a page, this page"
    );
    page(&sandbox, &token, 20).unwrap();
    assert_eq!(sandbox.people().len(), 29, "it ran once");

    sandbox.on_request(|r| r.kind == Kind::Write && r.nth == 2, |_| Verdict::Drop);
    sandbox.on_answer(|r| r.kind == Kind::Write && r.nth == 3, |_| Verdict::Drop);
    assert_eq!(try_create(&sandbox, 1).unwrap().status, 201);
    assert!(try_create(&sandbox, 2).is_err());
    assert!(
        sandbox.accounts().by_external_id("2").is_none(),
        "dropped before it was handled"
    );
    assert!(try_create(&sandbox, 3).is_err());
    assert!(
        sandbox.accounts().by_external_id("3").is_some(),
        "dropped after it was handled"
    );
    let statuses: Vec<_> = sandbox
        .journal()
        .entries()
        .iter()
        .filter(|e| e.kind == Kind::Write)
        .map(|e| (e.status, e.effect))
        .collect();
    let created = Some(Effect::Created);
    assert_eq!(
        statuses,
        [(Some(201), created), (None, None), (None, created)]
    );
    sandbox.clear_hooks();
    assert_eq!(try_create(&sandbox, 2).unwrap().status, 201);
}

#[test]
fn a_sandbox_ends_when_dropped() {
    let sandbox = start();
    let url = format!("{}/v1/company/employees", sandbox.personio_url());
    assert_eq!(get(&url, "wrong").status, 403);
    drop(sandbox);
    // Its listener goes with its runtime, which ends in the background.
    for _ in 0..2000 {
        if send("GET", &url, &[], b"").is_err() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("the port is still open");
}

#[tokio::test]
async fn a_sandbox_starts_and_ends_on_an_async_runtime() {
    let sandbox = Sandbox::builder()
        .people(2)
        .start()
        .await
        .expect("a sandbox");
    // Blocks the runtime's only thread: the servers have their own.
    assert_eq!(
        get(&format!("{}/me", sandbox.reteach_url()), "wrong").status,
        401
    );
}
