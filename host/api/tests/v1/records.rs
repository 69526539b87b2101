//! Runs, what was told, and what holds for a tenant.

use serde_json::{Value, json};

use super::world::{OTHER, OWNER, World};

fn of(list: &Value, name: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    items.iter().map(|item| text(&item[name])).collect()
}

#[tokio::test]
async fn runs_are_listed_and_narrowed() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    world.estate(OTHER).await;
    let run = estate.run.to_string();
    let list = world.get(OWNER, "/runs").await.ok();
    assert_eq!(of(&list, "id"), [run.as_str()]);
    assert_eq!(list["items"][0]["status"], "partial");
    assert_eq!(list["items"][0]["counts"]["failed"], 1);
    for (query, found) in [
        ("status=partial", 1),
        ("status=failed", 0),
        ("automation=nowhere", 0),
        (&format!("automation={}", estate.automation), 1),
    ] {
        let list = world.get(OWNER, &format!("/runs?{query}")).await.ok();
        assert_eq!(of(&list, "id").len(), found, "{query}");
    }
    let wrong = world.get(OWNER, "/runs?status=lost").await;
    assert_eq!(wrong.problem(), (400, "query.invalid".to_owned()));
    let wrong = world.get(OWNER, "/runs?cursor=x").await;
    assert_eq!(wrong.problem(), (400, "cursor.invalid".to_owned()));
    let one = world.get(OWNER, &format!("/runs/{run}")).await.ok();
    assert_eq!(one, list["items"][0]);
    for unknown in ["/runs/999999", "/runs/x", "/runs/-1"] {
        assert_eq!(world.get(OWNER, unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn records_are_read_page_by_page_and_by_kind() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = format!("/runs/{}/records", estate.run);
    let first = world.get(OWNER, &format!("{path}?limit=2")).await.ok();
    assert_eq!(of(&first, "key"), ["alpha-linked", "alpha-failed"]);
    let next = first["next"].as_str().unwrap();
    let rest = world
        .get(OWNER, &format!("{path}?limit=2&cursor={next}"))
        .await;
    let rest = rest.ok();
    assert_eq!(of(&rest, "key"), ["alpha-staged"]);
    assert_eq!(rest["next"], Value::Null);
    let kinds = world
        .get(OWNER, &format!("{path}?kind=failed,staged"))
        .await;
    assert_eq!(of(&kinds.ok(), "kind"), ["failed", "staged"]);
    let wrong = world.get(OWNER, &format!("{path}?kind=lost")).await;
    assert_eq!(wrong.problem(), (400, "query.invalid".to_owned()));
}

#[tokio::test]
async fn a_table_holds_no_formula() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = format!("/runs/{}/records.csv", estate.run);
    let table = world.get(OWNER, &path).await;
    assert_eq!(table.status, 200);
    assert_eq!(
        table.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    let name = format!("attachment; filename=\"run-{}.csv\"", estate.run);
    assert_eq!(table.header("content-disposition"), name);
    let expected = "key,target,outcome,code,reason,changed\r\n\
        alpha-linked,account-1,created,made-up,'=1+1,name\r\n\
        alpha-failed,account-1,failed,made-up,\"no \"\"e-mail\"\", no account\",name\r\n\
        alpha-staged,account-1,staged,made-up,the guard holds it back,name\r\n";
    assert_eq!(table.text, expected);
    let some = world.get(OWNER, &format!("{path}?kind=created")).await;
    assert_eq!(some.text.lines().count(), 2);
}

#[tokio::test]
async fn what_was_told_is_listed() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    world.estate(OTHER).await;
    let list = world.get(OWNER, "/notices").await.ok();
    assert_eq!(of(&list, "reason"), ["alpha-notice"]);
    let notice = &list["items"][0];
    assert_eq!(notice["kind"], "automation.paused");
    assert_eq!(notice["automation"], estate.automation.as_str());
    assert_eq!(notice["facts"]["records"], "people");
}

#[tokio::test]
async fn runs_are_kept_for_as_long_as_the_tenant_says() {
    let world = World::new().await;
    let shown = world.get(OWNER, "/tenant").await;
    let expected = json!({ "id": "northwind/alpha", "retention_days": null });
    assert_eq!(shown.ok(), expected);
    let etag = shown.header("etag");
    let patch = async |etag: &str, body: Value| {
        let headers = [("if-match", etag)];
        world
            .ask(OWNER, "PATCH", "/tenant", &headers, Some(body))
            .await
    };
    let changed = patch(&etag, json!({ "retention_days": 30 })).await;
    assert_eq!(changed.ok()["retention_days"], 30);
    let stale = patch(&etag, json!({ "retention_days": 31 })).await;
    assert_eq!(stale.problem(), (412, "precondition.failed".to_owned()));
    for wrong in [
        json!({}),
        json!({ "retention_days": 0 }),
        json!({ "retention_days": 3651 }),
    ] {
        let refused = patch("*", wrong.clone()).await;
        assert_eq!(
            refused.problem(),
            (400, "body.invalid".to_owned()),
            "{wrong}"
        );
    }
    assert_eq!(world.get(OWNER, "/tenant").await.ok()["retention_days"], 30);
    let back = patch("*", json!({ "retention_days": null })).await;
    assert_eq!(back.ok(), expected);
    let elsewhere = world.get(OTHER, "/tenant").await.ok();
    assert_eq!(elsewhere["id"], "northwind/beta");
}

#[tokio::test]
async fn a_person_is_erased_where_the_tenant_knows_them() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let erase = async |who, body: Value| {
        let answer = world.post(who, "/tenant/erasures", body).await;
        answer.ok()["rows"].as_u64().unwrap()
    };
    let key = json!({ "key": "alpha-linked" });
    assert_eq!(erase(OTHER, key.clone()).await, 0);
    let elsewhere = json!({ "key": "alpha-linked", "connector": "reteach" });
    assert_eq!(erase(OWNER, elsewhere).await, 0);
    assert!(erase(OWNER, key.clone()).await >= 2);
    assert_eq!(erase(OWNER, key).await, 0);
    let path = format!("/runs/{}/records", estate.run);
    let left = world.get(OWNER, &path).await.ok();
    assert_eq!(of(&left, "key"), ["alpha-failed", "alpha-staged"]);
}
