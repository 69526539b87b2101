//! References that wait for the other end to have an account.

use matricula_core::link::ResolvableReference;
use matricula_core::store::LinkWrite;
use matricula_core::{SourceKey, TargetId};

use super::made_up::*;

async fn resolvable(running: &Running, after: Option<&str>, limit: u32) -> Vec<[String; 3]> {
    let after = after.map(SourceKey::new);
    let found = running
        .store
        .resolvable(&running.id, after.as_ref(), limit)
        .await
        .unwrap();
    let text = |reference: &ResolvableReference| {
        [
            reference.link.key.as_str(),
            &reference.attribute,
            reference.target.as_str(),
        ]
        .map(str::to_owned)
    };
    found.iter().map(text).collect()
}

fn row(key: &str, attribute: &str, other: &str) -> [String; 3] {
    [
        key.to_owned(),
        attribute.to_owned(),
        format!("account-{other}"),
    ]
}

pub async fn resolvable_once_the_other_has_an_account(store: AnyStore) {
    let running = Running::new(store).await;
    let manager = |key, other| written(member(key), Some(vec![wants("manager", other)]));
    // One who never comes, one who is known without an account, one on the same page further on.
    running
        .write_all(vec![
            manager("1", "never"),
            manager("2", "8"),
            manager("3", "9"),
        ])
        .await;
    running.write([person("8"), member("9")]).await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("3", "manager", "9")]
    );
    running.write([member("8")]).await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("2", "manager", "8"), row("3", "manager", "9")]
    );
    // Wanted after the account was there; and by oneself.
    running
        .write_all(vec![manager("4", "9"), manager("5", "5")])
        .await;
    assert_eq!(
        resolvable(&running, Some("3"), 10).await,
        [row("4", "manager", "9"), row("5", "manager", "5")]
    );
    let found = running
        .store
        .resolvable(&running.id, None, 1)
        .await
        .unwrap();
    assert_eq!(found[0].link, member("2"));
    assert_eq!(found[0].target, TargetId::new("account-8"));

    // The account is removed again.
    running.write([person("9")]).await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("2", "manager", "8"), row("5", "manager", "5")]
    );
}

pub async fn replaced_or_left_alone(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("8"), member("9")]).await;
    let both = vec![wants("manager", "8"), wants("assistant", "9")];
    running
        .write_all(vec![written(member("1"), Some(both.clone()))])
        .await;
    running.write([member("1")]).await;
    let all = [row("1", "assistant", "9"), row("1", "manager", "8")];
    assert_eq!(
        resolvable(&running, None, 10).await,
        all,
        "no references given: left alone"
    );

    running
        .write_all(vec![written(
            member("1"),
            Some(vec![wants("manager", "9")]),
        )])
        .await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("1", "manager", "9")]
    );
    running
        .write_all(vec![written(member("1"), Some(Vec::new()))])
        .await;
    assert_eq!(resolvable(&running, None, 10).await, [[""; 3]; 0]);

    running
        .write_all(vec![written(member("1"), Some(both))])
        .await;
    let resolved = vec!["manager".to_owned(), "none of that name".to_owned()];
    running
        .write_all(vec![LinkWrite {
            link: member("1"),
            references: None,
            resolved,
        }])
        .await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("1", "assistant", "9")]
    );
}

pub async fn a_page_never_cuts_a_person(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("8"), member("9")]).await;
    for key in ["1", "2", "3"] {
        let all = ["a", "b", "c"]
            .map(|attribute| wants(attribute, "9"))
            .to_vec();
        running
            .write_all(vec![written(member(key), Some(all))])
            .await;
    }
    let one = |key| ["a", "b", "c"].map(|attribute| row(key, attribute, "9"));
    assert_eq!(resolvable(&running, None, 1).await, one("1"));
    assert_eq!(resolvable(&running, Some("1"), 3).await, one("2"));
    assert_eq!(
        resolvable(&running, Some("1"), 4).await,
        [one("2"), one("3")].concat()
    );
    assert_eq!(resolvable(&running, Some("3"), 4).await, [[""; 3]; 0]);
}

pub async fn not_before_there_is_an_account_to_write_to(store: AnyStore) {
    let running = Running::new(store).await;
    let manager = Some(vec![wants("manager", "9")]);
    running
        .write_all(vec![
            written(person("1"), manager),
            written(member("9"), None),
        ])
        .await;
    assert_eq!(resolvable(&running, None, 10).await, [[""; 3]; 0]);
    running.write([member("1")]).await;
    assert_eq!(
        resolvable(&running, None, 10).await,
        [row("1", "manager", "9")]
    );
}
