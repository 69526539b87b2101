//! Documents in Personio: uploads through v1, lists through v2.

use jiff::SignedDuration;
use matricula_sandbox::{
    Effect, Fault, FaultKind, Kind, Language, Limits, Sandbox, System, Verdict,
};
use serde_json::{Value, json};

use crate::http::{Form, Reply, get, personio_token, personio_token_v2};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn start() -> Sandbox {
    Sandbox::builder()
        .people(5)
        .limits(None)
        .now("2026-11-22T08:00:00Z".parse().unwrap())
        .start_blocking()
        .unwrap()
}

/// A form that is right, and a token to send it with.
fn ready(sandbox: &Sandbox) -> (Form<'static>, String) {
    let employee = sandbox.people().ids()[2];
    let category = sandbox.documents().categories()[2].id;
    (
        Form::new(employee, category, b"abc"),
        personio_token(sandbox),
    )
}

fn v2(sandbox: &Sandbox, query: &str) -> Reply {
    let token = personio_token_v2(sandbox, "");
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    let url = format!(
        "{}/v2/document-management/documents{query}",
        sandbox.personio_url()
    );
    get(&url, &token)
}

#[test]
fn an_upload_is_stored_and_answered() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    let reply = form.send(&sandbox, &token).unwrap();
    assert_eq!(reply.status, 201, "{reply:?}");
    let answer = reply.json();
    let stored = sandbox.documents().list();
    let one = &stored[0];
    assert_eq!(
        answer,
        json!({"success": true, "data": {"id": one.id, "type": "Document", "attributes": {
            "title": "Fire safety", "date": "2026-03-04", "comment": "Fire safety, 2026-03-04",
            "employee": {"type": "Employee", "attributes": {"id": {"label": "ID",
                "value": one.employee, "type": "integer", "universal_id": "id"}}},
            "category": {"id": one.category, "type": "DocumentCategory",
                "attributes": {"name": "Learning certificates"}}}}})
    );
    assert_eq!((stored.len(), one.size, one.sha256.as_str()), (1, 3, ABC));
    assert_eq!(one.filename, "Fire safety.pdf");
    assert_eq!(one.media_type.as_deref(), Some("application/pdf"));
    assert_eq!(sandbox.journal().stats().stored, 1);
    assert_eq!(sandbox.journal().creates(), 0, "no account came into being");

    // The same again is another document, with or without what is optional.
    let bare = form.without("comment").without("date");
    assert_eq!(bare.send(&sandbox, &token).unwrap().status, 201);
    let second = &sandbox.documents().list()[1];
    assert_eq!((second.date, &second.comment), (None, &None));
    assert_ne!(second.id, one.id);
}

#[test]
fn what_is_invalid_is_refused_field_by_field() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    let refused = |form: &Form<'_>, field: &str, part: &str| {
        let reply = form.send(&sandbox, &token).unwrap();
        assert_eq!(reply.status, 422, "{reply:?}");
        let error = reply.json()["error"].clone();
        assert_eq!(error["message"], "The given data was invalid.");
        let data = error["error_data"].as_object().unwrap().clone();
        assert_eq!(data.keys().collect::<Vec<_>>(), [field]);
        let complaint = data[field][0].as_str().unwrap().to_owned();
        assert!(complaint.contains(part), "{complaint}");
    };
    refused(&form.clone().without("title"), "title", "title");
    refused(&form.clone().with("title", "ü".repeat(256)), "title", "255");
    refused(
        &form.clone().with("employee_id", "x"),
        "employee_id",
        "integer",
    );
    refused(
        &form.clone().without("category_id"),
        "category_id",
        "Bitte geben Sie category id ein, um fortzufahren.",
    );
    refused(&form.clone().with("date", "04.03.2026"), "date", "Y-m-d");
    refused(
        &form.clone().file("a.exe", b"abc"),
        "file",
        "of type: pdf, docx",
    );
    refused(&form.clone().file("pdf", b"abc"), "file", "of type");
    refused(&form.clone().file("a.pdf", b""), "file", "of type");
    let most = vec![7; 30 << 20];
    let mut more = most.clone();
    more.push(7);
    refused(&form.clone().file("a.pdf", &more), "file", "30720");
    let mut none = form.clone();
    none.file = None;
    refused(&none, "file", "file");
    assert!(sandbox.documents().is_empty());

    for fine in [
        form.clone().with("title", "ü".repeat(255)),
        form.clone().file("A.PDF", b"abc"),
        form.clone().file("a.pdf", &most),
    ] {
        assert_eq!(fine.send(&sandbox, &token).unwrap().status, 201);
    }
    assert_eq!(sandbox.documents().list()[2].size, 30 << 20);
}

