//! Made-up people: drawn from a seed, kept in about a hundred bytes each, written when asked for.

use std::collections::HashMap;
use std::io::Write as _;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::field::Field;
use super::words;
use crate::rng::Rng;

/// The first made-up person's id.
const FIRST_ID: u64 = 14_200_001;

/// One made-up person.
pub(super) struct Made {
    first: u16,
    last: u16,
    /// Which of the people with the same name; part of the e-mail address from the second on.
    nth: u16,
    gender: u8,
    status: u8,
    position: u8,
    hours: u8,
    department: u8,
    office: u8,
    subcompany: u8,
    team: u8,
    cost: u8,
    /// Which of Personio's ways of writing "no object" this person's empty objects have.
    hollow: u8,
    trainings: u8,
    languages: u8,
    marital: u8,
    occupation: u8,
    external: bool,
    tags_as_json: bool,
    london: bool,
    hire: Option<Date>,
    contract_end: Option<Date>,
    termination: Option<Date>,
    last_day: Option<Date>,
    probation: Option<Date>,
    birth: Date,
    /// In cents.
    salary: u32,
    serial: u32,
    created: i64,
    pub supervisor: Option<u64>,
}

/// Stands for "none" in the small fields.
const NONE: u8 = u8::MAX;

/// Draws a population; returns id, last change and person, in the order in which Personio lists them.
pub(super) fn draw(count: usize, seed: u64, now: Timestamp) -> Vec<(u64, i64, Made)> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut rng = Rng::new(seed);
    let ids: Vec<u64> = (0..count as u64)
        .map(|i| FIRST_ID + i * 3 + u64::from(rng.below(3)))
        .collect();
    let supervisors = tree(&ids, &mut rng);
    let mut names: HashMap<(u16, u16), u16> = HashMap::new();
    let mut people = Vec::with_capacity(count);
    for (index, (&id, supervisor)) in ids.iter().zip(supervisors).enumerate() {
        let mut made = person(&mut rng, today, now.as_second());
        let nth = names.entry((made.first, made.last)).or_insert(0);
        *nth += 1;
        made.nth = *nth;
        made.serial = u32::try_from(index + 1).unwrap_or(u32::MAX);
        made.supervisor = supervisor;
        let changed = made.created + i64::from(rng.below(20_000_000));
        people.push((id, changed.min(now.as_second() - 3600), made));
    }
    people
}

/// Everybody's supervisor: a tree of about ten reports each whose levels lie scattered over the list,
/// so that half of all supervisors come later in it than those who report to them.
fn tree(ids: &[u64], rng: &mut Rng) -> Vec<Option<u64>> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    for i in (1..order.len()).rev() {
        let bound = u32::try_from(i + 1).unwrap_or(u32::MAX);
        order.swap(i, rng.below(bound) as usize);
    }
    let mut supervisors = vec![None; ids.len()];
    for (rank, &index) in order.iter().enumerate().skip(1) {
        if !rng.per_mille(20) {
            supervisors[index] = Some(ids[order[(rank - 1) / 10]]);
        }
    }
    supervisors
}

