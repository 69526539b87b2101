//! The binary and its admin endpoints.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use matricula_sandbox::{Addresses, System};
use serde_json::{Value, json};

use crate::http::{get, send};

struct Process {
    child: Child,
    at: Addresses,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matricula-sandbox"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Process {
    let mut child = command(arguments).spawn().expect("the binary");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .expect("a line");
    let at = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
    Process { child, at }
}

fn admin(process: &Process, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let url = format!("{}{path}", process.at.admin);
    let reply = send(method, &url, &[], body.as_bytes()).expect("an answer");
    let value = if reply.body.is_empty() {
        Value::Null
    } else {
        reply.json()
    };
    (reply.status, value)
}

#[test]
fn the_process_can_be_driven_from_outside() {
    let process = start(&[
        "--people",
        "12",
        "--no-limits",
        "--fault",
        "status=500,path=/me,times=1",
    ]);
    assert!(process.at.of(System::Scim).ends_with("/scim/v2"));
    let call = |method: &str, path: &str, body: Value| admin(&process, method, path, &body);

    let (_, ids) = call("GET", "/people", Value::Null);
    assert_eq!(ids.as_array().unwrap().len(), 12);
    let id = ids[0].as_u64().unwrap();
    assert_eq!(
        call(
            "PATCH",
            &format!("/people/{id}"),
            json!({"status": "inactive"})
        )
        .0,
        204
    );
    assert_eq!(
        call("GET", &format!("/people/{id}"), Value::Null).1["status"],
        "inactive"
    );
    assert_eq!(call("DELETE", &format!("/people/{id}"), Value::Null).0, 204);
    assert_eq!(call("GET", &format!("/people/{id}"), Value::Null).0, 404);
    assert_eq!(
        call(
            "POST",
            "/people",
            json!({"id": 5, "email": "n@example.com"})
        )
        .1,
        json!({"id": 5})
    );
    assert_eq!(call("POST", "/people", json!({"id": 5})).0, 409);
    assert_eq!(call("POST", "/attributes/email/hide", Value::Null).0, 204);

    assert_eq!(
        get(&format!("{}/me", process.at.of(System::Reteach)), "x").status,
        500
    );
    assert_eq!(
        get(&format!("{}/me", process.at.of(System::Reteach)), "x").status,
        401
    );
    let (_, added) = call(
        "POST",
        "/faults",
        json!({"kind": "html-error", "system": "reteach"}),
    );
    assert_eq!(
        get(&format!("{}/me", process.at.of(System::Reteach)), "x").status,
        502
    );
    let (_, faults) = call("GET", "/faults", Value::Null);
    assert_eq!(
        (faults[1]["id"].clone(), faults[1]["fired"].clone()),
        (added["id"].clone(), json!(1))
    );
    assert_eq!(call("POST", "/faults", json!({"kind": "nonsense"})).0, 400);
    assert_eq!(
        call("DELETE", &format!("/faults/{}", added["id"]), Value::Null).0,
        204
    );

    let (status, account) = call("POST", "/accounts", json!({"userName": "hand@example.com"}));
    assert_eq!(status, 200);
    let path = format!("/accounts/{}", account["id"].as_str().unwrap());
    let block = json!([{"op": "replace", "path": "active", "value": false}]);
    assert_eq!(call("PATCH", &path, block).1["active"], false);
    let (_, stats) = call("GET", "/stats", Value::Null);
    assert_eq!(
        (stats["accounts"].clone(), stats["blocked"].clone()),
        (json!(1), json!(1))
    );
    assert_eq!(
        (
            stats["people"].clone(),
            stats["requests"]["reteach"].clone()
        ),
        (json!(12), json!(3))
    );
    assert_eq!(call("DELETE", &path, Value::Null).0, 204);
    assert_eq!(call("GET", "/accounts", Value::Null).1, json!([]));

    let (_, journal) = call("GET", "/journal?since=2", Value::Null);
    assert_eq!(journal.as_array().unwrap().len(), 1);
    assert_eq!(
        (journal[0]["status"].clone(), journal[0]["fault"].clone()),
        (json!(502), json!("html-error"))
    );
    assert_eq!(call("DELETE", "/journal", Value::Null).0, 204);
    assert_eq!(call("GET", "/journal", Value::Null).1, json!([]));
    assert_eq!(
        call("PUT", "/clock", json!({"now": "2026-03-29T01:00:00Z"})).1["now"],
        "2026-03-29T01:00:00Z"
    );
    assert_eq!(call("PUT", "/clock", json!({"now": "soon"})).0, 400);
    assert_eq!(call("GET", "/nowhere", Value::Null).0, 404);
}

