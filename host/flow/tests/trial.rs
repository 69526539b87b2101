//! Expressions that owners are writing: nothing that is written may do harm.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::flow;
use matricula_flow::{FieldValue, Flow, Tried};
use proptest::prelude::*;
use serde_json::{Value, json};

fn open() -> Flow {
    flow(&[
        (
            "settings",
            "settings:\n  suffix: { type: string, default: GmbH, title: { en: S } }",
        ),
        (
            "map",
            "map:\n  email: e.email\n  name: e.first_name\n  short: e.status\n  end: e.end_date\n  manager: person(e.boss.id)",
        ),
        ("rest", "mapping: { open: all }"),
    ])
}

fn record() -> Value {
    json!({"id": 7, "first_name": "Ada", "status": "active", "tags": ["a", "b", "c"],
        "boss": {"id": 3, "name": null}, "end_date": null})
}

fn tried(text: &str) -> Tried {
    open().try_expression("name", text, Some(&record()), &Value::Null)
}

#[test]
fn an_expression_that_is_right_is_evaluated() {
    let flow = open();
    let tried = tried("e.first_name + \" \" + settings.suffix");
    // `e.first_name` may be null.
    assert_eq!(tried.problems[0].column, 1);
    let text = "coalesce(e.first_name, \"-\") + \" \" + settings.suffix";
    let try_it = |record: Option<&Value>, settings: Value| {
        flow.try_expression("name", text, record, &settings)
    };
    assert_eq!(
        try_it(None, json!({})),
        Tried {
            reads: vec!["first_name".into()],
            ..Tried::default()
        }
    );
    let value = |tried: Tried| (tried.value, tried.error);
    assert_eq!(
        value(try_it(Some(&record()), Value::Null)),
        (Some("Ada GmbH".into()), None)
    );
    assert_eq!(
        value(try_it(
            Some(&record()),
            json!({"suffix": "AG", "$map": {"short": "((("}})
        )),
        (Some("Ada AG".into()), None)
    );
    assert_eq!(
        value(try_it(Some(&record()), json!({"suffix": 5}))),
        (None, Some("setting suffix: must be a text".into()))
    );
    assert_eq!(
        value(try_it(Some(&json!({})), Value::Null)),
        (
            None,
            Some("the record lacks what it reads: the attribute is left as it is".into())
        )
    );
    assert_eq!(
        value(try_it(Some(&json!([])), Value::Null)),
        (None, Some("the record is not an object".into()))
    );
    // The rest of the record need not be right.
    let mut odd = record();
    odd["end_date"] = json!("never");
    assert_eq!(
        value(try_it(Some(&odd), Value::Null)).0,
        Some("Ada GmbH".into())
    );
    odd["first_name"] = json!(5);
    assert_eq!(
        value(try_it(Some(&odd), Value::Null)).1.unwrap(),
        "first_name is not a text; correct \"first_name\" in People"
    );
}

#[test]
fn what_it_gives_must_be_what_the_attribute_takes() {
    let flow = open();
    let try_it = |field: &str, text: &str| {
        let tried = flow.try_expression(field, text, Some(&record()), &Value::Null);
        assert_eq!(tried.problems, [], "{text}");
        (tried.value, tried.error)
    };
    assert_eq!(
        try_it("manager", "person(e.boss.id)").0,
        Some(json!({"person": "3"}))
    );
    assert_eq!(
        try_it("manager", "person(e.boss.name)").0,
        Some(Value::Null)
    );
    assert_eq!(
        try_it("short", "e.status"),
        (None, Some("short is longer than 5 characters".into()))
    );
    assert_eq!(try_it("end", "e.end_date").0, Some(Value::Null));
    assert_eq!(
        try_it("name", "join(e.tags.map(t, upper(t)), \"-\")").0,
        Some("A-B-C".into())
    );
    for field in ["email", "nobody"] {
        let tried = flow.try_expression(field, "e.status", None, &Value::Null);
        assert_eq!(tried.problems.len(), 1, "{field}");
    }
}

