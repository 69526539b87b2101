//! What the organisation has: users, what they point to, attributes, reasons.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::rng::Rng;

/// What users point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `departments`, by UUID; a user has several.
    Department,
    /// `businesses`, by UUID; a user has several.
    Business,
    /// `locations`, by number.
    Location,
    /// `job_titles`, by number.
    JobTitle,
}

impl Unit {
    const ALL: [Self; 4] = [
        Self::Department,
        Self::Business,
        Self::Location,
        Self::JobTitle,
    ];

    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.path() == path)
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Department => "departments",
            Self::Business => "businesses",
            Self::Location => "locations",
            Self::JobTitle => "job_titles",
        }
    }

    /// Whether users are its members.
    pub(super) fn has_members(self) -> bool {
        matches!(self, Self::Department | Self::Business)
    }
}

/// One department, business unit, location or job title.
pub(super) struct Entry {
    pub id: String,
    pub name: String,
    /// What else was sent of it: an address, a description.
    pub more: Map<String, Value>,
}

#[derive(Clone, Default)]
pub(super) struct User {
    pub id: String,
    /// Texts by the names of the write request; what is not there is empty.
    pub texts: Map<String, Value>,
    pub departments: Vec<String>,
    pub businesses: Vec<String>,
    pub hr_managers: Vec<String>,
    pub secondary_managers: Vec<String>,
    /// By key.
    pub custom: Map<String, Value>,
    pub blocked: bool,
    pub reason: Option<String>,
    pub blocked_at: Option<Timestamp>,
}

