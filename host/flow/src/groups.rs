//! Groups of accounts at the target, made from what people have in common.

use matricula_core::Text;

/// One kind of groups that a flow keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its name, which never changes: made of a-z, 0-9 and _.
    pub kind: String,
    /// What owners call it in previews and runs.
    pub title: Text,
}

/// The kinds of groups of a flow, checked and compiled.
#[derive(Debug)]
pub(crate) struct GroupRules {
    /// The operation of the target by which groups are kept.
    pub operation: String,
    pub specs: Vec<GroupSpec>,
}