#[test]
fn what_is_unknown_is_not_found_and_what_is_no_form_has_no_fields() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    let unknown = form
        .clone()
        .with("employee_id", "1")
        .send(&sandbox, &token)
        .unwrap();
    assert_eq!(
        (unknown.status, unknown.json()),
        (
            404,
            json!({"success": false, "error":
                {"message": "No query results for model [Employee] 1", "code": 0}})
        )
    );
    let category = sandbox.documents().categories()[2].id;
    assert!(sandbox.documents().remove_category(category));
    let unknown = form.send(&sandbox, &token).unwrap();
    let message = unknown.json()["error"]["message"].clone();
    assert_eq!(unknown.status, 404);
    assert_eq!(
        message,
        format!("No query results for model [DocumentCategory] {category}")
    );

    let url = format!("{}/v1/company/documents", sandbox.personio_url());
    let bearer = format!("Bearer {token}");
    for kind in ["multipart/form-data", "application/x-www-form-urlencoded"] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = crate::http::send("POST", &url, &headers, &form.body()).unwrap();
        assert_eq!(reply.status, 422, "{kind}");
        assert_eq!(
            reply.json()["error"]["error_data"]
                .as_object()
                .unwrap()
                .len(),
            4
        );
    }
    assert_eq!(get(&url, &token).status, 405);
    assert_eq!(form.send(&sandbox, "wrong").unwrap().status, 403);
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_request_that_no_gateway_lets_through() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    // The answer comes while the client still sends, so it may be lost with the connection.
    let huge = form.file("a.pdf", &vec![7; 70 << 20]);
    match huge.send(&sandbox, &token) {
        Ok(reply) => assert_eq!(reply.status, 413),
        Err(broken) => assert!(!broken.is_empty()),
    }
    let entry = sandbox.journal().entries().pop().unwrap();
    assert_eq!(entry.status, Some(413));
    assert!(sandbox.documents().is_empty());
}