impl User {
    pub(super) fn text(&self, name: &str) -> &str {
        self.texts.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

pub(super) struct Organisation {
    rng: Rng,
    next: u64,
    pub users: Vec<User>,
    units: [Vec<Entry>; 4],
    pub attributes: Vec<Value>,
    pub reasons: Vec<Value>,
    /// Method (none: all) and the beginning of a path below `/beta/`.
    pub forbidden: Vec<(Option<String>, String)>,
}

/// Key, name, type, options.
type Described = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const CUSTOM: [Described; 3] = [
    ("custom-attribute-93cbf", "Cost center", "text", &[]),
    ("custom-attribute-d3b49", "Grade", "number", &[]),
    (
        "custom-attribute-5d2c8",
        "Languages",
        "multiple-select",
        &["English", "German", "Kannada"],
    ),
];

const SYSTEM: [(&str, &str, bool); 5] = [
    ("first_name", "First Name", true),
    ("last_name", "Last Name", true),
    ("email", "Email", true),
    ("employee_id", "Employee ID", false),
    ("joining_date", "Joining Date", false),
];

const REASONS: [(&str, &str, &str); 6] = [
    ("involuntary", "Involuntary", "Initiated by the business."),
    ("voluntary", "Voluntary", "Initiated by the individual."),
    (
        "dismissal_with_cause",
        "Dismissal with cause",
        "Ended for a cause.",
    ),
    ("retirement", "Retirement", "The individual retires."),
    (
        "temporary_leave",
        "Temporary leave",
        "The individual will come back.",
    ),
    ("not_known", "Not known", "No reason is known."),
];

impl Organisation {
    pub(super) fn new(seed: u64) -> Self {
        let system = SYSTEM.map(|(key, name, mandatory)| {
            let kind = if key.ends_with("date") { "date" } else { "text" };
            json!({"name": name, "attribute_key": key, "preset": true, "mandatory": mandatory, "data_type": kind,
                "attribute_options": null})
        });
        let custom = CUSTOM.map(|(key, name, kind, options)| {
            let options: Vec<Value> = options
                .iter()
                .zip(300..)
                .map(|(value, id)| json!({"id": id, "value": value}))
                .collect();
            let options = if options.is_empty() { Value::Null } else { json!(options) };
            json!({"name": name, "attribute_key": key, "preset": false, "mandatory": false, "data_type": kind,
                "attribute_options": options})
        });
        let reasons = REASONS.map(|(code, text, description)| {
            json!({"code": code, "display_text": text, "description": description, "source": "system",
                "archived": false, "created_by": null, "updated_at": "2024-01-15T10:00:00.000Z"})
        });
        Self {
            rng: Rng::new(seed ^ 0xE26A),
            next: 3900,
            users: Vec::new(),
            units: [const { Vec::new() }; 4],
            attributes: system.into_iter().chain(custom).collect(),
            reasons: reasons.into(),
            forbidden: Vec::new(),
        }
    }

    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.rng.next(), self.rng.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFF,
            low >> 52,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    pub(super) fn entries(&self, unit: Unit) -> &Vec<Entry> {
        let [departments, businesses, locations, titles] = &self.units;
        match unit {
            Unit::Department => departments,
            Unit::Business => businesses,
            Unit::Location => locations,
            Unit::JobTitle => titles,
        }
    }

    pub(super) fn entries_mut(&mut self, unit: Unit) -> &mut Vec<Entry> {
        let [departments, businesses, locations, titles] = &mut self.units;
        match unit {
            Unit::Department => departments,
            Unit::Business => businesses,
            Unit::Location => locations,
            Unit::JobTitle => titles,
        }
    }

    pub(super) fn add(&mut self, unit: Unit, name: &str) -> String {
        let id = if unit.has_members() {
            self.uuid()
        } else {
            self.next += 1;
            self.next.to_string()
        };
        self.entries_mut(unit).push(Entry {
            id: id.clone(),
            name: name.to_owned(),
            more: Map::new(),
        });
        id
    }

    /// Whether something else of the kind is called so.
    pub(super) fn is_taken(&self, unit: Unit, name: &str, own: Option<&str>) -> bool {
        let name = name.trim().to_lowercase();
        let mut entries = self.entries(unit).iter();
        entries.any(|entry| entry.name.to_lowercase() == name && own != Some(entry.id.as_str()))
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.users.iter().position(|user| user.id == id)
    }

    pub(super) fn block(&mut self, id: &str, reason: Option<&str>, now: Timestamp) -> bool {
        let Some(user) = self.users.iter_mut().find(|user| user.id == id) else {
            return false;
        };
        user.blocked = true;
        user.reason = reason.map(str::to_owned);
        user.blocked_at = Some(now);
        true
    }

    /// The reasons, each with how many users are blocked for it.
    pub(super) fn reasons_shown(&self) -> Vec<Value> {
        let count = |code: &Value| {
            let blocked = self.users.iter().filter(|user| user.blocked);
            blocked
                .filter(|user| user.reason.as_deref() == code.as_str())
                .count()
        };
        let reasons = self.reasons.iter().cloned();
        reasons
            .map(|mut reason| {
                reason["blocked_users_count"] = count(&reason["code"]).into();
                reason
            })
            .collect()
    }

    /// A user as it is sent: in a list or alone, with what is to be embedded.
    pub(super) fn shown(&self, user: &User, alone: bool, include: &[&str]) -> Value {
        let text = |name: &str| match user.text(name) {
            "" => Value::Null,
            text => json!(text),
        };
        let named = |unit: Unit, id: &str| {
            let entry = self.entries(unit).iter().find(|entry| entry.id == id);
            entry.map(|entry| entry.name.clone())
        };
        let members = |unit: Unit, ids: &[String]| -> Vec<Value> {
            ids.iter()
                .filter_map(|id| {
                    Some(json!({"id": id, "name": named(unit, id)?, "is_admin": false}))
                })
                .collect()
        };
        let location = named(Unit::Location, user.text("location"))
            .map(|name| json!({"id": user.text("location"), "name": name}));
        let title = named(Unit::JobTitle, user.text("job_title"))
            .map(|name| json!({"id": user.text("job_title").parse::<u64>().ok(), "name": name}));
        let kind = user.text("employee_type");
        let kind = (!kind.is_empty()).then(|| json!({"id": 2000 + kind.len(), "name": kind}));
        let custom: Map<String, Value> = user
            .custom
            .iter()
            .map(|(key, value)| {
                let mut attributes = self.attributes.iter();
                let known = attributes.find(|known| known["attribute_key"] == key.as_str());
                let name = known.map_or(Value::Null, |known| known["name"].clone());
                // The specification has texts and lists of texts.
                let value = match value {
                    Value::Number(_) | Value::Bool(_) => json!(value.to_string()),
                    value => value.clone(),
                };
                (key.clone(), json!({"name": name, "value": value}))
            })
            .collect();
        let mut shown = json!({
            "id": user.id,
            "name": format!("{} {}", user.text("first_name"), user.text("last_name")),
            "first_name": user.text("first_name"), "middle_name": text("middle_name"),
            "last_name": user.text("last_name"), "email": user.text("email"),
            "status": if user.blocked { "Blocked" } else { "Active" },
            "title": null, "nickname": "", "marital_status": "", "last_active_date": null,
            "employee_id": text("employee_id"),
            "block_reason_code": user.reason, "user_blocked_at": user.blocked_at.map(|at| at.to_string()),
            "display_picture": null, "job_title": title, "location": location,
            "departments": members(Unit::Department, &user.departments),
            "business_unit": members(Unit::Business, &user.businesses),
            "employee_type": kind, "gender": null, "birthdate": text("birth_date"),
            "joining_date": text("joining_date"), "phone_number": text("phone_number"),
            "linkedin": null, "twitter": null, "differently_abled": null, "veteran_status": null,
            "ethnicity": null, "employee_level": null, "level": text("level"), "is_cxo": false,
            "custom_attributes": custom,
        });
        if alone {
            shown["education"] = Value::Null;
            shown["about_me"] = Value::Null;
            shown["secondary_phone_number"] = json!(user.text("secondary_phone_number"));
            shown["promotion_date"] = text("promotion_date");
            shown["review_date"] = text("review_date");
            shown["joining_date_string"] = text("joining_date");
            shown["birthdate_as_date"] = text("birth_date");
            shown["work_anniversary_in"] = json!(0);
            shown["is_admin"] = Value::Null;
        }
        let brief = |id: &str| {
            let user = self.users.get(self.find(id)?)?;
            Some(self.shown(user, false, &[]))
        };
        let briefs =
            |ids: &[String]| -> Vec<Value> { ids.iter().filter_map(|id| brief(id)).collect() };
        for include in include {
            shown[*include] = match *include {
                "primary_reporter" => json!(brief(user.text("manager_id"))),
                "hr_managers" => json!(briefs(&user.hr_managers)),
                "secondary_managers" => json!(briefs(&user.secondary_managers)),
                _ => {
                    let reports = self.users.iter();
                    let reports = reports.filter(|other| other.text("manager_id") == user.id);
                    reports.map(|other| self.shown(other, false, &[])).collect()
                }
            };
        }
        shown
    }
}
