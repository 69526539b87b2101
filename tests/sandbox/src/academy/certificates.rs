//! Participations in courses and the certificates they ended with, as a test sees and changes them.
//!
//! Certificates are issued before anybody has an account, to employees; the academy shows those whose
//! employee has one, found by its external id. So the employee flow decides what a reader of the
//! academy sees, as it does in life. The i-th certificate belongs to the i-th employee, starting over
//! after the last. After every fourth comes a participation without certificate, by turns unfinished
//! and finished without one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::account::Accounts;
use super::pdf::FileBody;
use super::store::Store;
use super::trouble::Trouble;
use crate::rng::Rng;
use crate::{Clock, lock};

/// Larger than Personio takes.
const LARGE: u64 = 32 << 20;

const COURSES: [&str; 8] = [
    "Fire safety",
    "Data protection basics",
    "Arbeitsschutz für Führungskräfte",
    "First aid",
    "Information security",
    "Compliance & anti-corruption",
    "Ladders, platforms, working at height",
    "Gefahrstoffe: Umgang und Lagerung",
];

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The account with this external id, once there is one. The employee flow writes the employee's
    /// id there.
    Employee(String),
    /// The account with this id.
    Account(String),
}

/// A certificate as a test sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certificate {
    /// Its place among all certificates, from 1.
    pub ordinal: usize,
    /// The id that the academy gave it.
    pub id: String,
    /// The external id of the employee; `None` if it was issued to an account by id.
    pub employee: Option<String>,
    /// The id of the account, by which the API shows it; `None` if there is none, then it does not
    /// appear.
    pub account: Option<String>,
    /// The name of the course.
    pub course: String,
    /// The day on which the course was completed, in UTC.
    pub completed_on: Date,
    /// The moment.
    pub completed_at: Timestamp,
    /// The number printed on it.
    pub number: String,
    /// The size of its file in bytes; `None` if the file is gone.
    pub size: Option<u64>,
    /// SHA-256 of its file as hexadecimal digits; `None` if the file is gone, or was not asked for.
    pub sha256: Option<String>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The id of the certificate that replaces it.
    pub replaced_by: Option<String>,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
}

/// What a certificate is issued with; see [`Certificates::issue`].
#[derive(Clone, Debug)]
pub struct Issue {
    /// Who gets it.
    pub holder: Holder,
    /// The name of the course; `None` for one from the academy's list.
    pub course: Option<String>,
    /// When the course was completed; `None` for now.
    pub completed_at: Option<Timestamp>,
    /// The size of its file in bytes; `None` for what the sandbox was started with.
    pub bytes: Option<u64>,
    /// What is wrong with it.
    pub trouble: Option<Trouble>,
}

impl Issue {
    /// A certificate for somebody, completed now, with nothing wrong.
    pub fn to(holder: Holder) -> Self {
        Self {
            holder,
            course: None,
            completed_at: None,
            bytes: None,
            trouble: None,
        }
    }
}

/// The certificates of the academy; clones show the same ones.
#[derive(Clone)]
pub struct Certificates {
    inner: Arc<Mutex<Register>>,
    accounts: Accounts,
    clock: Clock,
}

/// What is known of courses and who took part in them.
pub(super) struct Register {
    seed: u64,
    bytes: u64,
    pub(super) base: String,
    courses: Vec<String>,
    pub(super) participations: Vec<Participation>,
    /// The places of those with a certificate, by ordinal.
    issued: Vec<usize>,
    /// The same by id.
    by_id: HashMap<String, usize>,
}

pub(super) struct Participation {
    pub id: String,
    pub holder: Holder,
    pub course: usize,
    pub started: Timestamp,
    pub completed: Option<Timestamp>,
    pub updated: Timestamp,
    pub certificate: Option<Issued>,
}

pub(super) struct Issued {
    ordinal: usize,
    pub id: String,
    pub number: String,
    bytes: u64,
    pub issued: Timestamp,
    pub expires: Option<Timestamp>,
    pub revoked: Option<Timestamp>,
    pub replaced_by: Option<String>,
    trouble: Option<Trouble>,
    sha256: Option<String>,
}

/// What the register is filled with at first.
pub(crate) struct Filling<'a> {
    pub seed: u64,
    pub bytes: u64,
    pub base: String,
    /// So many certificates for these external ids in turn.
    pub count: usize,
    pub employees: &'a [u64],
    /// One certificate for each of these accounts.
    pub accounts: &'a [String],
    /// What is wrong with which ordinal.
    pub troubles: &'a [(Trouble, usize)],
}

