//! What the listeners share.

use std::sync::Mutex;

use crate::academy::{Accounts, RestTokens};
use crate::config::{Config, Employees};
use crate::faults::Faults;
use crate::hooks::Hooks;
use crate::journal::Journal;
use crate::personio::{Directory, People, PersonioLimits, PersonioTokens};
use crate::{Addresses, Clock};

pub(crate) struct Shared {
    pub config: Config,
    pub clock: Clock,
    pub journal: Journal,
    pub faults: Faults,
    pub before: Hooks,
    pub after: Hooks,
    pub people: People,
    pub accounts: Accounts,
    pub personio_tokens: PersonioTokens,
    pub personio_limits: Mutex<Option<PersonioLimits>>,
    pub rest_tokens: RestTokens,
}

impl Shared {
    pub(crate) fn new(mut config: Config, addresses: &Addresses) -> anyhow::Result<Self> {
        let clock = Clock::default();
        if let Some(now) = config.now {
            clock.set(now);
        }
        let mut directory = match config.employees.take() {
            Some(Employees::File(file)) => Directory::captured_file(&file, config.language)?,
            Some(Employees::Answer(answer)) => Directory::captured(&answer, config.language)?,
            None => Directory::made_up(config.people, config.seed, clock.now(), config.language),
        };
        for key in &config.hidden {
            directory.hide(key);
        }
        let faults = Faults::new(config.seed);
        for fault in config.faults.drain(..) {
            faults.add(fault);
        }
        let base = config
            .public_scim_url
            .clone()
            .unwrap_or_else(|| addresses.scim.clone());
        Ok(Self {
            people: People::new(directory, clock.clone()),
            accounts: Accounts::new(config.seed, config.schemas, base, clock.clone()),
            personio_tokens: PersonioTokens::new(config.seed, config.personio_token_life),
            personio_limits: Mutex::new(config.limits.as_ref().map(PersonioLimits::new)),
            rest_tokens: RestTokens::new(config.seed, config.rest_token_life),
            journal: Journal::default(),
            faults,
            before: Hooks::default(),
            after: Hooks::default(),
            clock,
            config,
        })
    }
}
