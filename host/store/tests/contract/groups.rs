//! Groups, and who belongs to them.

use matricula_core::group::{
    Belongs, DueMembership, Group, GroupChanges, Membership, MembershipWrite,
};
use matricula_core::link::Link;
use matricula_core::store::Commit;
use matricula_core::{SourceKey, TargetId};

use super::made_up::*;

pub fn group(key: &str) -> Group {
    Group {
        key: SourceKey::new(key),
        target: Some(TargetId::new(format!("remote-{key}"))),
        name: Some(u64::MAX - 7),
    }
}

pub fn belongs(key: &str, groups: &[&str]) -> Belongs {
    Belongs {
        key: SourceKey::new(key),
        groups: groups.iter().map(|key| SourceKey::new(*key)).collect(),
        untold: Vec::new(),
    }
}

/// The account is in the group.
pub fn put_in(key: &str, group: &str, member: Option<&str>) -> MembershipWrite {
    MembershipWrite {
        key: SourceKey::new(key),
        group: SourceKey::new(group),
        member: member.map(TargetId::new),
        sure: true,
        attempts: 0,
        not_before: None,
    }
}

async fn write(running: &Running, groups: GroupChanges) {
    let page = Commit {
        groups,
        ..running.page()
    };
    running.store.commit(&running.lease, page).await.unwrap();
}

pub async fn keep(running: &Running, groups: impl IntoIterator<Item = Group>) {
    let groups = GroupChanges {
        groups: groups.into_iter().collect(),
        ..GroupChanges::default()
    };
    write(running, groups).await;
}

pub async fn belong(running: &Running, belongs: impl IntoIterator<Item = Belongs>) {
    let groups = GroupChanges {
        belongs: belongs.into_iter().collect(),
        ..GroupChanges::default()
    };
    write(running, groups).await;
}

pub async fn set(running: &Running, memberships: impl IntoIterator<Item = MembershipWrite>) {
    let groups = GroupChanges {
        memberships: memberships.into_iter().collect(),
        ..GroupChanges::default()
    };
    write(running, groups).await;
}

pub async fn rows(running: &Running) -> Vec<DueMembership> {
    let (store, id) = (&running.store, &running.id);
    store.memberships_due(id, at(0), None, 100).await.unwrap()
}

/// Person, group, who is put in and who is taken out.
async fn due(running: &Running) -> Vec<String> {
    let name = |target: &Option<TargetId>| target.as_ref().map_or("-", TargetId::as_str).to_owned();
    rows(running)
        .await
        .iter()
        .map(|row| {
            let (add, remove) = (name(&row.add), name(&row.remove));
            format!("{} {} +{add} -{remove}", row.link.key, row.group)
        })
        .collect()
}

pub async fn of(running: &Running, key: &str) -> Vec<Membership> {
    let keys = [SourceKey::new(key)];
    let found = running.store.memberships(&running.id, &keys).await;
    found.unwrap().remove(0)
}

const NOTHING: [&str; 0] = [];

pub async fn a_group_survives(store: AnyStore) {
    let running = Running::new(store).await;
    let other = Running::of(running.store.clone(), "another").await;
    assert!(!running.store.keeps_groups(&running.id).await.unwrap());
    let unmade = Group::new(SourceKey::new("office:1"));
    keep(&running, [group("department:1"), unmade.clone()]).await;
    let (store, id) = (&running.store, &running.id);
    assert!(store.keeps_groups(id).await.unwrap());
    assert!(!store.keeps_groups(&other.id).await.unwrap());
    let keys = ["office:1", "nobody:1", "department:1"].map(SourceKey::new);
    assert_eq!(
        store.groups(id, &keys).await.unwrap(),
        [Some(unmade), None, Some(group("department:1"))]
    );
    let targets = ["remote-department:1", "nowhere"].map(TargetId::new);
    assert_eq!(
        store.kept_as(id, &targets).await.unwrap(),
        [Some(SourceKey::new("department:1")), None]
    );
    assert_eq!(
        store.groups(&other.id, &keys).await.unwrap(),
        [None, None, None]
    );
    assert_eq!(
        store.kept_as(&other.id, &targets).await.unwrap(),
        [None, None]
    );

    // Renamed, and found again as another.
    let renamed = Group {
        target: Some(TargetId::new("another")),
        name: Some(0),
        ..group("department:1")
    };
    keep(&running, [renamed.clone()]).await;
    assert_eq!(store.groups(id, &keys[2..]).await.unwrap(), [Some(renamed)]);
    assert_eq!(store.kept_as(id, &targets).await.unwrap(), [None, None]);
}