impl Certificates {
    pub(crate) fn new(filling: Filling<'_>, accounts: Accounts, clock: Clock) -> Self {
        let now = clock.now().as_second();
        let now = Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut register = Register {
            seed: filling.seed,
            bytes: filling.bytes,
            base: filling.base,
            courses: COURSES.map(str::to_owned).to_vec(),
            participations: Vec::with_capacity(filling.count + filling.count / 4),
            issued: Vec::with_capacity(filling.count),
            by_id: HashMap::with_capacity(filling.count),
        };
        let mut rng = Rng::new(filling.seed ^ 0xCE47);
        let employees = filling.employees.iter().cycle().take(filling.count);
        let holders = employees
            .map(|id| Holder::Employee(id.to_string()))
            .chain(filling.accounts.iter().cloned().map(Holder::Account));
        for (ordinal, holder) in (1..).zip(holders) {
            let before = i64::from(60 + rng.below(700 * 86_400));
            let completed = later(now, -before);
            let place = register.issue(&holder, None, completed, filling.bytes);
            for (trouble, _) in filling.troubles.iter().filter(|t| t.1 == ordinal) {
                let next = register.id(1, ordinal + filling.employees.len());
                register.spoil(place, Some(*trouble), now, &next);
            }
            if ordinal % 4 == 0 {
                let finished = ordinal % 8 == 0;
                register.take_part(holder, None, completed, finished.then_some(completed));
            }
        }
        Self {
            inner: Arc::new(Mutex::new(register)),
            accounts,
            clock,
        }
    }

    /// Looks at participations and accounts together.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Register, &Store) -> T) -> T {
        let register = lock(&self.inner);
        self.accounts.with(|store| f(&register, store))
    }

    /// How many there are, shown by the API or not.
    pub fn len(&self) -> usize {
        lock(&self.inner).issued.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All certificates by ordinal. With `hashes`, files that were not hashed before are made for it,
    /// which takes a second for some hundreds of megabytes.
    pub fn list(&self, hashes: bool) -> Vec<Certificate> {
        if hashes {
            let open: Vec<(usize, Option<FileBody>)> = {
                let register = lock(&self.inner);
                let open = register.issued.iter().copied();
                open.filter(|&place| {
                    register
                        .certificate(place)
                        .is_some_and(|c| c.sha256.is_none())
                })
                .map(|place| (place, register.file(place)))
                .collect()
            };
            // Nothing is locked meanwhile: clients go on being served.
            for (place, file) in open {
                let hash = file.map(FileBody::sha256);
                if let Some(issued) = lock(&self.inner).certificate_mut(place) {
                    issued.sha256 = hash;
                }
            }
        }
        self.with(|register, store| {
            let places = register.issued.iter();
            places
                .filter_map(|&place| register.shown(place, store, hashes))
                .collect()
        })
    }

    /// Issues one more certificate, the last of the list, and returns its id.
    pub fn issue(&self, issue: &Issue) -> String {
        let now = self.clock.now();
        let register = &mut *lock(&self.inner);
        let course = issue.course.as_deref();
        let completed = issue.completed_at.unwrap_or(now);
        let bytes = issue.bytes.unwrap_or(register.bytes);
        let place = register.issue(&issue.holder, course, completed, bytes);
        let next = register.id(1, register.issued.len() + 1);
        register.spoil(place, issue.trouble, now, &next);
        let issued = register.certificate(place);
        issued.map(|c| c.id.clone()).unwrap_or_default()
    }

    /// Revokes a certificate now; false if there is none with this id.
    pub fn revoke(&self, id: &str) -> bool {
        self.set_trouble(id, Some(Trouble::Revoked))
    }

    /// Sets what is wrong with a certificate from now on, or that nothing is; false if there is none
    /// with this id. A replaced one is replaced by a certificate that is issued now for the same
    /// course to the same person.
    pub fn set_trouble(&self, id: &str, trouble: Option<Trouble>) -> bool {
        let now = self.clock.now();
        let register = &mut *lock(&self.inner);
        let Some(place) = register.place(id) else {
            return false;
        };
        let mut next = String::new();
        if trouble == Some(Trouble::Replaced)
            && let Some(old) = register.participations.get(place)
        {
            let (holder, course, bytes) = (old.holder.clone(), old.course, register.bytes);
            let course = register.courses.get(course).cloned();
            let new = register.issue(&holder, course.as_deref(), now, bytes);
            next = register
                .certificate(new)
                .map(|c| c.id.clone())
                .unwrap_or_default();
        }
        register.spoil(place, trouble, now, &next);
        true
    }
}

impl Register {
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    fn certificate(&self, place: usize) -> Option<&Issued> {
        self.participations.get(place)?.certificate.as_ref()
    }

    fn certificate_mut(&mut self, place: usize) -> Option<&mut Issued> {
        self.participations.get_mut(place)?.certificate.as_mut()
    }

    pub(super) fn course(&self, number: usize) -> &str {
        self.courses.get(number).map_or("", String::as_str)
    }

    pub(super) fn course_id(&self, number: usize) -> String {
        self.id(2, number)
    }

    /// The account that a participation belongs to.
    pub(super) fn account(&self, participation: &Participation, store: &Store) -> Option<usize> {
        match &participation.holder {
            Holder::Employee(id) => store
                .by_external_id(id)
                .or_else(|| store.by_external_id(&crate::kombo::employee_id(id))),
            Holder::Account(id) => store.find(id),
        }
    }