fn person(rng: &mut Rng, today: Date, now: i64) -> Made {
    let mut pick =
        |list: usize| u8::try_from(rng.below(u32::try_from(list).unwrap_or(0))).unwrap_or(0);
    let female = pick(2) == 0;
    let names = if female {
        words::FEMALE.len()
    } else {
        words::MALE.len()
    };
    let first = u16::from(pick(names)) * 2 + u16::from(!female);
    let last = u16::from(pick(words::LAST.len()));
    let position = pick(words::POSITIONS.len());
    let department = pick(words::DEPARTMENTS.len());
    let office = pick(words::OFFICES.len());
    let subcompany = pick(words::SUBCOMPANIES.len());
    let team = pick(words::TEAMS.len());
    let (hours, cost, hollow, marital, occupation) = (pick(5), pick(3), pick(16), pick(4), pick(4));
    let (trainings, languages) = (pick(16), pick(16));
    let or_none =
        |value: u8, rng: &mut Rng, share: u32| if rng.per_mille(share) { NONE } else { value };
    let days = |date: Date, days: i64| date.saturating_add(days.days());
    let ago = |rng: &mut Rng, least: u32, most: u32| {
        days(today, -i64::from(least + rng.below(most - least)))
    };
    let ahead = |rng: &mut Rng, least: u32, most: u32| {
        days(today, i64::from(least + rng.below(most - least)))
    };

    // Shares of the whole: 4 % onboarding, 12 % inactive, 4 % on leave, the rest active.
    let lot = rng.below(1000);
    let (mut contract_end, mut termination, mut last_day) = (None, None, None);
    let (status, hire) = if lot < 40 {
        (0, Some(ahead(rng, 1, 120)))
    } else if lot < 160 {
        let left = ago(rng, 1, 1500);
        if rng.per_mille(500) {
            contract_end = Some(left);
        } else {
            termination = Some(left);
            last_day = Some(days(left, -i64::from(rng.below(14))));
        }
        (3, Some(days(left, -i64::from(90 + rng.below(3000)))))
    } else {
        match rng.below(100) {
            // A fixed term that goes on, one that has run out unnoticed, and a notice given.
            0..12 => contract_end = Some(ahead(rng, 1, 700)),
            12..14 => contract_end = Some(ago(rng, 0, 60)),
            14..17 => {
                let leaves = ahead(rng, 1, 180);
                termination = Some(leaves);
                last_day = Some(days(leaves, -i64::from(rng.below(14))));
            }
            _ => {}
        }
        let hire = (!rng.per_mille(10)).then(|| ago(rng, 61, 7000));
        (if lot < 200 { 2 } else { 1 }, hire)
    };
    let gender = if rng.per_mille(60) {
        0
    } else if rng.per_mille(15) {
        3
    } else if female {
        2
    } else {
        1
    };
    Made {
        first,
        last,
        nth: 1,
        gender,
        status,
        position: or_none(position, rng, 40),
        hours,
        department: or_none(department, rng, 20),
        office: or_none(office, rng, 40),
        subcompany: or_none(subcompany, rng, 150),
        team: or_none(team, rng, 300),
        cost,
        hollow,
        trainings,
        languages,
        marital,
        occupation,
        external: rng.per_mille(80),
        tags_as_json: rng.per_mille(150),
        london: (office == 0) != rng.per_mille(60),
        hire,
        contract_end,
        termination,
        last_day,
        probation: hire.map(|h| days(h, 181)),
        birth: ago(rng, 17 * 366, 64 * 365),
        salary: 200_000 + rng.below(600_000),
        serial: 0,
        created: now - 86_400 - i64::from(rng.below(160_000_000)),
        supervisor: None,
    }
}

