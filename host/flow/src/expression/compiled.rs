//! An expression ready to be evaluated.

use std::cell::OnceCell;
use std::cmp::Ordering;

use cel::common::ast::IdedExpr;
use serde_json::Value;

use super::compile;
use super::fast::Node;
use super::names::Expression;
use super::rewrite;
use super::standard::{Ended, Record};
use super::val::{Stop, Val};

/// An expression with the settings in it.
#[derive(Debug)]
pub(crate) struct Compiled {
    fast: Option<Node>,
    tree: IdedExpr,
}

/// What an expression gives for a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome<'a> {
    /// It depends on an attribute that is missing: its name.
    Absent(String),
    Value(Val<'a>),
    /// Why it cannot be computed, without values.
    Failed(String),
}

/// A record as expressions see it.
pub(crate) struct View<'r> {
    alias: &'r str,
    /// Sorted.
    attributes: &'r [String],
    /// The value of each attribute.
    slots: Vec<Option<&'r Value>>,
    /// Made only if some expression needs it.
    record: OnceCell<Record<'r>>,
}

impl<'r> View<'r> {
    /// Sees `attributes` of a record; they must be sorted.
    pub fn new(alias: &'r str, attributes: &'r [String], record: &'r Value) -> Self {
        Self {
            alias,
            attributes,
            slots: slots(attributes, record),
            record: OnceCell::new(),
        }
    }

    /// The same with another value for one of the attributes.
    pub fn with(mut self, attribute: &str, value: &'r Value) -> Self {
        let at = self
            .attributes
            .binary_search_by(|known| known.as_str().cmp(attribute));
        if let Ok(at) = at
            && let Some(slot) = self.slots.get_mut(at)
        {
            *slot = Some(value);
        }
        self
    }

    /// The value of the attribute at a place.
    pub fn slot(&self, slot: usize) -> Option<&'r Value> {
        self.slots.get(slot).copied().flatten()
    }

    fn standard(&self, tree: &IdedExpr) -> Ended {
        let record = self.record.get_or_init(|| {
            let present = self.attributes.iter().zip(&self.slots);
            Record::new(
                self.alias,
                present.filter_map(|(name, value)| value.map(|value| (name.as_str(), value))),
            )
        });
        record.evaluate(tree)
    }
}

/// The value of each attribute.
///
/// A record's keys come sorted (unless `serde_json` is built to keep their order), so one walk over both
/// finds them all; that is several times faster than a search for each.
fn slots<'r>(attributes: &[String], record: &'r Value) -> Vec<Option<&'r Value>> {
    let Value::Object(entries) = record else {
        return vec![None; attributes.len()];
    };
    let mut slots = Vec::with_capacity(attributes.len());
    let mut wanted = attributes.iter();
    let mut next = wanted.next();
    let mut last: Option<&str> = None;
    for (name, value) in entries {
        if last.is_some_and(|last| last >= name.as_str()) {
            return attributes.iter().map(|name| entries.get(name)).collect();
        }
        last = Some(name);
        while let Some(attribute) = next {
            match attribute.as_str().cmp(name) {
                Ordering::Less => slots.push(None),
                Ordering::Equal => slots.push(Some(value)),
                Ordering::Greater => break,
            }
            next = wanted.next();
            if slots.last().is_some_and(Option::is_some) {
                break;
            }
        }
    }
    slots.resize(attributes.len(), None);
    slots
}

impl Compiled {
    /// Compiles an expression for these settings; `attributes` are those of the views that it will see.
    pub fn new(
        expression: &Expression,
        alias: &str,
        attributes: &[String],
        settings: &Value,
    ) -> Self {
        Self::of_tree(&expression.tree, alias, attributes, settings)
    }

    fn of_tree(tree: &IdedExpr, alias: &str, attributes: &[String], settings: &Value) -> Self {
        let tree = rewrite::bind(tree, settings);
        Self {
            fast: compile::compile(&tree, alias, attributes),
            tree,
        }
    }

    /// Its value, if that is the same for every record.
    pub fn constant(&self) -> Option<&Value> {
        match &self.fast {
            Some(Node::Constant(value)) => Some(value),
            _ => None,
        }
    }

