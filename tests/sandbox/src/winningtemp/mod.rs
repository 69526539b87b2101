//! Winningtemp's REST API, as far as it is documented: a token by client credentials, people, and teams. What is
//! written goes over SCIM, which is the system `winningtemp-scim`; its accounts and groups are what is shown here.
//!
//! Where the documentation leaves something open, this is the reading taken:
//! - Client credentials come by Basic authentication with the grant named in the body, as OAuth 2 has it. Headers
//!   of a client's own (`ClientId`, `ClientSecret`) are reported to work too and are taken as well.
//! - `pagination` has `totalCount` and `next`, the path of the next page; a page has a hundred entries.
//! - Groups that came over SCIM are teams of the type `Flex` and in no category.

mod token;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::academy::{Account, Groups};
use crate::answer::Answer;
use crate::request::Call;
use crate::serve::Twist;
use crate::shared::Shared;
use crate::system::System;

pub(crate) use token::Tokens;

const PAGE: usize = 100;

pub(crate) fn handle(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let path = call.path.trim_end_matches('/');
    if path == "/auth" {
        return token::issue(shared, call);
    }
    let now = shared.clock.now();
    let tokens = &shared.winningtemp_tokens;
    if !call.bearer().is_some_and(|token| tokens.valid(token, now)) {
        return refusal(StatusCode::UNAUTHORIZED, "The access token is not valid.");
    }
    if call.method != Method::GET {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "This can only be read.");
    }
    let Some(service) = shared.services.get(System::WinningtempScim) else {
        return refusal(StatusCode::NOT_FOUND, "There is nothing here.");
    };
    let accounts = service.accounts.clone();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["users", "v2"] => {
            let people = accounts.list().iter().map(person).collect();
            page(call, twist, path, people)
        }
        ["users", "v2", id] => match accounts.get(id) {
            Some(account) => Answer::json(StatusCode::OK, &person(&account)),
            None => refusal(StatusCode::NOT_FOUND, "There is no such user."),
        },
        ["teams", "v2"] => {
            let groups = Groups::new(accounts).list();
            let teams = groups.into_iter().map(|group| {
                json!({"id": group.id, "name": group.name, "teamType": "Flex", "category": null})
            });
            page(call, twist, path, teams.collect())
        }
        _ => refusal(StatusCode::NOT_FOUND, "There is nothing here."),
    }
}

/// An error as the API words it.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"status": status.as_u16(), "title": message}),
    )
}

fn person(account: &Account) -> Value {
    json!({
        "id": account.id,
        "firstName": account.text("/name/givenName"),
        "lastName": account.text("/name/familyName"),
        "email": account.text("/emails/0/value"),
        "isActive": account.active,
    })
}

/// A page of a list, from the entry that the query names.
fn page(call: &Call, twist: Twist, path: &str, all: Vec<Value>) -> Answer {
    let pairs = call.query_pairs();
    let from = pairs.iter().find(|(key, _)| key == "from");
    let Ok(from) = from.map_or(Ok(0), |(_, text)| text.parse::<usize>()) else {
        return refusal(StatusCode::BAD_REQUEST, "from must be a number.");
    };
    let shown: Vec<&Value> = twist
        .window(from, PAGE, all.len())
        .into_iter()
        .flat_map(|range| all.get(range).unwrap_or_default())
        .collect();
    let after = from + PAGE;
    let next = (after < all.len()).then(|| format!("{path}?from={after}"));
    let pagination = json!({"totalCount": twist.total(all.len()), "next": next});
    Answer::json(
        StatusCode::OK,
        &json!({"data": shown, "pagination": pagination}),
    )
}