impl Made {
    pub(super) fn first_name(&self) -> &'static str {
        let list = if self.first.is_multiple_of(2) {
            &words::FEMALE
        } else {
            &words::MALE
        };
        list.get(usize::from(self.first / 2))
            .copied()
            .unwrap_or("Kim")
    }

    pub(super) fn last_name(&self) -> &'static str {
        words::LAST
            .get(usize::from(self.last))
            .copied()
            .unwrap_or("Muster")
    }

    /// Writes the value of an attribute. The supervisor and the last change are not this person's
    /// to write: they are `null` here.
    pub(super) fn write(&self, field: Field, id: u64, out: &mut Vec<u8>) {
        match field {
            Field::Id => number(out, id),
            Field::FirstName => text(out, self.first_name()),
            Field::LastName => text(out, self.last_name()),
            Field::Email => self.email(out),
            Field::Gender => {
                out.extend_from_slice(word(self.gender, ["\"\"", "\"male\"", "\"female\"", "\"diverse\""]));
            }
            Field::Status => out.extend_from_slice(word(
                self.status,
                ["\"onboarding\"", "\"active\"", "\"leave\"", "\"inactive\""],
            )),
            Field::Position => named(out, &words::POSITIONS, self.position),
            Field::EmploymentType => {
                out.extend_from_slice(if self.external { b"\"external\"" } else { b"\"internal\"" });
            }
            Field::WeeklyHours => out.extend_from_slice(
                [&b"\"40\""[..], b"\"40\"", b"\"37.5\"", b"\"20\"", b"\"30\""]
                    [usize::from(self.hours % 5)],
            ),
            Field::HireDate => self.date(self.hire, out),
            Field::ContractEnd => self.date(self.contract_end, out),
            Field::Termination => self.date(self.termination, out),
            Field::LastWorkingDay => self.date(self.last_day, out),
            Field::ProbationEnd => self.date(self.probation, out),
            Field::Birthday => self.date(Some(self.birth), out),
            Field::TerminationType => out.extend_from_slice(match self.termination {
                Some(_) if self.status == 3 => b"\"employee\"",
                _ => b"\"\"",
            }),
            Field::CreatedAt => self.moment(self.created, out),
            Field::Department => {
                self.unit(out, "Department", 4_100_000, &words::DEPARTMENTS, self.department);
            }
            Field::Office => self.unit(out, "Office", 1_560_000, &words::OFFICES, self.office),
            Field::Subcompany => {
                self.unit(out, "Subcompany", 7_100, &words::SUBCOMPANIES, self.subcompany);
            }
            Field::Team => self.unit(out, "Team", 1_790_000, &words::TEAMS, self.team),
            Field::CostCenters => self.cost_centers(out),
            Field::HolidayCalendar => out.extend_from_slice(
                b"{\"type\":\"HolidayCalendar\",\"attributes\":{\"id\":189,\"name\":\"Example public holidays\",\"country\":null,\"state\":null}}",
            ),
            Field::AbsenceEntitlement => out.extend_from_slice(
                b"[{\"type\":\"TimeOffType\",\"attributes\":{\"id\":2179197,\"name\":\"Paid vacation\",\"category\":\"paid_vacation\",\"entitlement\":30}}]",
            ),
            // An id that a double cannot hold: it ends in an odd digit beyond 2^53.
            Field::WorkSchedule => out.extend_from_slice(
                b"{\"type\":\"WorkSchedule\",\"attributes\":{\"id\":1067807102794692001,\"name\":\"Full-time, 40 hours without time tracking, (mon,tue,wed,thu,fri)\",\"valid_from\":null,\"monday\":\"08:00\",\"tuesday\":\"08:00\",\"wednesday\":\"08:00\",\"thursday\":\"08:00\",\"friday\":\"08:00\",\"saturday\":\"00:00\",\"sunday\":\"00:00\"}}",
            ),
            Field::FixSalary => {
                number(out, u64::from(self.salary / 100));
                if !self.salary.is_multiple_of(4) {
                    let _ = write!(out, ".{:02}", (self.salary % 99) + 1);
                }
            }
            Field::SalaryInterval => out.extend_from_slice(b"\"monthly\""),
            Field::HourlySalary => out.extend_from_slice(b"0"),
            Field::VacationBalance => {
                number(out, u64::from(self.salary % 31));
                if self.salary.is_multiple_of(3) {
                    out.extend_from_slice(b".5");
                }
            }
            Field::ProfilePicture => {
                let _ = write!(
                    out,
                    "\"https://api.personio.de/v1/company/employees/{id}/profile-picture\""
                );
            }
            Field::PersonnelNumber => {
                let _ = write!(out, "\"{}\"", self.serial);
            }
            Field::MaritalStatus => named(out, &words::MARITAL, self.marital),
            Field::Trainings => self.tags(out, &words::TRAININGS, self.trainings),
            Field::Languages => self.tags(out, &words::LANGUAGES, self.languages),
            Field::Occupation => named(out, &words::OCCUPATIONS, self.occupation),
            Field::Supervisor | Field::LastModifiedAt => out.extend_from_slice(b"null"),
            Field::TerminationReason | Field::LinkedIn | Field::Notes => {
                out.extend_from_slice(b"\"\"");
            }
        }
    }

    fn email(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        words::ascii(self.first_name(), out);
        out.push(b'.');
        words::ascii(self.last_name(), out);
        if self.nth > 1 {
            number(out, u64::from(self.nth));
        }
        out.extend_from_slice(b"@example.com\"");
    }

    fn date(&self, date: Option<Date>, out: &mut Vec<u8>) {
        match date {
            None => out.extend_from_slice(b"null"),
            Some(date) => {
                out.push(b'"');
                midnight(date, self.london, out);
                out.push(b'"');
            }
        }
    }

    /// A moment in this person's local time.
    pub(super) fn moment(&self, second: i64, out: &mut Vec<u8>) {
        moment(second, self.london, out);
    }

    fn unit(&self, out: &mut Vec<u8>, kind: &str, base: u64, names: &[&str], index: u8) {
        match names.get(usize::from(index)) {
            None => out.extend_from_slice(match self.hollow {
                0 => b"\"\"",
                1 => b"[]",
                _ => b"null",
            }),
            Some(name) => {
                let id = base + u64::from(index);
                let _ = write!(
                    out,
                    "{{\"type\":\"{kind}\",\"attributes\":{{\"id\":{id},\"name\":\"{name}\"}}}}"
                );
            }
        }
    }

    fn cost_centers(&self, out: &mut Vec<u8>) {
        let center = |out: &mut Vec<u8>, n: u64, share: u64| {
            let _ = write!(
                out,
                "{{\"type\":\"CostCenter\",\"attributes\":{{\"id\":{},\"name\":\"Cost center {n}\",\"percentage\":{share}}}}}",
                773_240 + n
            );
        };
        match self.cost {
            0 => out.extend_from_slice(b"[]"),
            1 => {
                out.push(b'[');
                center(out, 1, 100);
                out.push(b']');
            }
            _ => {
                out.push(b'[');
                center(out, 1, 60);
                out.push(b',');
                center(out, 2, 40);
                out.push(b']');
            }
        }
    }

    /// Tags in one of Personio's two encodings: joined by commas, or a JSON list within the text.
    fn tags(&self, out: &mut Vec<u8>, names: &[&str], chosen: u8) {
        let mut list = Vec::new();
        for (bit, name) in names.iter().enumerate() {
            // A tag with a comma of its own can only be told apart in a JSON list.
            if chosen >> bit & 1 == 1 && (self.tags_as_json || !name.contains(',')) {
                list.push(*name);
            }
        }
        let joined = match serde_json::to_string(&list) {
            Ok(json) if self.tags_as_json && !list.is_empty() => json,
            _ => list.join(","),
        };
        text(out, &joined);
    }
}

