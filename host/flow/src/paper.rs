//! What a flow that delivers documents makes of one record.

use std::iter::repeat_n;

use crate::person::FieldValue;

#[cfg(doc)]
use crate::{Delivery, Flow};

/// What the flow makes of one record: a document, or the reason why it is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    /// Whether the flow's scope takes the record in. Of one that is out of scope nothing else is evaluated:
    /// there is no reason and no remark, and all fields are absent.
    pub in_scope: bool,
    /// Why it is not delivered: the name of the first condition under `unless` that holds. Then neither
    /// remarks nor fields are evaluated.
    pub unless: Option<String>,
    /// What is worth saying of it: the name of the first condition under `remarks` that holds.
    pub remark: Option<String>,
    /// One value for each of [`Flow::fields`], in order. The person ([`Delivery::owner`]) is an account at
    /// the source and never none; the file ([`Delivery::file`]) is what it is fetched by, a text.
    pub fields: Vec<FieldValue>,
}

impl Paper {
    /// A record of which nothing becomes.
    pub(crate) fn nothing(in_scope: bool, unless: Option<String>, fields: usize) -> Self {
        Self {
            in_scope,
            unless,
            remark: None,
            fields: repeat_n(FieldValue::Absent, fields).collect(),
        }
    }
}