    /// Evaluates it.
    pub fn evaluate<'r>(&'r self, view: &View<'r>) -> Outcome<'r> {
        match self.fast.as_ref().map(|node| node.evaluate(&view.slots)) {
            Some(Ok(Val::Optional(Some(held)))) => Outcome::Value(*held),
            Some(Ok(Val::Optional(None))) => Outcome::Absent(self.missing()),
            Some(Ok(value)) => Outcome::Value(value),
            Some(Err(Stop::Absent(name))) => Outcome::Absent(name.to_owned()),
            Some(Err(Stop::GiveUp)) | None => match view.standard(&self.tree) {
                Ended::Value(value) => Outcome::Value(Val::owned(value)),
                Ended::Nothing => Outcome::Absent(self.missing()),
                Ended::Absent(name) => Outcome::Absent(name),
                Ended::Failed(reason) => Outcome::Failed(reason),
            },
        }
    }

    /// What is missing where an optional holds nothing: the first name that stands after a `.?`.
    fn missing(&self) -> String {
        rewrite::first_optional(&self.tree).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ATTRIBUTES: [&str; 8] = [
        "active",
        "day",
        "department",
        "hours",
        "id",
        "name",
        "position",
        "tags",
    ];

    fn parsed(text: &str) -> IdedExpr {
        let program = super::super::standard::environment().compile(text);
        let program = program.unwrap_or_else(|error| panic!("{text}: {error}"));
        program.expression().clone()
    }

    fn compiled(text: &str, settings: &Value) -> Compiled {
        Compiled::of_tree(&parsed(text), "e", &attributes(), settings)
    }

    fn attributes() -> Vec<String> {
        ATTRIBUTES.map(str::to_owned).to_vec()
    }

    /// What the two ways of evaluation give; the first is none where the fast one gives up.
    fn both(text: &str, record: &Value) -> (Option<Outcome<'static>>, Outcome<'static>) {
        both_of(&parsed(text), record)
    }

    fn both_of(tree: &IdedExpr, record: &Value) -> (Option<Outcome<'static>>, Outcome<'static>) {
        let settings = json!({"departments": ["Sales", "IT"], "empty": [], "zone": "Europe/Berlin",
            "limit": 20, "none": null});
        let attributes = attributes();
        let compiled = Compiled::of_tree(tree, "e", &attributes, &settings);
        let view = View::new("e", &attributes, record);
        let fast = match compiled
            .fast
            .as_ref()
            .map(|node| node.evaluate(&view.slots))
        {
            None | Some(Err(Stop::GiveUp)) => None,
            Some(Ok(Val::Optional(None))) => Some(Outcome::Absent(String::new())),
            Some(Ok(value)) => Some(Outcome::Value(Val::Owned(value.into_json()))),
            Some(Err(Stop::Absent(name))) => Some(Outcome::Absent(name.to_owned())),
        };
        let standard = match view.standard(&compiled.tree) {
            Ended::Value(value) => Outcome::Value(Val::Owned(value)),
            Ended::Nothing => Outcome::Absent(String::new()),
            Ended::Absent(name) => Outcome::Absent(name),
            Ended::Failed(reason) => Outcome::Failed(reason),
        };
        (fast, standard)
    }

    fn evaluate(text: &str, record: &Value) -> Result<Value, String> {
        let (fast, standard) = both(text, record);
        if let Some(fast) = fast {
            assert_eq!(fast, standard, "{text} of {record}");
        }
        match standard {
            Outcome::Value(value) => Ok(value.into_json()),
            Outcome::Absent(name) => Err(format!("absent {name}")),
            Outcome::Failed(reason) => Err(reason),
        }
    }

    #[test]
    fn null_and_absent() {
        let record = json!({"id": 7, "name": null, "department": null, "tags": ["a", null, "b", ""],
            "position": " Lead ", "day": "2026-02-28T10:00:00Z", "hours": 38.5});
        let is =
            |text: &str, value: Value| assert_eq!(evaluate(text, &record), Ok(value), "{text}");
        let absent = |text: &str, name: &str| {
            assert_eq!(
                evaluate(text, &record),
                Err(format!("absent {name}")),
                "{text}"
            );
        };
        is("e.department.name", Value::Null);
        is("e.?department.name", Value::Null);
        is("e.department.head.name", Value::Null);
        is("lower(trim(e.name))", Value::Null);
        is("string(e.name)", Value::Null);
        is("has(e.department.name)", json!(false));
        absent("e.active", "active");
        absent("lower(e.active)", "active");
        absent("e.?active.inner", "");
        absent("coalesce(e.active, 1)", "active");
        is("coalesce(e.?active, 1)", json!(1));
        is("e.?active.orValue(true)", json!(true));
        is("e.?name.orValue(\"x\")", Value::Null);
        is("has(e.active)", json!(false));
        is("has(e.name)", json!(true));
        is("true || e.active", json!(true));
        is("e.active || true", json!(true));
        absent("e.active || false", "active");
        is("e.active && false", json!(false));
        is("has(e.active) ? e.active : false", json!(false));
        is("e.name == null", json!(true));
        is("e[\"name\"]", Value::Null);
        absent("e[\"active\"]", "active");
        is("join(e.tags, \", \")", json!("a, b"));
        is("date(e.day)", json!("2026-02-28"));
        is("string(e.hours) + string(e.id)", json!("38.57"));
        is("ifEmpty(trim(e.position), \"-\")", json!("Lead"));
        is("ifEmpty(e.name, \"-\")", json!("-"));
        is("switch({\" Lead \": 1, \"b\": 2}, e.position, 0)", json!(1));
        is("switch({\"b\": 2}, e.name, 0)", json!(0));
        is("e.tags.exists(t, t == \"b\")", json!(true));
        is("e.tags.filter(t, t != null)[0]", json!("a"));
        is("replace(e.position, \" \", \"\")", json!("Lead"));
        is("size(e.tags) > 3 && e.tags.size() == 4", json!(true));
        is("truncate(e.position, 3)", json!(" Le"));
        is("truncate(e.name, e.id)", Value::Null);
        is("settings.none == null && !has(settings.none)", json!(true));
        is("settings.limit + 1", json!(21));
        is("settings.?limit.orValue(0)", json!(20));
    }

    #[test]
    fn a_failure_says_no_value() {
        let record = json!({"name": "Ada", "id": 1, "tags": [], "position": "never said"});
        for (text, reason) in [
            (
                "date(e.position)",
                "this text does not begin with a date (YYYY-MM-DD)",
            ),
            ("e.tags[0]", "a list has no such place; use [?…]"),
            ("e.id / 0", "division by zero"),
            (
                "e.name < 1",
                "found no matching overload for '_<_' applied to '(string, int)'",
            ),
            ("e.name.first", "a key is selected from what is no object"),
            ("{\"a\": 1}[e.name]", "a map has no such key"),
            (
                "truncate(e.name, 0 - e.id)",
                "truncate takes a number of characters, 0 or more",
            ),
        ] {
            let error = evaluate(text, &record).unwrap_err();
            assert_eq!(error, reason, "{text}");
        }
        for text in [
            "int(e.name)",
            "e.name + 1",
            "-e.name",
            "e.name.matches(\"(\")",
        ] {
            let error = evaluate(text, &record).unwrap_err();
            assert!(!error.contains("Ada"), "{text}: {error}");
        }
    }

    #[test]
    fn what_does_not_depend_on_the_record_is_computed_once() {
        let settings = json!({"departments": []});
        let open = compiled(
            "settings.departments == [] || e.name in settings.departments",
            &settings,
        );
        assert_eq!(open.constant(), Some(&json!(true)));
        let settings = json!({"departments": ["IT"]});
        let closed = compiled(
            "settings.departments == [] || e.name in settings.departments",
            &settings,
        );
        assert_eq!(closed.constant(), None);
        assert_eq!(
            compiled("lower(\"A\") + \"b\"", &settings).constant(),
            Some(&json!("ab"))
        );
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..40).prop_map(Value::from),
            Just(json!(u64::MAX)),
            prop_oneof![Just(2.0), Just(38.5), Just(-1.25)].prop_map(Value::from),
            "[aA ßé1-]{0,4}".prop_map(Value::from),
            Just(json!("Sales")),
            Just(json!("2026-02-28")),
        ]
    }

    fn record() -> impl Strategy<Value = Value> {
        let value = prop_oneof![
            4 => scalar(),
            1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
            2 => prop::collection::btree_map("id|name|head", scalar(), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ];
        let attribute = prop::sample::select(ATTRIBUTES.to_vec()).prop_map(str::to_owned);
        prop::collection::btree_map(attribute, value, 0..8)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
    }

    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(ATTRIBUTES.to_vec()).prop_map(|name| format!("e.{name}")),
            prop::sample::select(ATTRIBUTES.to_vec()).prop_map(|name| format!("e.?{name}")),
            prop::sample::select(ATTRIBUTES.to_vec()).prop_map(|name| format!("has(e.{name})")),
            prop::sample::select(vec!["departments", "empty", "zone", "limit", "none"])
                .prop_map(|name| format!("settings.{name}")),
            prop::sample::select(vec![
                "\"\"",
                "\"Sales\"",
                "\"a\"",
                "1",
                "0",
                "38.5",
                "true",
                "false",
                "null",
                "[]",
                "\"2026-02-28\"",
            ])
            .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let two = (inner.clone(), inner.clone());
            let three = (inner.clone(), inner.clone(), inner.clone());
            prop_oneof![
                (prop::sample::select(vec!["name", "id"]), inner.clone())
                    .prop_map(|(field, of)| format!("({of}).{field}")),
                (prop::sample::select(vec!["name", "id"]), inner.clone())
                    .prop_map(|(field, of)| format!("({of}).?{field}")),
                inner.clone().prop_map(|of| format!("has(({of}).name)")),
                (
                    prop::sample::select(vec![
                        "trim",
                        "lower",
                        "upper",
                        "normalizeDiacritics",
                        "date",
                        "string",
                        "size",
                        "!",
                    ]),
                    inner.clone()
                )
                    .prop_map(|(name, of)| format!("{name}({of})")),
                (
                    prop::sample::select(vec![
                        "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "+", "&&", "||",
                    ]),
                    two.clone()
                )
                    .prop_map(|(operator, (a, b))| format!("({a} {operator} {b})")),
                (
                    prop::sample::select(vec!["coalesce", "ifEmpty", "join", "truncate"]),
                    two.clone()
                )
                    .prop_map(|(name, (a, b))| format!("{name}({a}, {b})")),
                (
                    prop::sample::select(vec!["startsWith", "endsWith", "contains", "orValue"]),
                    two.clone()
                )
                    .prop_map(|(name, (a, b))| format!("({a}).{name}({b})")),
                inner.prop_map(|of| format!("({of}).hasValue()")),
                three
                    .clone()
                    .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
                three
                    .clone()
                    .prop_map(|(a, b, c)| format!("replace({a}, {b}, {c})")),
                three.prop_map(|(a, b, c)| format!(
                    "switch({{\"a\": {a}, \"Sales\": 1}}, {b}, {c})"
                )),
                two.prop_map(|(a, b)| format!("[{a}, {b}]")),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_attribute_is_found(record in record()) {
            let attributes = attributes();
            let found = slots(&attributes, &record);
            let searched: Vec<_> = attributes.iter().map(|name| record.get(name)).collect();
            prop_assert_eq!(found, searched);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Whatever the fast evaluator answers is what `cel` answers.
        #[test]
        fn both_ways_agree(text in expression(), record in record()) {
            let mut tree = parsed(&text);
            for _ in 0..2 {
                let (fast, standard) = both_of(&tree, &record);
                match (fast, standard) {
                    (None, _) => {}
                    (Some(fast), standard) => prop_assert_eq!(fast, standard),
                }
                rewrite::joining(&mut tree);
            }
        }
    }

    #[test]
    fn the_expressions_of_ordinary_flows_need_no_fallback() {
        let record = json!({"id": 7, "name": "Ada", "department": {"name": "IT"}, "day": "2026-02-28",
            "active": true, "position": null});
        for text in [
            "lower(trim(e.name))",
            "string(e.id)",
            "e.?department.name",
            "settings.departments == [] || e.department.?name.orValue(\"\") in settings.departments",
            "e.position == \"inactive\"",
            "switch({\"a\": 1}, e.position, 0)",
            "e.active ? date(e.day) : null",
            "coalesce(e.position, e.name) + \"!\"",
        ] {
            assert!(both(text, &record).0.is_some(), "{text}");
        }
    }
}
