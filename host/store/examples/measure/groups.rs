//! Groups: everybody in three of a few hundred.

use matricula_core::SourceKey;
use matricula_core::TargetId;
use matricula_core::group::{Belongs, DueMembership, Group, GroupChanges, MembershipWrite};
use matricula_core::store::{Commit, Store, StoreError};

use super::table::{Clock, Table, Took};
use super::{Bench, PAGE, PEOPLE, account, key, time};

/// Kinds of groups, with how many there are of each.
const KINDS: [(&str, u32); 3] = [("department", 200), ("office", 20), ("team", 500)];

fn group(kind: &str, number: u32) -> SourceKey {
    SourceKey::new(format!("{kind}:{number}"))
}

fn belongs(number: u32) -> Belongs {
    Belongs {
        key: key(number),
        groups: KINDS
            .iter()
            .map(|(kind, many)| group(kind, number % many))
            .collect(),
        untold: Vec::new(),
    }
}

impl Bench {
    async fn change(&self, groups: GroupChanges) -> Result<Took, StoreError> {
        let commit = Commit {
            groups,
            ..self.commit(Vec::new(), None)
        };
        let start = Clock::start();
        self.store.commit(&self.lease, commit).await?;
        Ok(start.elapsed())
    }

    /// What records say of everybody, page by page; the mean of a page.
    async fn belong(&self) -> Result<Took, StoreError> {
        let mut all = Took::default();
        for page in 0..PEOPLE / PAGE {
            let groups = GroupChanges {
                belongs: (page * PAGE..(page + 1) * PAGE).map(belongs).collect(),
                ..GroupChanges::default()
            };
            let took = self.change(groups).await?;
            all.wall += took.wall;
            all.cpu += took.cpu;
        }
        Ok(Took {
            wall: all.wall / (PEOPLE / PAGE),
            cpu: all.cpu / (PEOPLE / PAGE),
        })
    }

    pub(super) async fn groups(&self, table: &mut Table) -> Result<(), StoreError> {
        let made = |(kind, many): &(&str, u32)| {
            let kind = (*kind).to_owned();
            (0..*many).map(move |number| Group {
                target: Some(TargetId::new(format!("{kind}-{number}"))),
                name: Some(u64::from(number)),
                ..Group::new(group(&kind, number))
            })
        };
        let groups = GroupChanges {
            groups: KINDS.iter().flat_map(made).collect(),
            ..GroupChanges::default()
        };
        self.change(groups).await?;
        let mean = self.belong().await?;
        table.line(
            "commit(): 300 new memberships of 100, mean",
            mean,
            Some(10.0),
        );
        let again = self.belong().await?;
        table.line("commit(): the same again, mean", again, Some(3.0));

        let (store, id) = (&self.store, &self.id);
        let (mut read, mut written) = (Took::default(), Took::default());
        let mut pages = 0;
        loop {
            let start = Clock::start();
            let due = store.memberships_due(id, time(1), None, 1_000).await?;
            let took = start.elapsed();
            if due.is_empty() {
                break;
            }
            pages += 1;
            read.wall += took.wall;
            read.cpu += took.cpu;
            let put = |row: &DueMembership| MembershipWrite {
                key: row.link.key.clone(),
                group: row.group.clone(),
                member: row.add.clone(),
                sure: true,
                attempts: 0,
                not_before: None,
            };
            let groups = GroupChanges {
                memberships: due.iter().map(put).collect(),
                ..GroupChanges::default()
            };
            let took = self.change(groups).await?;
            written.wall += took.wall;
            written.cpu += took.cpu;
        }
        assert_eq!(pages, 150);
        table.line("memberships_due(): 150 pages of 1 000", read, None);
        table.line("commit(): 1 000 memberships, 150 times", written, None);

        let start = Clock::start();
        for _ in 0..1_000 {
            let due = store.memberships_due(id, time(1), None, 1_000).await?;
            assert!(due.is_empty());
        }
        table.line(
            "memberships_due(): nothing of 150 000, 1 000 times",
            start.elapsed(),
            Some(100.0),
        );
        let keys: Vec<SourceKey> = (0..PAGE).map(key).collect();
        let start = Clock::start();
        let held = store.memberships(id, &keys).await?;
        table.line("memberships(): of 100 people", start.elapsed(), Some(3.0));
        let members = held.iter().flatten().filter_map(|held| held.member.clone());
        assert!(
            members
                .into_iter()
                .eq((0..PAGE).flat_map(|number| vec![account(number); 3]))
        );
        Ok(())
    }
}
