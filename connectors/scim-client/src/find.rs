//! Finding accounts and groups.
//!
//! What a search returns is looked at again here: some services ignore a filter that they do not know,
//! some compare `externalId` without regard to case. A service that cannot search, or that ignores the
//! filter of a list too long for one page, is gone through once for all values of the call.

use matricula_sdk::{Failure, FailureKind, Found, Response, Result};
use serde_json::Value;

use crate::canonical;
use crate::client::{Account, Client, Of};
use crate::failure::scim_type;
use crate::learned::Learned;
use crate::path::Path;
use crate::profile::{DISPLAY_NAME, EXTERNAL_ID, USER_NAME};

/// What accounts and groups are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// Compared exactly.
    ExternalId,
    /// Compared without regard to case.
    UserName,
    /// What a group is called; compared exactly, since groups whose names differ are different groups.
    DisplayName,
}

impl Key {
    fn path(self) -> &'static str {
        match self {
            Self::ExternalId => EXTERNAL_ID,
            Self::UserName => USER_NAME,
            Self::DisplayName => DISPLAY_NAME,
        }
    }

    fn is(self, account: &Account, value: &str) -> bool {
        let found = Path::parse(self.path())
            .get(&account.resource)
            .and_then(Value::as_str);
        found.is_some_and(|found| match self {
            Self::ExternalId | Self::DisplayName => found == value,
            Self::UserName => found.to_lowercase() == value.to_lowercase(),
        })
    }
}

impl Client<'_> {
    /// Finds accounts by the profile's external id, by its login (without regard to case), or by
    /// `remote-id`: one list per value, in order; an empty value finds nothing. One request per value
    /// where the service can search.
    pub fn find(
        &self,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        let learned = Learned::read(prepared)?;
        let is =
            |known: Option<&crate::Attribute>| known.is_some_and(|known| known.name == attribute);
        let accounts = if attribute == crate::REMOTE_ID {
            let one = |id: &String| match id.trim() {
                "" => Ok(Vec::new()),
                id => Ok(self.kept(Of::Users, id)?.into_iter().collect()),
            };
            values.iter().map(one).collect::<Result<_>>()?
        } else if is(self.profile.external_id()) {
            self.search_each(&learned, Of::Users, Key::ExternalId, values)?
        } else if is(self.profile.login()) {
            self.search_each(&learned, Of::Users, Key::UserName, values)?
        } else {
            return Err(Failure::new(
                FailureKind::Internal,
                format!(
                    "accounts in {} cannot be found by {attribute}",
                    self.profile.system
                ),
            )
            .code("not-offered"));
        };
        let found = |account: Account| Found {
            data: Value::Object(canonical::data(self.profile, &learned, &account.resource))
                .to_string(),
            remote_id: account.id,
        };
        Ok(accounts
            .into_iter()
            .map(|list: Vec<_>| list.into_iter().map(found).collect())
            .collect())
    }

    /// The accounts or groups that have each value.
    pub(crate) fn search_each(
        &self,
        learned: &Learned,
        of: Of,
        key: Key,
        values: &[String],
    ) -> Result<Vec<Vec<Account>>> {
        if learned.filter {
            let mut all = Vec::with_capacity(values.len());
            for value in values {
                match self.search_one(of, key, value)? {
                    Some(accounts) => all.push(accounts),
                    None => return self.go_through(of, key, values),
                }
            }
            Ok(all)
        } else {
            self.go_through(of, key, values)
        }
    }

    /// None if the service cannot search for it.
    fn search_one(&self, of: Of, key: Key, value: &str) -> Result<Option<Vec<Account>>> {
        if value.trim().is_empty() {
            return Ok(Some(Vec::new()));
        }
        let response = self.get(&of.search(key.path(), value))?;
        if cannot_search(&response) {
            return Ok(None);
        }
        // Some answer a search without a result by 404.
        if response.status == 404 && scim_type(&response).is_none() {
            return Ok(Some(Vec::new()));
        }
        let listing = self.listing(&response)?;
        let came = listing.resources.len() as u64;
        let mut accounts: Vec<Account> = listing
            .resources
            .into_iter()
            .filter_map(Account::read)
            .collect();
        accounts.retain(|account| key.is(account, value));
        let ignored = (accounts.len() as u64) < came;
        Ok((!ignored || listing.total.is_none_or(|total| total <= came)).then_some(accounts))
    }

    fn go_through(&self, of: Of, key: Key, values: &[String]) -> Result<Vec<Vec<Account>>> {
        let mut all: Vec<Vec<Account>> = vec![Vec::new(); values.len()];
        if values.iter().all(|value| value.trim().is_empty()) {
            return Ok(all);
        }
        self.each(of, |account| {
            for (value, accounts) in values.iter().zip(&mut all) {
                let known = || accounts.iter().any(|known| known.id == account.id);
                if !value.trim().is_empty() && key.is(account, value) && !known() {
                    accounts.push(account.clone());
                }
            }
        })?;
        Ok(all)
    }
}

fn cannot_search(response: &Response) -> bool {
    response.status == 501 || response.status == 400 && scim_type(response) == Some("invalidFilter")
}
