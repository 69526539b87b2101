//! Tokens: one request for all, renewed when they end or are turned down.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use matricula_core::clock::SimClock;
use matricula_core::egress::{Egress, SendError};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::*;

const ID: &str = "papi-client-id-0001";
const SECRET: &str = "papi-client-secret-0001";

/// A remote that issues `token-1`, `token-2`, … and takes only the latest.
#[derive(Clone)]
struct Remote {
    server: Server,
    issued: Arc<AtomicUsize>,
    /// What the token service answers instead.
    instead: Arc<Mutex<Option<(u16, String)>>>,
}

impl Remote {
    async fn start(clock: &SimClock) -> Self {
        let issued = Arc::new(AtomicUsize::new(0));
        let instead: Arc<Mutex<Option<(u16, String)>>> = Arc::default();
        let (count, other) = (Arc::clone(&issued), Arc::clone(&instead));
        let server = Server::start(clock, move |seen| {
            let (count, other) = (Arc::clone(&count), Arc::clone(&other));
            async move {
                match seen.target.as_str() {
                    "/auth" => {
                        if let Some((status, body)) = other.lock().unwrap().clone() {
                            return reply(status, body);
                        }
                        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                        let body = json!({"success": true, "data": {
                            "token": format!("token-{number:016}"),
                            "refresh": format!("refresh-{number:016}"),
                            "expires_in": 600,
                        }});
                        reply(200, body.to_string())
                    }
                    "/forbidden" => reply(403, "no right"),
                    _ => {
                        let number = count.load(Ordering::SeqCst);
                        let right = format!("Bearer token-{number:016}");
                        let known = seen.header("authorization") == Some(&right);
                        reply(if known { 200 } else { 401 }, "{}")
                    }
                }
            }
        })
        .await;
        Self {
            server,
            issued,
            instead,
        }
    }

    /// The present token is no longer taken.
    fn revoke(&self) {
        self.issued.fetch_add(1, Ordering::SeqCst);
    }

    fn answer_instead(&self, status: u16, body: &str) {
        *self.instead.lock().unwrap() = Some((status, body.into()));
    }

    fn token_requests(&self) -> usize {
        self.server.count("/auth")
    }

    fn case(&self, clock: &SimClock) -> Case {
        self.case_with(clock, json!({}))
    }

    fn case_with(&self, clock: &SimClock, more: Value) -> Case {
        let mut scheme = json!({
            "type": "token",
            "url": "https://api.example.com/auth",
            "body": "json",
            "fields": {"client_id": "{client_id}", "client_secret": "{client_secret}"},
            "token": "/data/token",
            "expires_in": "/data/expires_in",
            "success": "/success",
            "rejected": [401, 403],
        });
        scheme
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Case::at(clock, &self.server)
            .public("client_id", ID)
            .secret("client_secret", SECRET)
            .scheme("https://api.example.com", scheme)
    }
}

#[tokio::test]
async fn a_token_is_asked_for_in_the_body_and_then_used() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    for _ in 0..3 {
        assert_eq!(get(&session, "/employees").await.unwrap().status, 200);
    }
    let seen = remote.server.seen();
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].header("authorization"), None);
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body, json!({"client_id": ID, "client_secret": SECRET}));
    assert_eq!(session.requests(), 4, "the token request counts");

    let form = remote.case_with(&clock, json!({"body": "form"})).session();
    get(&form, "/employees").await.unwrap();
    let seen = remote
        .server
        .seen()
        .into_iter()
        .rfind(|seen| seen.target == "/auth")
        .unwrap();
    assert_eq!(
        seen.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen.body, format!("client_id={ID}&client_secret={SECRET}"));
}