pub async fn a_membership_follows_the_account(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([person("1")]).await;
    keep(&running, [group("team:1")]).await;
    belong(&running, [belongs("1", &["team:1"])]).await;
    assert_eq!(due(&running).await, NOTHING, "without an account");
    running.write([member("1")]).await;
    assert_eq!(due(&running).await, ["1 team:1 +account-1 --"]);
    let row = rows(&running).await.remove(0);
    assert_eq!(row.link, member("1"));
    assert_eq!(row.target, TargetId::new("remote-team:1"));

    set(&running, [put_in("1", "team:1", Some("account-1"))]).await;
    assert_eq!(due(&running).await, NOTHING);
    let blocked = Link {
        active: false,
        ..member("1")
    };
    running.write([blocked]).await;
    assert_eq!(due(&running).await, ["1 team:1 +- -account-1"]);
    set(&running, [put_in("1", "team:1", None)]).await;
    assert_eq!(due(&running).await, NOTHING);
    assert!(
        of(&running, "1").await[0].wanted,
        "the record still says so"
    );
    running.write([member("1")]).await;
    assert_eq!(due(&running).await, ["1 team:1 +account-1 --"]);
}

pub async fn what_the_record_no_longer_says(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1")]).await;
    keep(&running, ["team:1", "team:2", "office:1"].map(group)).await;
    belong(&running, [belongs("1", &["team:1", "office:1"])]).await;
    let both = [("team:1"), ("office:1")].map(|group| put_in("1", group, Some("account-1")));
    set(&running, both).await;
    belong(&running, [belongs("1", &["office:1", "team:2"])]).await;
    assert_eq!(
        due(&running).await,
        ["1 team:1 +- -account-1", "1 team:2 +account-1 --"]
    );
    set(
        &running,
        [
            put_in("1", "team:1", None),
            put_in("1", "team:2", Some("account-1")),
        ],
    )
    .await;
    assert_eq!(due(&running).await, NOTHING);
    let groups: Vec<_> = of(&running, "1").await;
    let groups: Vec<&str> = groups.iter().map(|held| held.group.as_str()).collect();
    assert_eq!(groups, ["office:1", "team:2"]);

    // Nothing is said of offices; a group that nobody was put into is forgotten at once.
    let silent = Belongs {
        untold: vec!["office".to_owned()],
        ..belongs("1", &["team:1"])
    };
    belong(&running, [silent]).await;
    assert_eq!(
        due(&running).await,
        ["1 team:1 +account-1 --", "1 team:2 +- -account-1"]
    );
    belong(&running, [belongs("1", &[])]).await;
    assert_eq!(
        due(&running).await,
        ["1 office:1 +- -account-1", "1 team:2 +- -account-1"]
    );
}

pub async fn what_nobody_has_confirmed(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1")]).await;
    keep(&running, [group("team:1")]).await;
    belong(&running, [belongs("1", &["team:1"])]).await;
    let noted = MembershipWrite {
        sure: false,
        ..put_in("1", "team:1", Some("account-1"))
    };
    set(&running, [noted]).await;
    assert_eq!(due(&running).await, ["1 team:1 +account-1 --"], "repeated");
    belong(&running, [belongs("1", &[])]).await;
    assert_eq!(
        due(&running).await,
        ["1 team:1 +- -account-1"],
        "taken back"
    );
    set(&running, [put_in("1", "team:1", None)]).await;
    assert_eq!(of(&running, "1").await, []);
}

pub async fn accounts_that_change_hands(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1"), member("2")]).await;
    keep(&running, [group("team:1")]).await;
    let all = ["1", "2"].map(|key| belongs(key, &["team:1"]));
    belong(&running, all).await;
    let all = ["1", "2"].map(|key| put_in(key, "team:1", Some(&format!("account-{key}"))));
    set(&running, all).await;

    // The first one's account is there no more.
    let moved = Link {
        target: Some(TargetId::new("new")),
        ..member("1")
    };
    running.write([moved]).await;
    assert_eq!(due(&running).await, ["1 team:1 +new --"]);
    set(&running, [put_in("1", "team:1", Some("new"))]).await;

    // The second one's is another person's by now, who is not meant to be in the group, and then is.
    let heir = Link {
        target: Some(TargetId::new("account-2")),
        ..member("3")
    };
    running.write([person("2"), heir]).await;
    assert_eq!(due(&running).await, ["2 team:1 +- -account-2"]);
    belong(&running, [belongs("3", &["team:1"])]).await;
    assert_eq!(
        due(&running).await,
        ["2 team:1 +- --", "3 team:1 +account-2 --"]
    );
}

pub async fn a_group_that_is_gone_has_no_members(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1"), member("2")]).await;
    keep(&running, [group("team:1")]).await;
    let all = ["1", "2"].map(|key| belongs(key, &["team:1"]));
    belong(&running, all).await;
    let all = ["1", "2"].map(|key| put_in(key, "team:1", Some(&format!("account-{key}"))));
    set(&running, all).await;
    belong(&running, [belongs("2", &[])]).await;
    keep(&running, [Group::new(SourceKey::new("team:1"))]).await;
    assert_eq!(due(&running).await, NOTHING);
    assert_eq!(of(&running, "2").await, []);
    let again = Group {
        target: Some(TargetId::new("again")),
        ..group("team:1")
    };
    keep(&running, [again]).await;
    assert_eq!(due(&running).await, ["1 team:1 +account-1 --"]);
    assert_eq!(rows(&running).await[0].target, TargetId::new("again"));
}