/// Loops inside of loops, and texts that double.
#[test]
fn an_evaluation_is_bounded() {
    let ten = "[0,1,2,3,4,5,6,7,8,9]";
    let nest = |depth: usize, loops: &str, inner: &str| {
        (0..depth).fold(inner.to_owned(), |inner, at| {
            format!("{ten}.{loops}(x{at}, {inner})")
        })
    };
    let wrap = |times: usize, inner: &str, before: &str, after: &str| {
        (0..times).fold(inner.to_owned(), |inner, _| {
            format!("{before}{inner}{after}")
        })
    };
    let unbounded = [
        format!("string(size({}))", nest(7, "map", "1")),
        wrap(
            7,
            "\"x\"",
            &format!("string(size({ten}.filter(x, "),
            " == \"\")))",
        ),
        format!("string({})", nest(7, "all", "e.id == 7")),
        format!("string({})", nest(7, "exists", "e.id == 8")),
        // An error that is passed over does not go on for ever either.
        format!("string({})", nest(7, "all", "e.id / 0 == 1 || e.id == 7")),
        format!("string({})", nest(7, "exists_one", "true || e.id == 7")),
        wrap(
            30,
            "\"a\"",
            "replace(",
            ", \"a\", \"aaaaaaaaaaaaaaaaaaaa\")",
        ),
        wrap(8, "\"ab\"", &format!("join({ten}.map(x, "), "), \"ab\")"),
        // Each doubles what the one inside of it gives.
        wrap(
            12,
            &format!("\"{}\"", "a".repeat(3000)),
            "[",
            "].map(t, t + t)[0]",
        ),
        format!(
            "string(size({}))",
            wrap(17, "[1]", "[", "].map(t, [t, t, t, t])")
        ),
        // A pattern that is another each time.
        format!(
            "string({})",
            nest(
                3,
                "all",
                "!\"aaaa\".matches(string(x0) + string(x1) + \"\\\\w+{9}\")"
            )
        ),
    ];
    for text in &unbounded {
        let begun = Instant::now();
        let tried = tried(text);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}: {text}");
        assert_eq!(tried.problems, [], "{text}");
        let error = tried
            .error
            .unwrap_or_else(|| panic!("{text}: {:?}", tried.value));
        let reason = error.contains("too much work") || error.contains("longer than 65536");
        assert!(reason, "{error}: {text}");
    }
}