#[tokio::test]
async fn a_client_can_be_identified_in_a_header_of_the_token_request_alone() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote
        .case_with(
            &clock,
            json!({
                "body": "form",
                "fields": {"grant_type": "client_credentials"},
                "basic": {"user": "{client_id}", "password": "{client_secret}"},
            }),
        )
        .session();
    assert_eq!(get(&session, "/employees").await.unwrap().status, 200);
    let seen = remote.server.seen();
    // Of `papi-client-id-0001:papi-client-secret-0001`.
    let encoded = "cGFwaS1jbGllbnQtaWQtMDAwMTpwYXBpLWNsaWVudC1zZWNyZXQtMDAwMQ==";
    assert_eq!(
        seen[0].header("authorization"),
        Some(format!("Basic {encoded}").as_str())
    );
    assert_eq!(seen[0].body, "grant_type=client_credentials");
    assert_eq!(
        seen[1].header("authorization"),
        Some("Bearer token-0000000000000001")
    );

    remote.answer_instead(200, &format!(r#"{{"success":false,"error":"{encoded}"}}"#));
    remote.revoke();
    let refused = get(&session, "/employees").await.unwrap_err();
    assert!(!refused.to_string().contains("cGFwaS"), "{refused}");
}

#[tokio::test]
async fn fifty_at_once_cause_one_token_request() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    let answers = join_all((0..50).map(|_| get(&session, "/employees"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 200)
    );
    assert_eq!(remote.token_requests(), 1);
    assert_eq!(remote.server.count("/employees"), 50);
}

#[tokio::test]
async fn a_refusal_is_shared_by_all_who_wait_and_names_no_secret() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    for (status, body, said) in [
        (401, "{}".to_owned(), "status 401"),
        (403, format!("<html>{SECRET}</html>"), "status 403"),
        (
            400,
            json!({"error": "invalid_client"}).to_string(),
            "status 400, invalid_client",
        ),
        (
            400,
            json!({"error": format!("bad {SECRET}")}).to_string(),
            "status 400",
        ),
        (
            200,
            json!({"success": false}).to_string(),
            "its answer does not report success",
        ),
        (
            200,
            json!({"success": true, "data": {}}).to_string(),
            "its answer holds no token",
        ),
        (404, "gone".to_owned(), "status 404"),
    ] {
        remote.answer_instead(status, &body);
        let before = remote.token_requests();
        let session = remote.case(&clock).session();
        for error in join_all((0..50).map(|_| get(&session, "/employees"))).await {
            assert_eq!(
                error.unwrap_err(),
                SendError::Unauthenticated(format!(
                    "Example did not accept the credential ({said}): check its values at Example, or \
                     enter new ones"
                ))
            );
        }
        // Whoever comes soon after does not ask again either; later it may have changed.
        assert!(get(&session, "/employees").await.is_err());
        assert_eq!(remote.token_requests() - before, 1, "{status} {body}");
        clock.advance(Duration::from_secs(6));
        assert!(get(&session, "/employees").await.is_err());
        assert_eq!(remote.token_requests() - before, 2);
    }
    assert_eq!(remote.server.count("/employees"), 0);
}

#[tokio::test]
async fn a_token_service_in_trouble_means_that_nothing_was_sent() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    for (status, body) in [
        (429, "{}"),
        (500, "oops"),
        (503, "<html>"),
        (200, "<html>maintenance</html>"),
    ] {
        remote.answer_instead(status, body);
        let before = remote.token_requests();
        for error in join_all((0..20).map(|_| get(&session, "/employees"))).await {
            assert!(
                matches!(&error, Err(SendError::Connect(_))),
                "{status}: {error:?}"
            );
        }
        assert_eq!(remote.token_requests() - before, 1, "{status}");
    }
    assert_eq!(remote.server.count("/employees"), 0);
    *remote.instead.lock().unwrap() = None;
    assert_eq!(get(&session, "/employees").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    get(&session, "/employees").await.unwrap();
    clock.advance(Duration::from_secs(539));
    get(&session, "/employees").await.unwrap();
    assert_eq!(remote.token_requests(), 1);
    // 600 s less the margin of 60 s.
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&session, "/employees").await.unwrap().status, 200);
    assert_eq!(remote.token_requests(), 2);
    assert_eq!(remote.server.count("/employees"), 3);
}

#[tokio::test]
async fn a_token_that_is_turned_down_is_renewed_once_and_the_request_repeated_once() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    get(&session, "/employees").await.unwrap();
    remote.revoke();
    let mut create = request("POST", "https://api.example.com/employees");
    create.body = Some("{\"first_name\":\"Ada\"}".into());
    assert_eq!(session.send(create, LONG).await.unwrap().status, 200);
    assert_eq!(remote.token_requests(), 2);
    let posts: Vec<_> = remote
        .server
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "POST" && seen.target == "/employees")
        .collect();
    assert_eq!(posts.len(), 2);
    assert!(
        posts
            .iter()
            .all(|seen| seen.body == "{\"first_name\":\"Ada\"}")
    );
}

