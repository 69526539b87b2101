//! Figures beside their budgets.

use std::fmt;

use serde_json::{Value, json};

/// One figure.
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    budget: Option<f64>,
    /// The budget is the least, not the most.
    at_least: bool,
}

/// All figures.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// A figure that must stay below its budget.
    pub(crate) fn hold(
        &mut self,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        budget: f64,
    ) {
        self.0.push(Row {
            what: what.into(),
            value,
            unit,
            budget: Some(budget),
            at_least: false,
        });
    }

    /// A figure that must reach its budget.
    pub(crate) fn hold_at_least(&mut self, what: &str, value: f64, unit: &'static str, least: f64) {
        self.0.push(Row {
            what: what.to_owned(),
            value,
            unit,
            budget: Some(least),
            at_least: true,
        });
    }

    /// A figure to know.
    pub(crate) fn tell(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Row {
            what: what.into(),
            value,
            unit,
            budget: None,
            at_least: false,
        });
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.0.iter().any(Row::is_exceeded)
    }

    pub(crate) fn json(&self) -> Value {
        self.0
            .iter()
            .map(|row| {
                json!({
                    "what": row.what,
                    "value": row.value,
                    "unit": row.unit,
                    "budget": row.budget,
                    "ok": !row.is_exceeded(),
                })
            })
            .collect()
    }
}

impl Row {
    fn is_exceeded(&self) -> bool {
        self.budget.is_some_and(|budget| match self.at_least {
            true => self.value < budget,
            false => self.value > budget,
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<58} {:>12} {:>10}", "what", "measured", "budget")?;
        for row in &self.0 {
            let budget = row
                .budget
                .map_or_else(String::new, |budget| match row.at_least {
                    true => format!("≥ {budget:.1}"),
                    false => format!("≤ {budget:.1}"),
                });
            let verdict = if row.is_exceeded() { "  missed" } else { "" };
            let measured = format!("{:.2} {}", row.value, row.unit);
            writeln!(f, "{:<58} {measured:>12} {budget:>10}{verdict}", row.what)?;
        }
        Ok(())
    }
}