#[test]
fn categories_are_named_in_the_language_of_the_account_or_as_given() {
    let names = |sandbox: Sandbox| {
        let url = format!("{}/v1/company/document-categories", sandbox.personio_url());
        let list = get(&url, &personio_token(&sandbox)).json();
        let data = list["data"].as_array().unwrap().clone();
        assert!(
            data.iter()
                .all(|c| c["type"] == "DocumentCategory" && c["id"].is_u64())
        );
        data.iter()
            .map(|c| c["attributes"]["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let builder = || Sandbox::builder().people(0);
    assert_eq!(
        names(builder().start_blocking().unwrap()),
        [
            "Other documents",
            "Certificates of employment",
            "Learning certificates"
        ]
    );
    let german = builder()
        .language(Language::German)
        .start_blocking()
        .unwrap();
    assert_eq!(
        names(german),
        [
            "Sonstige Dokumente",
            "Arbeitszeugnisse",
            "Bildungszertifikate"
        ]
    );
    let own = builder()
        .category("One")
        .category("Two")
        .start_blocking()
        .unwrap();
    own.documents().add_category("Three");
    let second = own.documents().categories()[1].id;
    assert!(own.documents().remove_category(second));
    assert!(!own.documents().remove_category(second));
    assert_eq!(names(own), ["One", "Three"]);
}

#[test]
fn uploads_are_limited_to_sixty_a_minute() {
    let sandbox = Sandbox::builder()
        .people(1)
        .limits(Some(Limits {
            uploads_per_minute: 3,
            ..Limits::default()
        }))
        .start_blocking()
        .unwrap();
    let employee = sandbox.people().ids()[0];
    let form = Form::new(employee, sandbox.documents().categories()[0].id, b"abc");
    let token = personio_token(&sandbox);
    let answers: Vec<u16> = (0..4)
        .map(|_| form.send(&sandbox, &token).unwrap().status)
        .collect();
    assert_eq!(answers, [201, 201, 201, 429]);
    assert_eq!(Limits::default().uploads_per_minute, 60);
    let categories = format!("{}/v1/company/document-categories", sandbox.personio_url());
    assert_eq!(get(&categories, &token).status, 200, "only uploads count");
    assert_eq!(sandbox.documents().len(), 3);
}

#[test]
fn v2_lists_the_documents_of_an_owner_page_by_page() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    for n in 0..7 {
        let form = form.clone().with("title", format!("Title {n}"));
        assert_eq!(form.send(&sandbox, &token).unwrap().status, 201);
        sandbox.clock().advance(SignedDuration::from_hours(1));
    }
    let category = sandbox.documents().categories()[0].id;
    let other = form.clone().with("category_id", category.to_string());
    other.send(&sandbox, &token).unwrap();
    let owner = sandbox.people().ids()[2];
    let elsewhere = sandbox.people().ids()[1].to_string();
    form.with("employee_id", elsewhere)
        .send(&sandbox, &token)
        .unwrap();

    let mut query = format!("?owner_id={owner}&limit=3");
    let mut titles: Vec<Value> = Vec::new();
    let mut pages = 0;
    loop {
        let reply = v2(&sandbox, &query);
        assert_eq!(reply.status, 200, "{reply:?}");
        let page = reply.json();
        titles.extend(
            page["_data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d["name"].clone()),
        );
        pages += 1;
        let Some(next) = page["_meta"]["links"]["next"]["href"].as_str() else {
            break;
        };
        let path = next
            .strip_prefix("https://api.personio.de/v2/document-management/documents")
            .unwrap();
        assert!(path.contains("&cursor=cur_"), "{path}");
        query = path.to_owned();
    }
    let expected = [
        "Title 0", "Title 1", "Title 2", "Title 3", "Title 4", "Title 5", "Title 6",
    ];
    assert_eq!((pages, &titles[..7]), (3, &expected.map(Value::from)[..]));
    assert_eq!(titles.len(), 8);

    let all = v2(&sandbox, &format!("?owner_id={owner}")).json();
    let first = &all["_data"][0];
    let stored = &sandbox.documents().list()[0];
    assert_eq!(
        first,
        &json!({"id": stored.id.to_string(), "name": "Title 0", "date": "2026-03-04",
            "comment": "Fire safety, 2026-03-04", "category": {"id": stored.category.to_string()},
            "owner": {"id": owner.to_string()}, "document_type": "UPLOADED", "size": 3,
            "created_at": "2026-11-22T08:00:00Z", "virus_scan": {"status": "PASSED"},
            "esignature": {"status": null}})
    );
    let count = |query: &str| {
        let page = v2(&sandbox, &format!("?owner_id={owner}&limit=200{query}"));
        page.json()["_data"].as_array().unwrap().len()
    };
    assert_eq!(count(&format!("&category_id={category}")), 1);
    assert_eq!(count("&created_at.gte=2026-11-22T10:00:00Z"), 6);
    assert_eq!(
        count("&created_at.gte=2026-11-22T10:00:00Z&created_at.lt=2026-11-22T11:00:00Z"),
        1
    );
    let nobody = v2(&sandbox, "?owner_id=1").json();
    assert_eq!(nobody["_data"], json!([]));
    for wrong in [
        "",
        "?limit=20",
        "?owner_id=1&limit=201",
        "?owner_id=1&cursor=x",
        "?owner_id=1&created_at.gte=today",
    ] {
        let reply = v2(&sandbox, wrong);
        assert_eq!(reply.status, 400, "{wrong}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        assert!(reply.json()["errors"][0]["detail"].is_string());
    }
}

#[test]
fn each_version_has_a_token_of_its_own() {
    let sandbox = start();
    let one = personio_token(&sandbox);
    let reply = personio_token_v2(&sandbox, "");
    let answer = reply.json();
    assert_eq!(
        (answer["token_type"].as_str(), reply.status),
        (Some("Bearer"), 200)
    );
    let two = answer["access_token"].as_str().unwrap();
    assert_ne!(one, two);
    let again = personio_token_v2(&sandbox, "").json();
    assert_eq!(again["access_token"], two, "the same for its whole life");
    let v1 = format!("{}/v1/company/document-categories", sandbox.personio_url());
    let v2 = format!(
        "{}/v2/document-management/documents?owner_id=1",
        sandbox.personio_url()
    );
    assert_eq!((get(&v1, &one).status, get(&v1, two).status), (200, 403));
    assert_eq!((get(&v2, &one).status, get(&v2, two).status), (401, 200));
    sandbox.revoke_tokens(System::Personio);
    assert_eq!((get(&v1, &one).status, get(&v2, two).status), (403, 401));
    let tokens = sandbox.journal().stats().tokens.of(System::Personio);
    assert_eq!(tokens, 3, "tokens of both versions are counted");

    let url = format!("{}/v2/auth/token", sandbox.personio_url());
    let json = br#"{"grant_type":"client_credentials","client_id":"sandbox-personio-id"}"#;
    for (kind, body, error) in [
        ("application/json", &json[..], "invalid_request"),
        (
            "application/x-www-form-urlencoded",
            b"grant_type=password",
            "unsupported_grant_type",
        ),
        (
            "application/x-www-form-urlencoded",
            b"grant_type=client_credentials&client_id=a&client_secret=b",
            "invalid_client",
        ),
    ] {
        let reply = crate::http::send("POST", &url, &[("content-type", kind)], body).unwrap();
        assert_eq!(reply.status, 400);
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(reply.json()["error"], error);
    }
}

#[test]
fn without_the_right_to_read_documents() {
    let sandbox = Sandbox::builder()
        .people(1)
        .no_documents_read()
        .start_blocking()
        .unwrap();
    assert_eq!(v2(&sandbox, "?owner_id=1").status, 403);
    let all = personio_token_v2(&sandbox, "").json();
    assert!(!all["scope"].as_str().unwrap().contains("documents:read"));
    let refused = personio_token_v2(&sandbox, "documents%3Aread");
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (400, Some("invalid_scope"))
    );
    sandbox.documents().set_readable(true);
    assert_eq!(v2(&sandbox, "?owner_id=1").status, 200);
    let narrow = personio_token_v2(&sandbox, "documents%3Awrite").json();
    assert_eq!(narrow["scope"], "documents:write");
    let url = format!(
        "{}/v2/document-management/documents?owner_id=1",
        sandbox.personio_url()
    );
    let reply = get(&url, narrow["access_token"].as_str().unwrap());
    assert_eq!(reply.status, 403);
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
}

#[test]
fn faults_hit_uploads_before_or_after_they_are_stored() {
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    let one = |fault: Fault| {
        let before = sandbox.documents().len();
        sandbox
            .faults()
            .add(fault.path("/company/documents").times(1));
        let reply = form.send(&sandbox, &token);
        let entry = sandbox.journal().entries().pop().unwrap();
        let stored = sandbox.documents().len() - before;
        assert_eq!(entry.effect.is_some(), stored == 1);
        assert!(entry.effect.is_none_or(|e| e == Effect::Stored));
        assert_eq!(entry.kind, Kind::Write);
        (reply.ok().map(|r| r.status), stored)
    };
    let of = Fault::new;
    assert_eq!(one(of(FaultKind::LostAnswer)), (None, 1));
    assert_eq!(one(of(FaultKind::Disconnect)), (None, 0));
    assert_eq!(one(of(FaultKind::Disconnect).handled()), (None, 1));
    assert_eq!(one(of(FaultKind::Status(500))), (Some(500), 0));
    assert_eq!(one(of(FaultKind::Status(500)).handled()), (Some(500), 1));
    assert_eq!(one(of(FaultKind::TooManyRequests(None))), (Some(429), 0));
    assert_eq!(one(of(FaultKind::SuccessFalse)), (Some(200), 0));
    assert_eq!(one(of(FaultKind::Slow(5))), (Some(201), 1));
    assert_eq!(one(of(FaultKind::TruncatedBody)), (Some(201), 1));

    sandbox.on_answer(|e| e.kind == Kind::Write, |_| Verdict::Drop);
    let before = sandbox.documents().len();
    assert!(form.send(&sandbox, &token).is_err());
    assert_eq!(sandbox.documents().len(), before + 1);
    sandbox.clear_hooks();

    // While the client sends: the request never arrives.
    let large = form.clone().file("a.pdf", &vec![7; 3 << 20]);
    let (before, entries) = (sandbox.documents().len(), sandbox.journal().last_number());
    let cut = of(FaultKind::CutUpload(1 << 20)).path("/company/documents");
    let cut = sandbox.faults().add(cut.nth(1));
    assert!(large.send(&sandbox, &token).is_err());
    assert_eq!(sandbox.faults().fired(cut), 1);
    assert_eq!(sandbox.documents().len(), before);
    assert_eq!(sandbox.journal().last_number(), entries);
    assert_eq!(large.send(&sandbox, &token).unwrap().status, 201);

    let fault = of(FaultKind::Status(503)).path("/v2/document");
    sandbox.faults().add(fault.times(1));
    let reply = v2(&sandbox, "?owner_id=1");
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(reply.status, 503);
}

#[test]
fn an_upload_that_breaks_off_is_none() {
    use std::io::{Read as _, Write as _};
    let sandbox = start();
    let (form, token) = ready(&sandbox);
    let body = form.body();
    let host = sandbox
        .personio_url()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    for kept in [0, 200, body.len() - 20] {
        let mut stream = std::net::TcpStream::connect(&host).unwrap();
        let head = format!(
            "POST /v1/company/documents HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: multipart/form-data; boundary=frontier\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body[..kept]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // The end without an answer shows that the request was given up.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(String::from_utf8_lossy(&answer), "", "{kept}");
    }
    assert!(sandbox.documents().is_empty());
    assert_eq!(sandbox.journal().writes(System::Personio), 0);
}
