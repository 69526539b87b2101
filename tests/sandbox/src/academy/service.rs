//! The SCIM services, each with accounts, a token and habits of its own.

use std::collections::BTreeMap;

use super::account::Accounts;
use super::flavour::Flavour;
use crate::Clock;
use crate::config::Config;
use crate::system::{Addresses, System};

/// One SCIM service.
pub(crate) struct Service {
    pub token: String,
    pub flavour: Flavour,
    pub accounts: Accounts,
}

/// All of them.
pub(crate) struct Services(BTreeMap<System, Service>);

impl Services {
    pub(crate) fn new(config: &Config, addresses: &Addresses, clock: &Clock) -> Self {
        let all = config.flavours.iter().map(|(&system, flavour)| {
            let base = flavour.public_url.clone();
            let base = base.unwrap_or_else(|| addresses.of(system).to_owned());
            // Ids of one service must mean nothing to another.
            let seed = config.seed ^ (system.index() as u64) << 32;
            let service = Service {
                token: config.credentials.scim_token_of(system).to_owned(),
                flavour: flavour.clone(),
                accounts: Accounts::new(seed, flavour, base, clock.clone()),
            };
            (system, service)
        });
        Self(all.collect())
    }

    /// The service of a system, if it is one that speaks SCIM.
    pub(crate) fn get(&self, system: System) -> Option<&Service> {
        self.0.get(&system)
    }

    /// The same for a test, which knows what it asks for.
    #[expect(
        clippy::panic,
        reason = "a test that asks for the wrong system is to fail"
    )]
    pub(crate) fn of(&self, system: System) -> &Service {
        let service = self.get(system);
        service.unwrap_or_else(|| panic!("{system} is no SCIM service"))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (System, &Service)> {
        self.0.iter().map(|(&system, service)| (system, service))
    }
}