    /// The file of a certificate; `None` if it is gone.
    pub(super) fn file(&self, place: usize) -> Option<FileBody> {
        let issued = self.certificate(place)?;
        let pdf = |bytes| Some(FileBody::pdf(&issued.id, &issued.number, bytes));
        match issued.trouble {
            Some(Trouble::Gone) => None,
            Some(Trouble::Empty) => Some(FileBody::of("")),
            Some(Trouble::NoPdf) => Some(FileBody::of(format!(
                "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Please sign \
                 in to see certificate {}.</p></body></html>\n",
                issued.number
            ))),
            Some(Trouble::Large) => pdf(LARGE),
            Some(Trouble::Revoked | Trouble::Expired | Trouble::Replaced) | None => {
                pdf(issued.bytes)
            }
        }
    }

    /// An id that follows from the seed, what it is for, and a number.
    fn id(&self, what: u64, number: usize) -> String {
        let mut rng = Rng::new(self.seed ^ what << 56 ^ (number as u64) << 8);
        let (a, b) = (rng.next(), rng.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xFFFF,
            a & 0xFFF,
            b >> 48 & 0x3FFF | 0x8000,
            b & 0xFFFF_FFFF_FFFF
        )
    }

    fn take_part(
        &mut self,
        holder: Holder,
        course: Option<&str>,
        updated: Timestamp,
        completed: Option<Timestamp>,
    ) -> usize {
        let place = self.participations.len();
        let course = match course {
            None => place % COURSES.len(),
            Some(name) => match self.courses.iter().position(|c| c == name) {
                Some(known) => known,
                None => {
                    self.courses.push(name.to_owned());
                    self.courses.len() - 1
                }
            },
        };
        self.participations.push(Participation {
            id: self.id(3, place),
            holder,
            course,
            started: later(updated, -7 * 86_400),
            completed,
            updated,
            certificate: None,
        });
        place
    }

    fn issue(
        &mut self,
        holder: &Holder,
        course: Option<&str>,
        completed: Timestamp,
        bytes: u64,
    ) -> usize {
        let place = self.take_part(holder.clone(), course, completed, Some(completed));
        self.issued.push(place);
        let ordinal = self.issued.len();
        let id = self.id(1, ordinal);
        self.by_id.insert(id.clone(), place);
        let issued = later(completed, 40);
        if let Some(participation) = self.participations.get_mut(place) {
            participation.updated = issued;
            participation.certificate = Some(Issued {
                ordinal,
                id,
                number: format!("RT-{:06}", 100_000 + ordinal),
                bytes,
                issued,
                // Every other course has to be taken again some day, none of them soon.
                expires: participation
                    .course
                    .is_multiple_of(2)
                    .then(|| later(issued, 1_095 * 86_400)),
                revoked: None,
                replaced_by: None,
                trouble: None,
                sha256: None,
            });
        }
        place
    }

    fn spoil(&mut self, place: usize, trouble: Option<Trouble>, now: Timestamp, next: &str) {
        let Some(participation) = self.participations.get_mut(place) else {
            return;
        };
        let Some(issued) = &mut participation.certificate else {
            return;
        };
        if issued.trouble == trouble {
            return;
        }
        participation.updated = now;
        issued.sha256 = None;
        issued.revoked = (trouble == Some(Trouble::Revoked)).then_some(now);
        issued.replaced_by = (trouble == Some(Trouble::Replaced)).then(|| next.to_owned());
        if issued.trouble == Some(Trouble::Expired) {
            issued.expires = None;
        }
        issued.trouble = trouble;
        if trouble == Some(Trouble::Expired) {
            issued.expires = Some(later(now, -86_400));
        }
    }

    fn shown(&self, place: usize, store: &Store, hashed: bool) -> Option<Certificate> {
        let participation = self.participations.get(place)?;
        let issued = participation.certificate.as_ref()?;
        let completed = participation.completed.unwrap_or(participation.updated);
        let account = self.account(participation, store);
        Some(Certificate {
            ordinal: issued.ordinal,
            id: issued.id.clone(),
            employee: match &participation.holder {
                Holder::Employee(id) => Some(id.clone()),
                Holder::Account(_) => None,
            },
            account: account
                .and_then(|slot| store.record(slot))
                .map(|r| r.id.to_string()),
            course: self.course(participation.course).to_owned(),
            completed_on: completed.to_zoned(jiff::tz::TimeZone::UTC).date(),
            completed_at: completed,
            number: issued.number.clone(),
            size: self.file(place).map(|file| file.len()),
            sha256: issued.sha256.clone().filter(|_| hashed),
            expires_at: issued.expires,
            revoked_at: issued.revoked,
            replaced_by: issued.replaced_by.clone(),
            trouble: issued.trouble,
        })
    }
}

fn later(moment: Timestamp, seconds: i64) -> Timestamp {
    let by = SignedDuration::from_secs(seconds);
    moment.saturating_add(by).unwrap_or(moment)
}
