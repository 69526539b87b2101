//! Learning, finding and listing against recorded exchanges.

use crate::common::{BASE, LEARNED, PLAIN, PROFILE, play};
use matricula_scim::Client;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{FailureKind, Found, Page, Preparation, Read};
use serde_json::{Value, json};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

mod prepare {
    use super::*;

    fn learn(name: &str, asked: &[&str]) -> Preparation {
        play(name, |client| client.prepare(&texts(asked)).unwrap())
    }

    #[test]
    fn attributes_are_learned_under_whatever_urn_they_are() {
        let asked = [
            "email",
            "gender",
            "location",
            "employment_type",
            "contract_end",
            "department",
            "manager",
        ];
        let preparation = learn("learn", &asked);
        assert_eq!(preparation.prepared, LEARNED);
        assert_eq!(
            preparation.unavailable,
            ["location"],
            "that one is a group's"
        );
    }

    fn own(service: Value, schemas: Value, asked: &[&str]) -> Preparation {
        let get = |path: &str, response: Value| json!({"request": format!("GET {BASE}{path}"), "response": response});
        let transcript = Transcript::new(json!([
            get("ServiceProviderConfig", service),
            get("Schemas", schemas)
        ]));
        let cx = transcript.context(&json!({}));
        let client = Client::new(&cx, BASE, &PROFILE).unwrap();
        let prepared = client.prepare(&texts(asked)).unwrap();
        transcript.done();
        prepared
    }

    #[test]
    fn attributes_of_the_services_own_are_learned_by_the_rest_of_their_name() {
        let schemas = json!([{"id": "urn:example:people:2.0:User", "attributes": [
            {"name": "badgeNumber", "type": "string"}, {"name": "desk", "type": "integer"},
            {"name": "remote", "type": "boolean"}, {"name": "seen", "type": "dateTime"},
            {"name": "address", "type": "complex"}, {"name": "tags", "multiValued": true},
            {"name": "score", "type": "decimal", "mutability": "readOnly"},
        ]}]);
        let asked = [
            "email",
            "x_badge_number",
            "x_desk",
            "x_remote",
            "x_seen",
            "x_address",
            "x_tags",
            "x_score",
            "x_none",
            "x_",
        ];
        let learned = own(json!({}), schemas, &asked);
        assert_eq!(
            learned.unavailable,
            ["x_address", "x_tags", "x_score", "x_none", "x_"]
        );
        let token: Value = serde_json::from_str(&learned.prepared).unwrap();
        let at = |name: &str, holds: &str| json!({"at": format!("urn:example:people:2.0:User:{name}"), "h": holds});
        assert_eq!(
            token["x"],
            json!({
                "x_badge_number": at("badgeNumber", "text"), "x_desk": at("desk", "number"),
                "x_remote": at("remote", "boolean"), "x_seen": at("seen", "moment"),
            })
        );
    }