/// What grows downwards, at the greatest length, on the small stack of a test's thread.
#[test]
fn nothing_is_too_deep() {
    let most = |before: &str, inner: &str, after: &str| {
        let times = (4096 - inner.len()) / (before.len() + after.len());
        before.repeat(times) + inner + &after.repeat(times)
    };
    for text in [
        most("", "1", "+1"),
        most("", "e", ".a"),
        most("", "e", ".?a"),
        most("", "e", "[0]"),
        most("", "e.status", "||e.x"),
        most("", "1", "==\"\""),
        most("", "1", "==1."),
        most("", "e", ".map(x,x)"),
        most("", "e.id", ".size()"),
        most("!", "true", ""),
        most("-", "e.id", ""),
        most("(", "", ""),
        most("[", "", "]"),
        most("{\"\":", "1", "}"),
        most("true?1:", "1", ""),
        most("trim(", "1", ")"),
        most("has(", "e.x", ")"),
        most("[1].map(x,", "x", ")"),
        most("\"\\", "", ""),
        most("\n", "1", ""),
    ] {
        let begun = Instant::now();
        let tried = tried(&text);
        assert!(tried.value.is_none() || text.len() < 4096, "{text}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}: {text}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2026-02-30")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("id|name|[a-z]{1,3}", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Value> {
    let names = "email|first_name|status|hours|end_date|boss|department|tags|id|dynamic_x";
    let record = prop::collection::btree_map(names, json_value(), 0..8)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()));
    prop_oneof![4 => record, 1 => json_value()]
}

/// Pieces of expressions in any order: most are wrong, some are not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "e",
        "e.status",
        "e.tags",
        "e.boss",
        "e.hours",
        "e.first_name",
        "e.dynamic_x",
        ".",
        ".?name",
        ".id",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "\"a\"",
        "'",
        "\"",
        "\\",
        "1",
        "-1",
        "0",
        "1.5",
        "1u",
        "b\"x\"",
        "null",
        "true",
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "<",
        "in",
        "&&",
        "||",
        "!",
        "?",
        ":",
        ",",
        "has(",
        "trim(",
        "string(",
        "date(",
        "replace(",
        "truncate(",
        "join(",
        "switch({",
        "coalesce(",
        "person(",
        "ifEmpty(",
        "size(",
        "int(",
        ".map(x,",
        ".filter(x,",
        ".all(x,",
        ".exists_one(x,",
        "x",
        ".matches(",
        ".orValue(",
        ".hasValue()",
        "settings",
        "settings.suffix",
        "today",
        "ä",
        " ",
        "\n",
        "\0",
        "9223372036854775808",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Expressions that can be right.
fn sound() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "\"\"",
        "\"ä b\"",
        "e.status",
        "e.first_name",
        "e.?status.orValue(\"x\")",
        "e.department.name",
        "e.dynamic_x",
        "settings.suffix",
        "null",
        "string(e.id)",
        "string(e.hours)",
        "e.end_date",
    ])
    .prop_map(str::to_owned);
    text.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            (
                prop::sample::select(vec![
                    "trim",
                    "lower",
                    "upper",
                    "normalizeDiacritics",
                    "date"
                ]),
                inner.clone()
            )
                .prop_map(|(name, of)| format!("{name}({of})")),
            two.clone()
                .prop_map(|(a, b)| format!("coalesce({a}, \"\") + coalesce({b}, \"\")")),
            two.clone()
                .prop_map(|(a, b)| format!("coalesce({a}, {b}, \"\")")),
            three.clone().prop_map(|(a, b, c)| format!(
                "replace({a}, coalesce({b}, \"\"), coalesce({c}, \"\"))"
            )),
            two.clone()
                .prop_map(|(a, b)| format!("join([{a}, {b}].filter(t, t != null), \"-\")")),
            two.clone().prop_map(|(a, b)| format!(
                "join(e.tags.map(t, t + coalesce({a}, \"\")), coalesce({b}, \"\"))"
            )),
            two.prop_map(|(a, b)| format!("({a} == {b} ? {b} : {a})")),
            (inner, -2_i64..9).prop_map(|(of, most)| format!("truncate({of}, {most})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_text_and_no_record_panics(
        text in prop_oneof![".{0,80}", "\\PC{0,200}", pieces(), sound()],
        field in prop_oneof!["name", "short", "end", "manager", ".{0,5}"],
        record in prop::option::of(any_record()),
        settings in prop_oneof![3 => Just(Value::Null), 1 => json_value()],
    ) {
        let tried = open().try_expression(&field, &text, record.as_ref(), &settings);
        prop_assert!(tried.value.is_none() || tried.error.is_none());
        if !tried.problems.is_empty() {
            prop_assert!(tried.value.is_none() && tried.error.is_none() && tried.reads.is_empty());
        } else {
            prop_assert_eq!(record.is_some(), tried.value.is_some() || tried.error.is_some());
        }
        let lines = text.split('\n').count();
        for problem in &tried.problems {
            prop_assert!((1..=lines).contains(&problem.line), "{problem:?} of {text:?}");
        }
    }

    /// What was tried and found right is what the automation then does.
    #[test]
    fn what_is_tried_is_what_is_done(text in sound(), record in any_record()) {
        let flow = open();
        let tried = flow.try_expression("name", &text, Some(&record), &Value::Null);
        let kept = flow.program(&json!({"$map": {"name": text}}));
        prop_assert_eq!(tried.problems.is_empty(), kept.is_ok());
        if let Ok(program) = kept
            && let Ok(person) = program.evaluate(&record)
        {
            let fields = program.flow().fields();
            let at = fields.iter().position(|field| field.name == "name").unwrap();
            match &person.fields[at] {
                FieldValue::Value(value) => prop_assert_eq!(Some(value), tried.value.as_ref()),
                other => prop_assert!(tried.error.is_some(), "{other:?}"),
            }
        }
    }
}
