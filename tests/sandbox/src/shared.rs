//! What the listeners share.

use std::sync::Mutex;

use anyhow::Context as _;
use serde_json::json;

use crate::academy::{Accounts, Certificates, Filling, RestTokens, Services};
use crate::config::{Config, Employees};
use crate::engagedly::{Engagedly, Rate};
use crate::faults::Faults;
use crate::hooks::Hooks;
use crate::journal::Journal;
use crate::kombo::Kombo;
use crate::personio::{
    Directory, Documents, People, PersonioLimits, PersonioTokens, PersonioTokensV2,
};
use crate::system::System;
use crate::{Addresses, Clock, winningtemp};

pub(crate) struct Shared {
    pub config: Config,
    pub clock: Clock,
    pub journal: Journal,
    pub faults: Faults,
    pub before: Hooks,
    pub after: Hooks,
    pub people: People,
    pub documents: Documents,
    pub kombo: Kombo,
    /// The SCIM services by system.
    pub services: Services,
    /// The academy's, which its REST API shows too.
    pub accounts: Accounts,
    pub certificates: Certificates,
    pub engagedly: Engagedly,
    pub engagedly_rate: Mutex<Option<Rate>>,
    pub personio_tokens: PersonioTokens,
    pub personio_tokens_v2: PersonioTokensV2,
    pub personio_limits: Mutex<Option<PersonioLimits>>,
    pub rest_tokens: RestTokens,
    pub winningtemp_tokens: winningtemp::Tokens,
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
        let people = People::new(directory, clock.clone());
        let services = Services::new(&config, addresses, &clock);
        let academy = services.get(System::Scim);
        let accounts = academy
            .context("the academy has no SCIM service")?
            .accounts
            .clone();
        let certificates = certificates(&config, &people, &accounts, &clock)?;
        Ok(Self {
            documents: Documents::new(
                &config.categories,
                config.language,
                config.documents_read,
                clock.clone(),
            ),
            kombo: Kombo::new(
                &config.credentials.kombo_integration_id,
                &config.credentials.kombo_webhook_secret,
                clock.clone(),
            ),
            people,
            services,
            accounts,
            certificates,
            engagedly: Engagedly::new(config.seed, clock.clone()),
            engagedly_rate: Mutex::new(
                config
                    .engagedly_limit
                    .map(|most| Rate::new(most, config.engagedly_minute)),
            ),
            personio_tokens: PersonioTokens::new(config.seed, config.personio_token_life),
            personio_tokens_v2: PersonioTokensV2::new(config.seed, config.personio_token_life),
            personio_limits: Mutex::new(config.limits.as_ref().map(PersonioLimits::new)),
            rest_tokens: RestTokens::new(config.seed, config.rest_token_life),
            winningtemp_tokens: winningtemp::Tokens::new(config.seed),
            journal: Journal::default(),
            faults,
            before: Hooks::default(),
            after: Hooks::default(),
            clock,
            config,
        })
    }
}

/// The certificates to begin with, and the accounts of those who are no employees.
fn certificates(
    config: &Config,
    people: &People,
    accounts: &Accounts,
    clock: &Clock,
) -> anyhow::Result<Certificates> {
    let employees = people.ids();
    anyhow::ensure!(
        config.certificates == 0 || !employees.is_empty(),
        "certificates are issued to people, and there are none; give some, or no certificates"
    );
    let all = config.certificates + config.nobody;
    for (trouble, ordinal) in &config.troubles {
        anyhow::ensure!(
            (1..=all).contains(ordinal),
            "there is no certificate {ordinal} to be {}; there are {all}",
            trouble.name()
        );
    }
    let mut nobody = Vec::with_capacity(config.nobody);
    for n in 1..=config.nobody {
        let address = format!("guest-{n}@example.org");
        let user = json!({
            "userName": address,
            "name": {"givenName": "Guest", "familyName": format!("Number {n}")},
            "emails": [{"type": "work", "value": address, "primary": true}],
            "active": true,
        });
        let account = accounts.insert(user).map_err(anyhow::Error::msg)?;
        nobody.push(account.id);
    }
    let filling = Filling {
        seed: config.certificate_seed.unwrap_or(config.seed),
        bytes: config.certificate_bytes,
        base: config.public_reteach_url.clone(),
        count: config.certificates,
        employees: &employees,
        accounts: &nobody,
        troubles: &config.troubles,
    };
    Ok(Certificates::new(filling, accounts.clone(), clock.clone()))
}
