//! What a flow or an automation needs of a connector, so that a credential can be asked whether it may.

use std::collections::{BTreeMap, BTreeSet};

use matricula_core::connector::Need;
use matricula_flow::{Flow, Program};

/// Attributes by stream and operation.
type Wanted<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What flows need of a connector: one need per stream and operation.
pub fn needs(connector: &str, flows: &[Flow]) -> Vec<Need> {
    let mut wanted = Wanted::new();
    for flow in flows {
        let reads = flow.attributes().iter().map(String::as_str);
        let writes = flow.fields().iter().map(|field| field.name.as_str());
        want(&mut wanted, connector, flow, reads, writes);
        want_groups(&mut wanted, connector, flow);
    }
    all(wanted)
}

/// What an automation needs: what its owner has mapped otherwise is counted as mapped.
pub(crate) fn needs_of(connector: &str, program: &Program) -> Vec<Need> {
    let mut wanted = Wanted::new();
    let reads = program.attributes().iter().map(String::as_str);
    let writes = program.written().map(|field| field.name.as_str());
    want(&mut wanted, connector, program.flow(), reads, writes);
    if program.keeps_groups() {
        want_groups(&mut wanted, connector, program.flow());
    }
    all(wanted)
}

fn want<'a>(
    wanted: &mut Wanted<'a>,
    connector: &str,
    flow: &'a Flow,
    reads: impl Iterator<Item = &'a str>,
    writes: impl Iterator<Item = &'a str>,
) {
    let (source, stream) = flow.source();
    if source == connector {
        wanted.entry(stream).or_default().extend(reads);
    }
    let (target, operation) = flow.target();
    if target == connector {
        wanted.entry(operation).or_default().extend(writes);
    }
}

fn want_groups<'a>(wanted: &mut Wanted<'a>, connector: &str, flow: &'a Flow) {
    let (target, _) = flow.target();
    if let (true, Some(operation)) = (target == connector, flow.group_operation()) {
        let attributes = ["external_id", "name", "add", "remove"];
        wanted.entry(operation).or_default().extend(attributes);
    }
}

fn all(wanted: Wanted<'_>) -> Vec<Need> {
    let need = |(subject, attributes): (&str, BTreeSet<&str>)| Need {
        subject: subject.to_owned(),
        attributes: attributes.into_iter().map(str::to_owned).collect(),
    };
    wanted.into_iter().map(need).collect()
}
