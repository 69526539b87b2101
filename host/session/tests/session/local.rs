//! The sign-in of one person alone.

use std::sync::Arc;
use std::time::Duration;

use matricula_core::clock::{Clock, SimClock};
use matricula_session::{Local, LocalError, Locale, Reason, Role, SessionError, Sessions, Vendors};
use serde_json::json;

use crate::support::{Offline, Pen, claims_with, header, now, token};

const MINUTE: Duration = Duration::from_secs(60);

fn machine() -> (SimClock, Arc<Local>, Sessions) {
    let clock = SimClock::new(now());
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let local = Arc::new(Local::new(Arc::clone(&shared)).unwrap());
    let sessions = Sessions::new(
        Vendors::default(),
        &(Arc::new(Offline) as Arc<dyn matricula_session::Fetch>),
        shared,
    );
    (clock, Arc::clone(&local), sessions.with_local(local))
}

#[tokio::test]
async fn a_code_becomes_the_session_of_the_owner() {
    let (_, local, sessions) = machine();
    let code = local.code().unwrap();
    assert_eq!(code.len(), 43);
    let grant = local.exchange(&code).unwrap();
    assert_eq!(grant.expires_at, now() + 10 * MINUTE);
    let session = sessions.verify(&grant.token).await.unwrap();
    assert!(session.local);
    assert_eq!(session.vendor, "local");
    assert_eq!(session.tenant.as_str(), "local");
    assert_eq!(session.role, Role::Owner);
    assert_eq!(session.person.name, "Local");
    assert_eq!(session.expires_at, grant.expires_at);
    assert!(session.may_start("anything"));
}

#[tokio::test]
async fn the_owner_has_a_name_and_a_language() {
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(now()));
    let local = Local::new(Arc::clone(&clock)).unwrap();
    let name = format!("Ada\n{}", "a".repeat(300));
    let local = Arc::new(local.named(&name).named("").locale(Locale::De));
    let grant = local.exchange(&local.code().unwrap()).unwrap();
    let fetch: Arc<dyn matricula_session::Fetch> = Arc::new(Offline);
    let sessions = Sessions::new(Vendors::default(), &fetch, clock).with_local(local);
    let session = sessions.verify(&grant.token).await.unwrap();
    assert_eq!(session.person.name, format!("Ada{}", "a".repeat(197)));
    assert_eq!(session.locale, Locale::De);
}

#[test]
fn a_code_is_good_once_and_for_a_quarter_of_an_hour() {
    let (clock, local, _) = machine();
    let code = local.code().unwrap();
    assert!(local.exchange(&code).is_ok());
    assert_eq!(local.exchange(&code), Err(LocalError::Code));

    let [early, late] = [local.code().unwrap(), local.code().unwrap()];
    clock.advance(15 * MINUTE - Duration::from_secs(1));
    assert!(local.exchange(&early).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(local.exchange(&late), Err(LocalError::Code));

    // A clock that is set back takes nobody's code away.
    let code = local.code().unwrap();
    clock.set(now());
    assert!(local.exchange(&code).is_ok());
}

#[test]
fn of_nine_codes_the_oldest_is_withdrawn() {
    let (_, local, _) = machine();
    let codes: Vec<_> = (0..9).map(|_| local.code().unwrap()).collect();
    assert_eq!(local.exchange(&codes[0]), Err(LocalError::Code));
    for code in &codes[1..] {
        assert!(local.exchange(code).is_ok());
    }
}

#[test]
fn guessing_ends_after_ten_tries_a_minute() {
    let (clock, local, _) = machine();
    let code = local.code().unwrap();
    for guess in 0..10 {
        assert_eq!(local.exchange(&guess.to_string()), Err(LocalError::Code));
    }
    assert_eq!(local.exchange(&code), Err(LocalError::TooMany));
    clock.advance(MINUTE);
    assert!(local.exchange(&code).is_ok());
    // And the count has begun anew.
    for guess in 0..10 {
        assert_eq!(local.exchange(&guess.to_string()), Err(LocalError::Code));
    }
    assert_eq!(local.exchange(""), Err(LocalError::TooMany));
}

#[tokio::test]
async fn a_token_is_renewed_for_twelve_hours() {
    let (clock, local, sessions) = machine();
    let mut grant = local.exchange(&local.code().unwrap()).unwrap();
    for _ in 0..79 {
        clock.advance(9 * MINUTE);
        grant = local.renew(&grant.token).unwrap();
        assert!(sessions.verify(&grant.token).await.is_ok());
    }
    // 11 h 51 min: the last one ends with the twelve hours.
    assert_eq!(grant.expires_at, now() + 12 * 60 * MINUTE);
    clock.advance(9 * MINUTE);
    assert_eq!(
        local.renew(&grant.token),
        Err(LocalError::Session(SessionError::Expired))
    );
    clock.advance(MINUTE);
    assert_eq!(
        sessions.verify(&grant.token).await.unwrap_err(),
        SessionError::Expired
    );
}

#[tokio::test]
async fn nobody_else_can_sign_a_local_token() {
    let (_, local, sessions) = machine();
    let code = local.code().unwrap();
    let (_, stranger, _) = machine();
    assert_eq!(stranger.exchange(&code), Err(LocalError::Code));

    let foreign = stranger.exchange(&stranger.code().unwrap()).unwrap();
    let refused = SessionError::Invalid(Reason::Signature);
    assert_eq!(sessions.verify(&foreign.token).await.unwrap_err(), refused);
    assert_eq!(
        local.renew(&foreign.token),
        Err(LocalError::Session(refused))
    );
    let claims = claims_with(json!({ "iss": "local", "tenant": "local", "auth_time": 1 }));
    for (alg, pen) in [("none", Pen::Nothing), ("EdDSA", Pen::ed())] {
        let forged = token(&header(alg, "local"), &claims, &pen);
        assert_eq!(
            sessions.verify(&forged).await.unwrap_err(),
            Reason::Algorithm.into()
        );
    }
    let vendors = token(&header("EdDSA", "ed"), &claims_with(json!({})), &Pen::ed());
    assert_eq!(
        local.renew(&vendors),
        Err(LocalError::Session(Reason::NotLocal.into()))
    );
}

#[test]
fn a_grant_in_a_log_line_shows_no_token() {
    let (_, local, _) = machine();
    let grant = local.exchange(&local.code().unwrap()).unwrap();
    assert!(!format!("{grant:?} {local:?}").contains(&grant.token));
}
