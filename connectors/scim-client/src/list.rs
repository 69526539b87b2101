//! Lists: how services answer with several resources, and all accounts as a stream.
//!
//! Paging in SCIM is by index over a list that others change meanwhile, and services differ in how well
//! they keep to it. So what is counted is what came, not what was asked for: the next page starts after
//! the last resource that was sent, accounts that the page before already had are left out, and the list
//! is called complete only if as many accounts were seen as the service says there are.

use std::hash::{Hash, Hasher};

use matricula_sdk::{Failure, FailureKind, Item, Page, Read, Response, Result, json as body};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical;
use crate::client::{Account, Client, Of};
use crate::learned::Learned;
use crate::profile::Home;

/// Some resources of a list.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) resources: Vec<Value>,
    /// How many there are in all, if the service tells.
    pub(crate) total: Option<u64>,
}

impl Listing {
    /// From a list response, or from a bare array, which is a whole list. None if it is neither.
    pub(crate) fn read(answer: Value) -> Option<Self> {
        match answer {
            Value::Array(resources) => Some(Self {
                total: Some(resources.len() as u64),
                resources,
            }),
            Value::Object(mut object) => {
                let total = object.get("totalResults").and_then(|total| match total {
                    Value::String(text) => text.trim().parse().ok(),
                    other => other.as_u64(),
                });
                let key = object
                    .keys()
                    .find(|key| key.eq_ignore_ascii_case("resources"))
                    .cloned();
                match key.and_then(|key| object.remove(&key)) {
                    Some(Value::Array(resources)) => Some(Self { resources, total }),
                    // An empty list may be left out, but then its length is told.
                    _ => total.map(|_| Self {
                        resources: Vec::new(),
                        total,
                    }),
                }
            }
            _ => None,
        }
    }
}

/// Where a reading of all accounts has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// `startIndex` of the next page.
    at: u64,
    /// How many different accounts have been seen.
    seen: u64,
    /// Hashes of the identities in the page before.
    before: Vec<u64>,
    learned: Learned,
}

impl Client<'_> {
    /// One page of all accounts, in the operation's attributes; the item's key is the account's identity.
    ///
    /// Where an attribute is asked for whose place has to be learned, the first page costs the requests
    /// of [`Client::prepare`] more. Only full reads: a `state` is neither taken nor given.
    pub fn accounts(&self, read: &Read) -> Result<Page> {
        let position = match &read.position {
            Some(position) => body::token("position", position)?,
            None => Position {
                at: 1,
                seen: 0,
                before: Vec::new(),
                learned: self.needed(read)?,
            },
        };
        let count = read.limit.clamp(1, self.profile.page);
        let path = Of::Users.page(position.at, count);
        let listing = self.listing(&self.get(&path)?)?;
        let came = listing.resources.len() as u64;

        let mut hashes: Vec<u64> = Vec::with_capacity(listing.resources.len());
        let mut items = Vec::with_capacity(listing.resources.len());
        for account in listing.resources.into_iter().filter_map(Account::read) {
            let hash = hash(&account.id);
            if !position.before.contains(&hash) && !hashes.contains(&hash) {
                let mut data = canonical::data(self.profile, &position.learned, &account.resource);
                if !read.attributes.is_empty() {
                    data.retain(|name, _| read.attributes.contains(name));
                }
                items.push(Item {
                    key: account.id,
                    deleted: false,
                    data: Value::Object(data).to_string(),
                });
            }
            hashes.push(hash);
        }
        let only_known = hashes.iter().all(|hash| position.before.contains(hash));
        if !hashes.is_empty() && only_known {
            return Err(Failure::new(
                FailureKind::Protocol,
                format!(
                    "{} sends the same page of accounts again and again",
                    self.profile.system
                ),
            )
            .code("repeated-page"));
        }

        let next = position.at + came;
        let seen = position.seen + items.len() as u64;
        let ended = came == 0 || listing.total.is_some_and(|total| next > total);
        let mut page = Page {
            items,
            total: listing.total,
            ..Page::default()
        };
        if ended {
            page.complete = listing.total.is_none_or(|total| seen >= total);
        } else {
            let position = Position {
                at: next,
                seen,
                before: hashes,
                learned: position.learned,
            };
            page.next = Some(body::to_token("position", &position)?);
        }
        Ok(page)
    }

    /// What has to be known to read these attributes.
    fn needed(&self, read: &Read) -> Result<Learned> {
        let is_learned = |name: &String| {
            self.profile.attribute(name).is_none_or(|a| match a.home {
                Home::Learned(_) => true,
                Home::At(places) => places.len() > 1,
                Home::Login => false,
            })
        };
        if read.attributes.is_empty() || read.attributes.iter().any(is_learned) {
            self.learn(&read.attributes)
        } else {
            Ok(Learned::default())
        }
    }

    /// How many accounts there are, with one of them read; tests the credential, since descriptions are
    /// often public.
    pub fn probe(&self) -> Result<Option<u64>> {
        Ok(self.listing(&self.get(&Of::Users.page(1, 1))?)?.total)
    }

    /// The list in an answer; a failure if there is none in it.
    pub(crate) fn listing(&self, response: &Response) -> Result<Listing> {
        Listing::read(self.json_of(response)?).ok_or_else(|| {
            Failure::new(
                FailureKind::Protocol,
                format!(
                    "{} sent something else than a list: check the address in the credential",
                    self.profile.system
                ),
            )
            .code("no-list")
        })
    }

    /// Goes through all accounts or groups, for services that cannot be searched.
    pub(crate) fn each(&self, of: Of, mut visit: impl FnMut(&Account)) -> Result<()> {
        let (mut at, mut first) = (1, None);
        loop {
            let path = of.page(at, self.profile.page);
            let listing = self.listing(&self.get(&path)?)?;
            let came = listing.resources.len() as u64;
            let accounts: Vec<Account> = listing
                .resources
                .into_iter()
                .filter_map(Account::read)
                .collect();
            let repeated = first.is_some() && first == accounts.first().map(|a| a.id.clone());
            if came == 0 || repeated {
                return Ok(());
            }
            first = accounts.first().map(|account| account.id.clone());
            accounts.iter().for_each(&mut visit);
            at += came;
            if listing.total.is_some_and(|total| at > total) {
                return Ok(());
            }
        }
    }
}

fn hash(id: &str) -> u64 {
    // Not random per instance, as each page is read by another one.
    let mut hasher = std::hash::DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_come_in_several_shapes() {
        let read =
            |answer| Listing::read(answer).map(|listing| (listing.resources.len(), listing.total));
        assert_eq!(read(json!([{}, {}])), Some((2, Some(2))));
        assert_eq!(
            read(json!({"totalResults": 5, "Resources": [{}]})),
            Some((1, Some(5)))
        );
        assert_eq!(
            read(json!({"totalResults": "5", "resources": [{}]})),
            Some((1, Some(5)))
        );
        assert_eq!(read(json!({"totalResults": 0})), Some((0, Some(0))));
        assert_eq!(read(json!({"Resources": []})), Some((0, None)));
        assert_eq!(read(json!({"error": "ask later"})), None);
        assert_eq!(read(json!("nonsense")), None);
    }
}
