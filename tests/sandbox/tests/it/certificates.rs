//! Certificates in the academy.

use std::collections::{BTreeMap, BTreeSet};

use matricula_sandbox::{Certificate, Fault, FaultKind, Holder, Issue, Sandbox, System, Trouble};
use serde_json::{Value, json};

use crate::http::{Reply, get};
use crate::rest::token;

const NOW: &str = "2026-11-22T08:00:00Z";

fn start(certificates: usize, people: usize) -> Sandbox {
    Sandbox::builder()
        .people(people)
        .certificates(certificates)
        .now(NOW.parse().unwrap())
        .start_blocking()
        .unwrap()
}

/// Gives employees accounts, as the employee flow does.
fn accounts(sandbox: &Sandbox, employees: &[u64]) {
    for id in employees {
        let user = json!({"userName": format!("p{id}@example.com"), "externalId": id.to_string()});
        sandbox.accounts().insert(user).unwrap();
    }
}

fn access(sandbox: &Sandbox) -> String {
    token(sandbox)["access_token"].as_str().unwrap().to_owned()
}

fn ask(sandbox: &Sandbox, path: &str) -> Reply {
    get(
        &format!("{}{path}", sandbox.reteach_url()),
        &access(sandbox),
    )
}

fn ids(page: &Value) -> BTreeSet<String> {
    let results = page["results"].as_array().unwrap().iter();
    results
        .map(|p| p["certificate"]["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The file behind a certificate, by the address that the API gives for it.
fn file(sandbox: &Sandbox, certificate: &Certificate) -> Reply {
    ask(sandbox, &format!("/certificates/{}/file", certificate.id))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[test]
fn certificates_appear_with_the_accounts_of_their_employees() {
    let sandbox = start(10, 4);
    let people = sandbox.people().ids();
    assert_eq!(ask(&sandbox, "/participation").json()["resultCount"], 0);
    accounts(&sandbox, &people[..2]);
    let page = ask(&sandbox, "/participation?hasCertificate=true&limit=100").json();
    assert_eq!(page["resultCount"], 6);
    let all = sandbox.certificates().list(false);
    let of: Vec<Option<String>> = (0..10).map(|i| Some(people[i % 4].to_string())).collect();
    let employees: Vec<Option<String>> = all.iter().map(|c| c.employee.clone()).collect();
    assert_eq!(employees, of);
    let shown: BTreeSet<String> = all
        .iter()
        .filter(|c| c.account.is_some())
        .map(|c| c.id.clone())
        .collect();
    assert_eq!(ids(&page), shown);

    let first = &page["results"][0];
    let account = sandbox
        .accounts()
        .by_external_id(&people[0].to_string())
        .unwrap();
    assert_eq!(first["customer"]["id"], account.id.as_str());
    assert_eq!(first["customer"]["externalId"], people[0].to_string());
    assert_eq!(
        (first["status"].as_str(), first["progress"].as_u64()),
        (Some("completed"), Some(100))
    );
    let one = &all[0];
    assert_eq!(first["completedAt"], one.completed_at.to_string());
    assert_eq!(
        first["completedAt"].as_str().unwrap()[..10],
        one.completed_on.to_string()
    );
    assert_eq!(first["course"]["name"], one.course.as_str());
    assert_eq!(
        first["certificate"]["url"],
        format!("https://api.reteach.io/certificates/{}/file", one.id)
    );
    assert_eq!(first["certificate"]["number"], one.number.as_str());
    let again = ask(
        &sandbox,
        &format!("/participation/{}", first["id"].as_str().unwrap()),
    );
    assert_eq!(&again.json(), first);

    // Who loses the account takes the certificates along.
    sandbox.accounts().remove(&account.id);
    assert_eq!(
        ask(&sandbox, "/participation?hasCertificate=true").json()["resultCount"],
        3
    );
    let gone = ask(
        &sandbox,
        &format!("/participation/{}", first["id"].as_str().unwrap()),
    );
    assert_eq!(gone.status, 404);
}

#[test]
fn the_same_seed_issues_the_same_certificates() {
    let list = |seed: u64| {
        let sandbox = Sandbox::builder()
            .people(3)
            .certificates(6)
            .certificate_seed(seed)
            .now(NOW.parse().unwrap());
        sandbox.start_blocking().unwrap().certificates().list(true)
    };
    assert_eq!(list(4), list(4));
    let (one, other) = (list(4), list(5));
    assert!(
        one.iter()
            .zip(&other)
            .all(|(a, b)| a.id != b.id && a.sha256 != b.sha256)
    );
}

#[test]
fn participations_are_filtered_and_paged() {
    let sandbox = start(80, 8);
    let people = sandbox.people().ids();
    accounts(&sandbox, &people);
    let count = |query: &str| {
        let reply = ask(&sandbox, &format!("/participation?{query}"));
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        reply.json()["resultCount"].as_u64().unwrap()
    };
    assert_eq!(count(""), 100);
    assert_eq!(
        (count("hasCertificate=true"), count("hasCertificate=false")),
        (80, 20)
    );
    assert_eq!(
        (count("status=started"), count("status=completed,started")),
        (10, 100)
    );
    let all = sandbox.certificates().list(false);
    let since = all[11].completed_at;
    let later = all.iter().filter(|c| c.completed_at > since).count() as u64;
    assert!(later > 0 && later < 79);
    assert_eq!(
        count(&format!("hasCertificate=true&completedAtSince={since}")),
        later
    );
    let day = all[11].completed_on;
    let of_day = day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let later = all.iter().filter(|c| c.completed_at > of_day).count() as u64;
    assert_eq!(
        count(&format!("hasCertificate=true&completedAtSince={day}")),
        later
    );
    let account = all[3].account.clone().unwrap();
    for identifier in [
        account,
        people[3].to_string(),
        format!("P{}%40example.com", people[3]),
    ] {
        assert_eq!(
            count(&format!(
                "hasCertificate=true&customerIdentifier={identifier}"
            )),
            10
        );
    }
    assert_eq!(count("customerIdentifier=nobody"), 0);
    assert_eq!(count(&format!("customerCertificateId={}", all[5].id)), 1);

    let mut seen = BTreeMap::new();
    for page in 1..=4 {
        let path = format!("/participation?hasCertificate=true&limit=25&page={page}");
        for id in ids(&ask(&sandbox, &path).json()) {
            assert_eq!(seen.insert(id, page), None);
        }
    }
    assert_eq!(seen.len(), 80);
    let plain = ask(&sandbox, "/certificates?limit=100").json();
    assert_eq!(
        (
            plain["resultCount"].as_u64(),
            plain["results"][2]["id"].as_str()
        ),
        (Some(80), Some(all[2].id.as_str()))
    );
    for wrong in [
        "limit=101",
        "page=0",
        "hasCertificate=yes",
        "completedAtSince=yesterday",
    ] {
        assert_eq!(
            ask(&sandbox, &format!("/participation?{wrong}")).status,
            400,
            "{wrong}"
        );
    }
    let url = format!("{}/participation", sandbox.reteach_url());
    assert_eq!(get(&url, "wrong").status, 401);

    let fault = Fault::new(FaultKind::ShiftedPage(2)).path("/participation");
    sandbox.faults().add(fault);
    let page = ask(
        &sandbox,
        "/participation?hasCertificate=true&limit=10&page=2",
    )
    .json();
    assert_eq!(page["results"][0]["certificate"]["id"], all[8].id.as_str());
}

#[test]
fn files_are_pdfs_of_the_asked_size_and_known_by_hash() {
    let sandbox = Sandbox::builder()
        .people(2)
        .certificates(4)
        .certificate_bytes(300_000)
        .public_reteach_url("https://academy.example.com")
        .start_blocking()
        .unwrap();
    accounts(&sandbox, &sandbox.people().ids());
    let mut hashes = BTreeSet::new();
    for one in sandbox.certificates().list(true) {
        let reply = file(&sandbox, &one);
        assert_eq!((reply.status, reply.end.clone()), (200, Ok(())));
        assert_eq!(reply.header("content-type"), Some("application/pdf"));
        assert_eq!(reply.header("content-length"), Some("300000"));
        let disposition = reply.header("content-disposition").unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"certificate-RT-"),
            "{disposition}"
        );
        assert!(reply.body.starts_with(b"%PDF-"));
        assert_eq!(one.size, Some(300_000));
        assert_eq!(one.sha256, Some(sha256(&reply.body)));
        hashes.insert(one.sha256);
    }
    assert_eq!(hashes.len(), 4);
    let all = sandbox.certificates().list(false);
    assert!(all.iter().all(|c| c.sha256.is_none()));
    let url = format!("{}/certificates/{}/file", sandbox.reteach_url(), all[0].id);
    assert_eq!(get(&url, "wrong").status, 401);
    let page = ask(&sandbox, "/participation?hasCertificate=true").json();
    let url = page["results"][0]["certificate"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://academy.example.com/certificates/"));

    for (kind, end) in [
        (FaultKind::TruncatedBody, "truncated"),
        (FaultKind::ResetMidBody, "ConnectionReset"),
    ] {
        sandbox
            .faults()
            .add(Fault::new(kind).path("/file").times(1));
        let reply = file(&sandbox, &all[0]);
        assert_eq!(reply.header("content-length"), Some("300000"));
        assert_eq!(
            (reply.body.len(), reply.end),
            (150_000, Err(end.to_owned()))
        );
    }
    sandbox
        .faults()
        .add(Fault::new(FaultKind::Status(500)).path("/file").times(1));
    assert_eq!(file(&sandbox, &all[0]).status, 500);
    assert_eq!(sandbox.journal().stats().pages.of(System::Reteach), 1);
}

#[test]
fn troubles_are_what_they_are_called() {
    let kinds = [
        Trouble::NoPdf,
        Trouble::Empty,
        Trouble::Large,
        Trouble::Gone,
        Trouble::Revoked,
        Trouble::Expired,
        Trouble::Replaced,
    ];
    let mut builder = Sandbox::builder()
        .people(2)
        .certificates(12)
        .certificates_for_nobody(2)
        .now(NOW.parse().unwrap());
    for (ordinal, kind) in (1..).zip(kinds) {
        builder = builder.certificate_trouble(kind, ordinal);
    }
    let sandbox = builder.start_blocking().unwrap();
    assert_eq!(sandbox.accounts().len(), 2, "those for nobody");
    accounts(&sandbox, &sandbox.people().ids());
    let all = sandbox.certificates().list(true);
    assert_eq!(all.len(), 14);
    let troubles: Vec<Option<Trouble>> = all.iter().map(|c| c.trouble).collect();
    assert_eq!(troubles[..7], kinds.map(Some));
    assert!(troubles[7..].iter().all(Option::is_none));
    let body = |ordinal: usize| file(&sandbox, &all[ordinal - 1]);
    let page = body(1);
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("application/pdf"))
    );
    assert!(page.body.starts_with(b"<!DOCTYPE html>"));
    assert_eq!(all[0].sha256, Some(sha256(&page.body)));
    let empty = body(2);
    assert_eq!(
        (empty.status, empty.body.len(), all[1].size),
        (200, 0, Some(0))
    );
    assert_eq!(empty.header("content-length"), Some("0"));
    let large = body(3);
    assert_eq!((large.body.len(), all[2].size), (32 << 20, Some(32 << 20)));
    assert_eq!(all[2].sha256, Some(sha256(&large.body)));
    assert_eq!(body(4).status, 404);
    assert_eq!((all[3].size, &all[3].sha256), (None, &None));
    for ordinal in [5, 6, 7, 8] {
        assert!(body(ordinal).body.starts_with(b"%PDF-"), "{ordinal}");
    }
    let now = NOW.parse().unwrap();
    assert_eq!(all[4].revoked_at, Some(now));
    assert!(all[5].expires_at.unwrap() < now);
    assert_eq!(
        all[6].replaced_by.as_ref(),
        Some(&all[8].id),
        "the next of the same person"
    );
    assert!(
        all.iter()
            .filter(|c| c.ordinal != 6)
            .all(|c| c.expires_at.is_none_or(|at| at > now))
    );

    let page = ask(&sandbox, "/participation?hasCertificate=true&limit=100").json();
    assert_eq!(page["resultCount"], 14);
    let shown = |n: usize| {
        page["results"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["certificate"]["id"] == all[n - 1].id.as_str())
            .unwrap()
            .clone()
    };
    assert_eq!(shown(5)["certificate"]["revokedAt"], NOW);
    assert_eq!(shown(7)["certificate"]["replacedBy"], all[8].id.as_str());
    assert_eq!(shown(8)["certificate"]["revokedAt"], Value::Null);
    assert_eq!(shown(13)["customer"]["externalId"], Value::Null);
    assert_eq!(shown(13)["customer"]["email"], "guest-1@example.org");

    let wrong = Sandbox::builder().people(1).certificates(2);
    let wrong = wrong.certificate_trouble(Trouble::Gone, 3).start_blocking();
    assert!(
        wrong
            .err()
            .unwrap()
            .to_string()
            .contains("no certificate 3")
    );
}

#[test]
fn certificates_change_at_run_time() {
    let sandbox = start(3, 3);
    let people = sandbox.people().ids();
    accounts(&sandbox, &people);
    let certificates = sandbox.certificates();
    sandbox.clock().set("2026-11-23T08:00:00Z".parse().unwrap());
    let long = "Ä".repeat(300);
    let id = certificates.issue(&Issue {
        course: Some(long.clone()),
        bytes: Some(5_000),
        ..Issue::to(Holder::Employee(people[1].to_string()))
    });
    let since = "/participation?hasCertificate=true&completedAtSince=2026-11-23T07:59:59Z";
    let page = ask(&sandbox, since).json();
    assert_eq!(
        (page["resultCount"].as_u64(), ids(&page)),
        (Some(1), BTreeSet::from([id.clone()]))
    );
    assert_eq!(page["results"][0]["course"]["name"], long);
    let new = certificates.list(true).pop().unwrap();
    assert_eq!((new.ordinal, new.size, &new.id), (4, Some(5_000), &id));
    assert_eq!(new.sha256, Some(sha256(&file(&sandbox, &new).body)));

    sandbox.clock().set("2026-11-24T08:00:00Z".parse().unwrap());
    assert!(certificates.revoke(&id));
    assert!(!certificates.revoke("none"));
    let entry = &ask(&sandbox, since).json()["results"][0];
    assert_eq!(entry["certificate"]["revokedAt"], "2026-11-24T08:00:00Z");
    assert_eq!(entry["updatedAt"], "2026-11-24T08:00:00Z");
    assert_eq!(entry["completedAt"], "2026-11-23T08:00:00Z");

    assert!(certificates.set_trouble(&id, Some(Trouble::Gone)));
    let gone = certificates.list(true).pop().unwrap();
    assert_eq!((file(&sandbox, &gone).status, gone.revoked_at), (404, None));
    assert!(certificates.set_trouble(&id, None));
    assert_eq!(certificates.list(true).pop().unwrap().sha256, new.sha256);

    assert!(certificates.set_trouble(&id, Some(Trouble::Replaced)));
    let all = certificates.list(false);
    assert_eq!(
        (all.len(), all[3].replaced_by.as_ref()),
        (5, Some(&all[4].id))
    );
    assert_eq!(
        (&all[4].course, &all[4].employee),
        (&all[3].course, &all[3].employee)
    );
}