#[test]
fn the_process_ends_with_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ports.json");
    let mut child = command(&["--exit-with-stdin", "--port-file", file.to_str().unwrap()])
        .spawn()
        .expect("the binary");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let at: Addresses = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(at.of(System::Personio).starts_with("http://127.0.0.1:"));
}

#[test]
fn a_capture_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capture.json");
    std::fs::write(&file, "{}").unwrap();
    let output = command(&["--employees", file.to_str().unwrap()])
        .stderr(Stdio::piped())
        .output()
        .expect("the binary");
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("capture.json") && message.contains("no `data`"),
        "{message}"
    );
}

#[test]
fn certificates_and_documents_can_be_driven_from_outside() {
    let process = start(&[
        "--people",
        "3",
        "--no-limits",
        "--certificates",
        "5",
        "--certificate-bytes",
        "2k",
        "--certificate-seed",
        "9",
        "--certificates-for-nobody",
        "1",
        "--certificate-trouble",
        "gone=2",
        "--certificate-trouble",
        "revoked=6",
        "--no-documents-read",
        "--category",
        "Papers",
        "--public-reteach-url",
        "https://api.example.com",
    ]);
    let call = |method: &str, path: &str, body: Value| admin(&process, method, path, &body);
    let (_, all) = call("GET", "/certificates", Value::Null);
    assert_eq!(all.as_array().unwrap().len(), 6);
    assert_eq!(
        (&all[0]["size"], all[0]["sha256"].as_str().unwrap().len()),
        (&json!(2048), 64)
    );
    assert_eq!(
        (&all[1]["trouble"], &all[1]["sha256"]),
        (&json!("gone"), &Value::Null)
    );
    assert_eq!(
        (&all[5]["trouble"], &all[5]["employee"]),
        (&json!("revoked"), &Value::Null)
    );
    assert!(all[5]["account"].is_string() && all[0]["account"].is_null());
    assert_eq!(all[0]["completed_on"].as_str().unwrap().len(), 10);
    let (_, unhashed) = call("GET", "/certificates?hashes=no", Value::Null);
    assert_eq!(unhashed[0]["sha256"], Value::Null);

    let id = all[0]["id"].as_str().unwrap();
    assert_eq!(
        call("POST", &format!("/certificates/{id}/revoke"), Value::Null).0,
        204
    );
    assert_eq!(call("POST", "/certificates/x/revoke", Value::Null).0, 404);
    let (status, _) = call(
        "PUT",
        &format!("/certificates/{id}/trouble"),
        json!({"trouble": null}),
    );
    assert_eq!(status, 204);
    let (status, _) = call(
        "PUT",
        &format!("/certificates/{id}/trouble"),
        json!({"trouble": "x"}),
    );
    assert_eq!(status, 400);
    let employee = all[0]["employee"].as_str().unwrap();
    let new = json!({"employee": employee.parse::<u64>().unwrap(), "course": "Welding", "bytes": 4000,
        "completed_at": "2026-11-20T10:00:00Z", "trouble": "expired"});
    let (status, issued) = call("POST", "/certificates", new);
    assert_eq!(status, 200);
    let (_, all) = call("GET", "/certificates", Value::Null);
    assert_eq!(
        (&all[6]["id"], &all[6]["course"]),
        (&issued["id"], &json!("Welding"))
    );
    assert_eq!(
        (&all[6]["employee"], &all[6]["size"]),
        (&json!(employee), &json!(4000))
    );
    assert_eq!(call("POST", "/certificates", json!({})).0, 400);

    let (_, categories) = call("GET", "/categories", Value::Null);
    assert_eq!(categories[0]["name"], "Papers");
    let (_, added) = call("POST", "/categories", json!({"name": "More"}));
    let added = added["id"].as_u64().unwrap();
    assert_eq!(
        call("DELETE", &format!("/categories/{added}"), Value::Null).0,
        204
    );
    assert_eq!(
        call("DELETE", &format!("/categories/{added}"), Value::Null).0,
        404
    );
    assert_eq!(call("POST", "/documents/show", Value::Null).0, 204);
    assert_eq!(call("GET", "/documents", Value::Null), (200, json!([])));
    assert_eq!(call("DELETE", "/documents/1", Value::Null).0, 404);
    let (_, stats) = call("GET", "/stats", Value::Null);
    assert_eq!(
        (&stats["certificates"], &stats["documents"]),
        (&json!(7), &json!(0))
    );
    assert_eq!(stats["stored"], 0);
    drop(process);
    for wrong in [
        ["--certificate-trouble", "gone"],
        ["--certificate-trouble", "lost=1"],
        ["--certificate-bytes", "20x"],
        ["--certificates", "-1"],
    ] {
        let output = command(&wrong).stderr(Stdio::null()).output().unwrap();
        assert!(!output.status.success(), "{wrong:?}");
    }
}