pub async fn what_is_tried_again_later(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1")]).await;
    keep(&running, [group("team:1")]).await;
    belong(&running, [belongs("1", &["team:1"])]).await;
    let refused = MembershipWrite {
        attempts: 2,
        not_before: Some(at(10)),
        ..put_in("1", "team:1", None)
    };
    set(&running, [refused]).await;
    assert_eq!(due(&running).await, NOTHING);
    let (store, id) = (&running.store, &running.id);
    let found = store.memberships_due(id, at(10), None, 9).await.unwrap();
    assert_eq!(found[0].attempts, 2);
    store.retry_now(id, at(0)).await.unwrap();
    assert_eq!(due(&running).await, ["1 team:1 +account-1 --"]);
}

pub async fn another_account_does_not_wait(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1")]).await;
    keep(&running, [group("team:1")]).await;
    belong(&running, [belongs("1", &["team:1"])]).await;
    let refused = MembershipWrite {
        attempts: 9,
        not_before: Some(at(10)),
        sure: false,
        ..put_in("1", "team:1", Some("account-1"))
    };
    set(&running, [refused.clone()]).await;
    running.write([member("1")]).await;
    assert_eq!(due(&running).await, NOTHING);
    let blocked = Link {
        active: false,
        ..member("1")
    };
    running.write([blocked]).await;
    assert_eq!(due(&running).await, ["1 team:1 +- -account-1"]);
    set(&running, [refused]).await;
    let anew = Link {
        target: Some(TargetId::new("anew")),
        ..member("1")
    };
    running.write([anew]).await;
    assert_eq!(due(&running).await, ["1 team:1 +anew --"]);
    assert_eq!(rows(&running).await[0].attempts, 0);
}

pub async fn records_are_dealt_with_again(store: AnyStore) {
    let running = Running::new(store).await;
    let known = |key| Link {
        record: 5,
        ..member(key)
    };
    running.write(["1", "2", "3"].map(known)).await;
    keep(&running, ["team:1", "team:2"].map(group)).await;
    let all = [
        belongs("1", &["team:1"]),
        belongs("2", &["team:1"]),
        belongs("3", &["team:2"]),
    ];
    belong(&running, all).await;
    let groups = GroupChanges {
        reread: vec![SourceKey::new("team:1")],
        ..GroupChanges::default()
    };
    write(&running, groups).await;
    for (key, record) in [("1", 0), ("2", 0), ("3", 5)] {
        assert_eq!(running.link(key).await.unwrap().record, record, "{key}");
    }
    let population = running.store.population(&running.id, at(0)).await.unwrap();
    assert_eq!(population.retries_due, 1, "a full cycle is due");
}

pub async fn in_pages_by_group_and_person(store: AnyStore) {
    let running = Running::new(store).await;
    let other = Running::of(running.store.clone(), "another").await;
    running.write(ODD.map(member)).await;
    other.write([member("1")]).await;
    let teams = ["", "team", "team:", "ä:\u{1F600}"];
    for running in [&running, &other] {
        keep(running, teams.map(group)).await;
    }
    belong(&running, ODD.map(|key| belongs(key, &teams))).await;
    belong(&other, [belongs("1", &["team"])]).await;
    let (store, id) = (&running.store, &running.id);
    let all = store.memberships_due(id, at(0), None, 100).await.unwrap();
    assert_eq!(all.len(), 48);
    let order = |row: &DueMembership| (row.group.clone(), row.link.key.clone());
    assert!(all.is_sorted_by(|one, next| order(one) < order(next)));
    let mut paged = Vec::new();
    while let page = store
        .memberships_due(
            id,
            at(0),
            paged
                .last()
                .map(|row: &DueMembership| (&row.group, &row.link.key)),
            5,
        )
        .await
        .unwrap()
        && !page.is_empty()
    {
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

pub async fn what_goes_with_a_person_and_an_automation(store: AnyStore) {
    let running = Running::new(store).await;
    running.write(["1", "2", "3"].map(member)).await;
    keep(&running, ["team:1", "team:2"].map(group)).await;
    let all = ["1", "2", "3"].map(|key| belongs(key, &["team:1", "team:2"]));
    belong(&running, all).await;
    let Running { store, id, .. } = &running;
    assert_eq!(store.erase(id, &SourceKey::new("1")).await.unwrap(), 3);
    assert!(store.forget(id, &SourceKey::new("2")).await.unwrap());
    assert_eq!(
        due(&running).await,
        ["3 team:1 +account-3 --", "3 team:2 +account-3 --"]
    );
    running.write([member("1"), member("2")]).await;
    assert_eq!(of(&running, "1").await, []);

    store.release(&running.lease).await.unwrap();
    store.remove_automation(id, at(1_500)).await.unwrap();
    set_up(store, "automation").await;
    let keys = [SourceKey::new("team:1")];
    assert_eq!(store.groups(id, &keys).await.unwrap(), [None]);
    assert_eq!(of(&running, "3").await, []);
}