    #[test]
    fn bulk_is_used_only_where_it_is_announced() {
        let learned = |bulk: Value| own(json!({"bulk": bulk}), json!([]), &["email"]).prepared;
        let offered = json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 1048576});
        assert!(learned(offered).contains(r#""b":{"n":1000,"s":1048576}"#));
        assert!(learned(json!({"supported": "true"})).contains(r#""b":{"n":100,"s":1048576}"#));
        for none in [
            json!(null),
            json!({"supported": false, "maxOperations": 1000}),
            json!({"supported": true, "maxOperations": 1}),
        ] {
            assert!(!learned(none.clone()).contains("\"b\""), "{none}");
        }
    }

    #[test]
    fn paged_schemas_are_read_to_the_end() {
        let preparation = learn("learn-paged", &["gender", "department", "location"]);
        assert_eq!(preparation.unavailable, ["location"]);
        assert!(
            preparation
                .prepared
                .contains("urn:example:other:1.0:User:gender")
        );
    }

    #[test]
    fn a_bare_list_is_a_list_and_what_it_lacks_is_not_offered() {
        let preparation = learn(
            "learn-bare-list",
            &["location", "department", "manager", "position"],
        );
        assert_eq!(preparation.unavailable, ["department", "manager"]);
        assert!(
            preparation
                .prepared
                .contains(r#""n":["department","manager"]"#),
            "{preparation:?}"
        );
    }

    #[test]
    fn a_service_that_tells_nothing_has_the_standards_attributes() {
        let asked = [
            "email",
            "first_name",
            "department",
            "manager",
            "active",
            "gender",
            "contract_end",
            "remote-id",
        ];
        let preparation = learn("learn-nothing", &asked);
        assert_eq!(preparation.prepared, PLAIN);
        assert_eq!(preparation.unavailable, ["gender", "contract_end"]);
    }

    #[test]
    fn a_schema_of_something_else_is_not_taken_for_a_users() {
        let preparation = learn("learn-doubtful", &["gender", "location"]);
        assert_eq!(preparation.unavailable, ["location"]);
        assert!(
            preparation
                .prepared
                .contains("urn:example:staff:1.0:Extra:gender")
        );
    }

    #[test]
    fn a_rejected_token_is_said() {
        let failure = play("learn-rejected", |client| client.prepare(&[]).unwrap_err());
        assert_eq!(failure.kind, FailureKind::Auth);
        assert_eq!(
            failure.message,
            "Example rejected the SCIM token (status 401): enter a new one in the credential"
        );
    }
}

mod find {
    use super::*;

    fn find(name: &str, prepared: &str, attribute: &str, values: &[&str]) -> Vec<Vec<Found>> {
        play(name, |client| {
            client.find(prepared, attribute, &texts(values)).unwrap()
        })
    }

    fn ids(found: &[Vec<Found>]) -> Vec<Vec<&str>> {
        found
            .iter()
            .map(|list| list.iter().map(|f| f.remote_id.as_str()).collect())
            .collect()
    }

    #[test]
    fn an_external_id_is_compared_exactly() {
        let found = find("find-external-id", PLAIN, "external_id", &["7", "8", ""]);
        assert_eq!(ids(&found), [vec!["a1"], vec![], vec![]]);
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let found = find("find-escaped", PLAIN, "external_id", &["a\"b"]);
        assert_eq!(ids(&found), [Vec::<&str>::new()]);
    }

    #[test]
    fn a_user_name_is_compared_without_case_and_comes_in_our_attributes() {
        let found = find(
            "find-user-name",
            PLAIN,
            "email",
            &["ada@example.org", "bob@example.org"],
        );
        assert_eq!(ids(&found), [vec!["a1"], vec![]]);
        let data: Value = serde_json::from_str(&found[0][0].data).unwrap();
        assert_eq!(
            data,
            json!({
                "external_id": "7", "email": "Ada@Example.org", "first_name": null, "last_name": null,
                "nickname": null, "position": null, "department": null, "manager": null, "active": true,
            })
        );
    }

    #[test]
    fn an_identity_is_looked_up_and_may_be_gone() {
        let found = find("find-remote-id", PLAIN, "remote-id", &["a1", "gone/1", " "]);
        assert_eq!(ids(&found), [vec!["a1"], vec![], vec![]]);
        assert!(found[0][0].data.contains(r#""position":"Clerk""#));
    }

    #[test]
    fn a_service_that_ignores_or_refuses_filters_is_gone_through() {
        let found = find("find-filter-ignored", PLAIN, "email", &["bob@example.org"]);
        assert_eq!(ids(&found), [vec!["b"]]);
        let found = find("find-filter-refused", PLAIN, "external_id", &["7", "8"]);
        assert_eq!(ids(&found), [vec!["a1"], vec![]]);
        let values = ["bob@example.org", "", "ADA@example.org"];
        let found = find("find-without-filter", r#"{"f":false}"#, "email", &values);
        assert_eq!(ids(&found), [vec!["b"], vec![], vec!["a1"]]);
    }

    #[test]
    fn other_attributes_do_not_identify() {
        let transcript = Transcript::new(json!([]));
        let cx = transcript.context(&json!({}));
        let client = Client::new(&cx, BASE, &PROFILE).unwrap();
        let failure = client
            .find(PLAIN, "position", &texts(&["Clerk"]))
            .unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("not-offered"));
        assert!(client.find("nonsense", "email", &[]).is_err());
    }
}

mod accounts {
    use super::*;

    fn read(limit: u32, attributes: &[&str]) -> Read {
        Read {
            stream: "accounts".into(),
            attributes: texts(attributes),
            limit,
            ..Read::default()
        }
    }

    fn pages(name: &str, mut read: Read) -> Vec<Page> {
        play(name, |client| {
            let mut pages = Vec::new();
            loop {
                let page = client.accounts(&read).unwrap();
                read.position = page.next.clone();
                pages.push(page);
                if read.position.is_none() {
                    return pages;
                }
            }
        })
    }

    fn keys(pages: &[Page]) -> Vec<Vec<&str>> {
        pages
            .iter()
            .map(|page| page.items.iter().map(|item| item.key.as_str()).collect())
            .collect()
    }

    #[test]
    fn pages_go_on_after_what_came_and_repeat_nobody() {
        let pages = pages("accounts", read(3, &["email"]));
        assert_eq!(
            keys(&pages),
            [vec!["u1", "u2"], vec!["u3", "u4"], vec!["u5"]]
        );
        assert_eq!(pages[0].total, Some(5));
        assert_eq!(pages[0].items[0].data, r#"{"email":"u1@example.org"}"#);
        assert!(
            !pages[2].complete,
            "somebody was moved out of sight while the list was read"
        );
    }

    #[test]
    fn a_list_is_complete_if_everybody_was_seen() {
        let whole = pages("accounts-whole", read(500, &["email"]));
        assert_eq!(keys(&whole), [vec!["u1", "u2"], vec!["u3"]]);
        assert!(whole[1].complete && !whole[0].complete);
        let untold = pages("accounts-no-total", read(2, &["email"]));
        assert_eq!(keys(&untold), [vec!["u1", "u2"], vec![]]);
        assert!(untold[1].complete);
        let short = pages("accounts-short", read(2, &["email"]));
        assert_eq!(keys(&short), [vec!["u1"], vec![]]);
        assert!(!short[1].complete);
    }

    #[test]
    fn places_are_learned_once_where_they_are_needed() {
        let pages = pages("accounts-learned", read(1, &["gender"]));
        let data: Vec<&str> = pages
            .iter()
            .flat_map(|p| &p.items)
            .map(|i| i.data.as_str())
            .collect();
        assert_eq!(data, [r#"{"gender":"female"}"#, r#"{"gender":null}"#]);
    }

    #[test]
    fn a_service_that_does_not_page_is_noticed() {
        play("accounts-repeated", |client| {
            let first = client.accounts(&read(2, &["email"])).unwrap();
            let again = Read {
                position: first.next,
                ..read(2, &["email"])
            };
            assert_eq!(
                client.accounts(&again).unwrap_err().code.as_deref(),
                Some("repeated-page")
            );
        });
        play("accounts-no-list", |client| {
            let failure = client.accounts(&read(2, &["email"])).unwrap_err();
            assert_eq!(failure.code.as_deref(), Some("no-list"));
        });
    }
}