/// The JSON text of a string.
pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, value);
}

fn number(out: &mut Vec<u8>, value: u64) {
    let _ = write!(out, "{value}");
}

fn named(out: &mut Vec<u8>, names: &[&str], index: u8) {
    text(
        out,
        names.get(usize::from(index)).copied().unwrap_or_default(),
    );
}

fn word(index: u8, words: [&'static str; 4]) -> &'static [u8] {
    words[usize::from(index % 4)].as_bytes()
}

fn two(out: &mut Vec<u8>, value: i8) {
    let value = value.unsigned_abs();
    out.extend_from_slice(&[b'0' + value / 10 % 10, b'0' + value % 10]);
}

fn day(date: Date, out: &mut Vec<u8>) {
    let year = date.year().unsigned_abs();
    for place in [1000, 100, 10, 1] {
        out.push(b'0' + u8::try_from(year / place % 10).unwrap_or(0));
    }
    out.push(b'-');
    two(out, date.month());
    out.push(b'-');
    two(out, date.day());
}

/// Whether summer time is in force in Europe at the start of a day.
fn summer(date: Date) -> bool {
    let last_sunday = |month: i8| {
        Date::new(date.year(), month, 31)
            .map(|end| 31 - end.weekday().to_sunday_zero_offset())
            .unwrap_or(31)
    };
    match date.month() {
        4..=9 => true,
        3 => date.day() > last_sunday(3),
        10 => date.day() <= last_sunday(10),
        _ => false,
    }
}

/// Midnight at the start of a day, as Personio writes dates: in the local offset of that day.
pub(super) fn midnight(date: Date, london: bool, out: &mut Vec<u8>) {
    day(date, out);
    out.extend_from_slice(b"T00:00:00+0");
    out.push(b'0' + u8::from(summer(date)) + u8::from(!london));
    out.extend_from_slice(b":00");
}

/// A moment as Personio writes it, in quotes.
pub(super) fn moment(second: i64, london: bool, out: &mut Vec<u8>) {
    let utc = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = jiff::tz::Offset::UTC.to_datetime(utc).date();
    let hours = i8::from(summer(date)) + i8::from(!london);
    let local = jiff::tz::offset(hours).to_datetime(utc);
    out.push(b'"');
    day(local.date(), out);
    out.push(b'T');
    two(out, local.hour());
    out.push(b':');
    two(out, local.minute());
    out.push(b':');
    two(out, local.second());
    out.extend_from_slice(b"+0");
    out.push(b'0' + hours.unsigned_abs());
    out.extend_from_slice(b":00\"");
}
