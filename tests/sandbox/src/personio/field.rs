//! The attributes of a Personio account: their keys, labels, types, and how one is written.

use serde_json::Value;

use crate::config::Language;

/// A built-in attribute, and so how a made-up person's value of it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    FirstName,
    LastName,
    Email,
    Gender,
    Status,
    Position,
    Supervisor,
    EmploymentType,
    WeeklyHours,
    HireDate,
    ContractEnd,
    Termination,
    TerminationType,
    TerminationReason,
    ProbationEnd,
    CreatedAt,
    LastModifiedAt,
    Subcompany,
    Office,
    Department,
    CostCenters,
    HolidayCalendar,
    AbsenceEntitlement,
    WorkSchedule,
    FixSalary,
    SalaryInterval,
    HourlySalary,
    VacationBalance,
    LastWorkingDay,
    ProfilePicture,
    Team,
    PersonnelNumber,
    Birthday,
    MaritalStatus,
    Trainings,
    Languages,
    Occupation,
    LinkedIn,
    Notes,
}

type Row = (
    Field,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

/// Field, key, label in English and German, type, universal id. The ids of custom attributes differ
/// per account; these are this one's.
#[rustfmt::skip]
const TABLE: [Row; 40] = [
    (Field::Id, "id", "ID", "ID", "integer", Some("id")),
    (Field::FirstName, "first_name", "First name", "Vorname", "standard", Some("first_name")),
    (Field::LastName, "last_name", "Last name", "Nachname", "standard", Some("last_name")),
    (Field::Email, "email", "Email", "E-Mail", "standard", Some("email")),
    (Field::Gender, "gender", "Gender", "Geschlecht", "standard", Some("gender")),
    (Field::Status, "status", "Status", "Status", "standard", Some("status")),
    (Field::Position, "position", "Position", "Position", "standard", Some("position")),
    (Field::Supervisor, "supervisor", "Supervisor", "Vorgesetzte:r", "standard", Some("supervisor")),
    (Field::EmploymentType, "employment_type", "Employment type", "Art der Beschäftigung", "standard", Some("employment_type")),
    (Field::WeeklyHours, "weekly_working_hours", "Weekly hours", "Wochenstunden", "standard", Some("weekly_working_hours")),
    (Field::HireDate, "hire_date", "Hire date", "Einstellungsdatum", "date", Some("hire_date")),
    (Field::ContractEnd, "contract_end_date", "Contract ends", "Vertragsende", "date", Some("contract_end_date")),
    (Field::Termination, "termination_date", "Termination date", "Kündigungsdatum", "date", Some("termination_date")),
    (Field::TerminationType, "termination_type", "Termination type", "Kündigungsart", "standard", Some("termination_type")),
    (Field::TerminationReason, "termination_reason", "Termination reason", "Kündigungsgrund", "standard", Some("termination_reason")),
    (Field::ProbationEnd, "probation_period_end", "Probation period end", "Probezeitende", "date", Some("probation_period_end")),
    (Field::CreatedAt, "created_at", "Created at", "Erstellt am", "date", Some("created_at")),
    (Field::LastModifiedAt, "last_modified_at", "Last modified", "Zuletzt geändert", "date", Some("last_modified_at")),
    (Field::Subcompany, "subcompany", "Subcompany", "Gesellschaft", "standard", Some("subcompany")),
    (Field::Office, "office", "Office", "Arbeitsort", "standard", Some("office")),
    (Field::Department, "department", "Department", "Abteilung", "standard", Some("department")),
    (Field::CostCenters, "cost_centers", "Cost center", "Kostenstelle", "standard", Some("cost_centers")),
    (Field::HolidayCalendar, "holiday_calendar", "Public holidays", "Feiertagskalender", "standard", Some("holiday_calendar")),
    (Field::AbsenceEntitlement, "absence_entitlement", "Absence entitlement", "Abwesenheitsanspruch", "standard", Some("absence_entitlement")),
    (Field::WorkSchedule, "work_schedule", "Work schedule", "Arbeitszeitmodell", "standard", Some("work_schedule")),
    (Field::FixSalary, "fix_salary", "Fixed salary", "Fixgehalt", "decimal", Some("fix_salary")),
    (Field::SalaryInterval, "fix_salary_interval", "Salary interval", "Gehaltsintervall", "standard", Some("fix_salary_interval")),
    (Field::HourlySalary, "hourly_salary", "Hourly salary", "Stundenlohn", "decimal", Some("hourly_salary")),
    (Field::VacationBalance, "vacation_day_balance", "Vacation day balance", "Urlaubssaldo", "decimal", Some("vacation_day_balance")),
    (Field::LastWorkingDay, "last_working_day", "Last day of work", "Letzter Arbeitstag", "date", Some("last_working_day")),
    (Field::ProfilePicture, "profile_picture", "Profile Picture", "Profilbild", "standard", Some("profile_picture")),
    (Field::Team, "team", "Team", "Team", "standard", Some("team")),
    (Field::PersonnelNumber, "dynamic_9100001", "Employee ID", "Personalnummer", "standard", None),
    (Field::Birthday, "dynamic_9100002", "Birthday", "Geburtstag", "date", Some("date_of_birth")),
    (Field::MaritalStatus, "dynamic_9100003", "Marital status", "Familienstand", "list", None),
    (Field::Trainings, "dynamic_9100004", "Trainings", "Schulungen", "tags", None),
    (Field::Languages, "dynamic_9100005", "Language Skills", "Sprachkenntnisse", "tags", None),
    (Field::Occupation, "dynamic_9100006", "Occupation type", "Beschäftigungsart", "list", None),
    (Field::LinkedIn, "dynamic_9100007", "LinkedIn", "LinkedIn", "link", None),
    (Field::Notes, "dynamic_9100008", "Notes", "Notizen", "multiline", None),
];

/// An attribute of the account.
pub(super) struct Attribute {
    pub key: String,
    pub label: String,
    pub kind: String,
    pub universal_id: Option<String>,
    pub options: Vec<String>,
    pub field: Option<Field>,
    pub hidden: bool,
    /// What stands before and after a value in an employee's attributes.
    pub prefix: Vec<u8>,
    pub suffix: Vec<u8>,
}

impl Attribute {
    /// `extra` are further members, as raw JSON that starts with a comma.
    pub(super) fn new(
        key: &str,
        label: &str,
        kind: &str,
        universal_id: Option<&str>,
        extra: &str,
    ) -> Self {
        let text = |t: &str| Value::from(t).to_string();
        let universal = universal_id.map_or_else(|| "null".to_owned(), text);
        Self {
            prefix: format!("{}:{{\"label\":{},\"value\":", text(key), text(label)).into_bytes(),
            suffix: format!(
                ",\"type\":{},\"universal_id\":{universal}{extra}}}",
                text(kind)
            )
            .into_bytes(),
            key: key.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            universal_id: universal_id.map(str::to_owned),
            options: Vec::new(),
            field: TABLE.iter().find(|row| row.1 == key).map(|row| row.0),
            hidden: false,
        }
    }

    /// How Personio writes that there is no value.
    pub(super) fn empty(&self) -> &'static [u8] {
        match (self.field, self.kind.as_str()) {
            (Some(Field::CostCenters | Field::AbsenceEntitlement), _) => b"[]",
            (
                Some(
                    Field::Supervisor
                    | Field::Department
                    | Field::Office
                    | Field::Subcompany
                    | Field::Team
                    | Field::HolidayCalendar
                    | Field::WorkSchedule
                    | Field::ProfilePicture,
                ),
                _,
            )
            | (_, "date") => b"null",
            (_, "integer" | "decimal") => b"0",
            _ => b"\"\"",
        }
    }
}

/// The attributes of a made-up account, in the order in which they are served.
pub(super) fn standard(language: Language) -> Vec<Attribute> {
    TABLE
        .iter()
        .map(|&(field, key, english, german, kind, universal_id)| {
            let label = match language {
                Language::English => english,
                Language::German => german,
            };
            let extra = match field {
                Field::FixSalary | Field::HourlySalary => ",\"currency\":\"EUR\"",
                _ => "",
            };
            let mut attribute = Attribute::new(key, label, kind, universal_id, extra);
            let options: &[&str] = match field {
                Field::MaritalStatus => &super::words::MARITAL[1..],
                Field::Trainings => &super::words::TRAININGS,
                Field::Languages => &super::words::LANGUAGES,
                Field::Occupation => &super::words::OCCUPATIONS,
                _ => &[],
            };
            attribute.options = options.iter().map(|&o| o.to_owned()).collect();
            attribute
        })
        .collect()
}