#[tokio::test]
async fn many_requests_with_an_old_token_renew_it_once() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    get(&session, "/employees").await.unwrap();
    remote.revoke();
    let answers = join_all((0..40).map(|_| get(&session, "/employees"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 200)
    );
    assert_eq!(remote.token_requests(), 2);
}

#[tokio::test]
async fn a_missing_right_reaches_the_component_without_a_storm_of_renewals() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote.case(&clock).session();
    for _ in 0..10 {
        let answer = get(&session, "/forbidden").await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (403, &b"no right"[..]));
    }
    assert_eq!(remote.token_requests(), 2, "one to begin with, one renewal");
    assert_eq!(remote.server.count("/forbidden"), 11);
    // The other status still renews.
    remote.revoke();
    assert_eq!(get(&session, "/employees").await.unwrap().status, 200);
    assert_eq!(remote.token_requests(), 3);
}

#[tokio::test]
async fn a_refresh_token_is_used_first_and_the_credential_after_it() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let refresh = json!({"refresh": {
        "token": "/data/refresh",
        "fields": {"grant_type": "refresh_token", "refresh_token": "{refresh_token}"},
    }});
    let session = remote.case_with(&clock, refresh).session();
    let bodies = || -> Vec<Value> {
        let seen = remote
            .server
            .seen()
            .into_iter()
            .filter(|seen| seen.target == "/auth");
        seen.map(|seen| serde_json::from_str(&seen.body).unwrap())
            .collect()
    };
    get(&session, "/employees").await.unwrap();
    clock.advance(Duration::from_secs(600));
    get(&session, "/employees").await.unwrap();
    assert_eq!(
        bodies()[1],
        json!({"grant_type": "refresh_token", "refresh_token": "refresh-0000000000000001"})
    );
    // Refused: the credential itself.
    remote.answer_instead(400, "{\"error\":\"invalid_grant\"}");
    clock.advance(Duration::from_secs(600));
    let error = get(&session, "/employees").await.unwrap_err();
    assert!(matches!(error, SendError::Unauthenticated(_)), "{error:?}");
    assert_eq!(bodies()[2]["refresh_token"], "refresh-0000000000000002");
    assert_eq!(
        bodies()[3],
        json!({"client_id": ID, "client_secret": SECRET})
    );
}

#[tokio::test]
async fn if_who_asks_is_cut_off_the_next_in_line_asks() {
    let clock = clock();
    let (arrived, asked) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (signal, count) = (Arc::clone(&arrived), Arc::clone(&asked));
    let server = Server::start(&clock, move |seen| {
        let (signal, count) = (Arc::clone(&signal), Arc::clone(&count));
        async move {
            if seen.target == "/auth" && count.fetch_add(1, Ordering::SeqCst) == 0 {
                signal.notify_one();
                std::future::pending::<()>().await;
            }
            reply(
                200,
                json!({"success": true, "data": {"token": "token"}}).to_string(),
            )
        }
    })
    .await;
    let remote = Remote {
        server,
        issued: Arc::default(),
        instead: Arc::default(),
    };
    let session = remote.case(&clock).session();
    let first = {
        let session = Arc::clone(&session);
        tokio::spawn(async move { get(&session, "/employees").await })
    };
    arrived.notified().await;
    let second = get(&session, "/employees");
    let cut_off = async {
        tokio::task::yield_now().await;
        first.abort();
    };
    let (second, ()) = tokio::join!(second, cut_off);
    assert_eq!(second.unwrap().status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_that_is_over_at_once_serves_those_who_waited_for_it() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let session = remote
        .case_with(&clock, json!({"expires_in": "/nowhere", "default_life": 0}))
        .session();
    let answers = join_all((0..20).map(|_| get(&session, "/employees"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 200)
    );
    assert_eq!(remote.token_requests(), 1);
}

#[tokio::test]
async fn sessions_of_one_credential_share_the_token_and_count_for_themselves() {
    let clock = clock();
    let remote = Remote::start(&clock).await;
    let case = remote.case(&clock);
    let gateway = case.gateway();
    let session = || {
        gateway
            .session(&case.manifest(), &case.credential(), case.secrets())
            .unwrap()
    };
    let (one, two) = (session(), session());
    get(&one, "/employees").await.unwrap();
    get(&two, "/employees").await.unwrap();
    get(&two, "/employees").await.unwrap();
    assert_eq!(remote.token_requests(), 1);
    assert_eq!((one.requests(), two.requests()), (2, 2));
}
