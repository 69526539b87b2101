//! One way to say each thing.

use serde::de::DeserializeSeed;

use crate::normal::{Kind, Writer, west};
use crate::raw::RawSeed;

fn value(kind: Kind, of: &str, json: &str) -> String {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let raw = RawSeed(|_| true).deserialize(&mut deserializer).unwrap();
    let mut writer = Writer::default();
    writer.value(kind, &raw, of);
    let _: serde_json::Value = serde_json::from_str(&writer.out).expect("valid JSON");
    writer.out
}

#[test]
fn empty_text_is_null_and_other_scalars_become_text() {
    for empty in ["null", "\"\"", "\"  \"", "[]"] {
        assert_eq!(value(Kind::Text, "standard", empty), "null", "{empty}");
    }
    assert_eq!(value(Kind::Text, "", r#""a \"b\"\n""#), r#""a \"b\"\n""#);
    assert_eq!(value(Kind::Text, "", "12"), "\"12\"");
    assert_eq!(value(Kind::Text, "", "-1.5"), "\"-1.5\"");
    assert_eq!(value(Kind::Text, "", "true"), "\"true\"");
}

#[test]
fn an_unreadable_shape_is_passed_on_for_the_schema_check_to_name() {
    assert_eq!(value(Kind::Text, "", r#"{"a":1}"#), "{}");
    assert_eq!(value(Kind::Text, "", r#"["a","b"]"#), r#"["a","b"]"#);
    assert_eq!(value(Kind::Date, "", "\"31.12.2026\""), "\"31.12.2026\"");
    assert_eq!(value(Kind::Number, "", "\"many\""), "\"many\"");
    // An object with a name means its name.
    assert_eq!(value(Kind::Text, "", r#"{"id":1,"name":"CTO"}"#), "\"CTO\"");
}

#[test]
fn choices_are_lenient() {
    let gender = Kind::of("gender");
    assert_eq!(value(gender, "", "\"Female\""), "\"female\"");
    assert_eq!(value(gender, "", "\"Something New\""), "\"Something New\"");
    assert_eq!(value(gender, "", "\"\""), "null");
}

#[test]
fn a_date_is_its_first_ten_characters_whatever_the_zone() {
    for (came, date) in [
        ("2014-11-09T00:00:00+01:00", "2014-11-09"),
        ("2014-11-09T00:00:00+00:00", "2014-11-09"),
        ("2014-11-09", "2014-11-09"),
        ("2026-02-31T00:00:00+01:00", "2026-02-31"),
        ("2026-ü", "2026-ü"),
    ] {
        assert_eq!(
            value(Kind::Date, "date", &format!("\"{came}\"")),
            format!("\"{date}\"")
        );
    }
    assert_eq!(value(Kind::Date, "date", "\"\""), "null");
    assert_eq!(value(Kind::Date, "date", "null"), "null");
}

#[test]
fn numbers_come_as_text_too() {
    for (came, number) in [
        ("\"40\"", "40"),
        ("38.5", "38.5"),
        ("\"38.50\"", "38.5"),
        ("\"38,5\"", "38.5"),
        ("40.0", "40"),
    ] {
        assert_eq!(value(Kind::Number, "", came), number, "{came}");
    }
    assert_eq!(value(Kind::Number, "", "\"\""), "null");
    assert_eq!(value(Kind::Number, "", "\"NaN\""), "\"NaN\"");
    assert_eq!(
        value(Kind::Custom, "integer", "18446744073709551615"),
        "18446744073709551615"
    );
}

#[test]
fn tags_come_in_three_encodings() {
    let tags = |json: &str| value(Kind::Custom, "tags", json);
    assert_eq!(
        tags("\"Data security,Product \""),
        r#"["Data security","Product"]"#
    );
    assert_eq!(tags(r#""[\"A, B\",\"C\"]""#), r#"["A, B","C"]"#);
    assert_eq!(tags(r#"["A","B"]"#), r#"["A","B"]"#);
    for empty in ["\"\"", "null", "[]", "\"[]\"", "\",\""] {
        assert_eq!(tags(empty), "[]", "{empty}");
    }
    assert_eq!(tags("\"[sic\""), r#"["[sic"]"#);
}

#[test]
fn custom_attributes_are_what_they_say_they_are() {
    let custom = |of, json| value(Kind::Custom, of, json);
    assert_eq!(
        custom("date", "\"1995-02-19T00:00:00+00:00\""),
        "\"1995-02-19\""
    );
    assert_eq!(
        custom("Date", "\"1995-02-19T00:00:00+00:00\""),
        "\"1995-02-19\""
    );
    assert_eq!(custom("decimal", "\"1.5\""), "1.5");
    assert_eq!(custom("list", "\"single\""), "\"single\"");
    assert_eq!(custom("standard", "\"45\""), "\"45\"");
    assert_eq!(custom("hologram", "7"), "7");
    assert_eq!(custom("", "true"), "true");
    assert_eq!(custom("multiline", "\"\""), "null");
}

#[test]
fn nested_objects_come_in_every_shape() {
    let named = |json: &str| value(Kind::Named, "standard", json);
    let it = r#"{"type":"Department","attributes":{"id":7,"name":"IT"}}"#;
    assert_eq!(named(it), r#"{"id":7,"name":"IT"}"#);
    assert_eq!(named(&format!("[{it}]")), r#"{"id":7,"name":"IT"}"#);
    assert_eq!(
        named(r#"{"id":"7","name":"IT"}"#),
        r#"{"id":7,"name":"IT"}"#
    );
    assert_eq!(named("\"IT\""), r#"{"id":null,"name":"IT"}"#);
    assert_eq!(named("7"), r#"{"id":7,"name":null}"#);
    for empty in [
        "null",
        "\"\"",
        "[]",
        "{}",
        r#"{"type":"Office","attributes":[]}"#,
        "true",
    ] {
        assert_eq!(named(empty), "null", "{empty}");
    }
}

#[test]
fn a_supervisor_is_an_identifier_and_a_name() {
    let person = |json: &str| value(Kind::Person, "standard", json);
    let full =
        r#"{"type":"Employee","attributes":{"id":{"label":"ID","value":5},"email":{"value":"x"}}}"#;
    assert_eq!(person(full), r#"{"id":5}"#);
    assert_eq!(
        person(
            r#"{"type":"Employee","attributes":{"id":{"value":5},"first_name":{"label":"First name","value":"Ada"},
            "last_name":{"label":"Last name","value":""},"email":{"value":"x"}}}"#
        ),
        r#"{"id":5,"first_name":"Ada","last_name":null}"#,
        "an address is nobody's business here"
    );
    assert_eq!(
        person(r#"{"attributes":{"id":{"value":"5"}}}"#),
        r#"{"id":5}"#
    );
    for none in [
        "null",
        "\"\"",
        "[]",
        r#"{"attributes":{"first_name":{"value":"Ada"}}}"#,
    ] {
        assert_eq!(person(none), "null", "{none}");
    }
}

#[test]
fn identifiers_beyond_double_precision_are_kept() {
    let schedule = r#"{"attributes":{"id":1067807102794692000,"name":"Full-time","monday":"08:00","sunday":""}}"#;
    assert_eq!(
        value(Kind::Schedule, "", schedule),
        r#"{"id":1067807102794692000,"name":"Full-time","monday":"08:00","sunday":null}"#
    );
    let named = |id| value(Kind::Named, "", &format!(r#"{{"id":{id},"name":"X"}}"#));
    assert_eq!(named("7.0"), r#"{"id":7,"name":"X"}"#);
    // A float of this size has lost digits.
    assert_eq!(named("1067807102794692000.0"), r#"{"id":null,"name":"X"}"#);
}

#[test]
fn cost_centers_are_a_list() {
    let list = |json: &str| value(Kind::CostCenters, "", json);
    let one = r#"{"type":"CostCenter","attributes":{"id":1,"name":"A","percentage":"50"}}"#;
    assert_eq!(
        list(&format!("[{one},null]")),
        r#"[{"id":1,"name":"A","percentage":50}]"#
    );
    assert_eq!(list(one), r#"[{"id":1,"name":"A","percentage":50}]"#);
    for empty in ["null", "\"\"", "[]", "[null]"] {
        assert_eq!(list(empty), "[]", "{empty}");
    }
}

#[test]
fn the_offset_of_a_western_zone_is_noticed() {
    for (text, minutes) in [
        ("2026-01-01T00:00:00-08:00", 480),
        ("2026-01-01T00:00:00.000-03:30", 210),
        ("2026-01-01T00:00:00+01:00", 0),
        ("2026-01-01T00:00:00Z", 0),
        ("2026-01-01", 0),
        ("2026-01-01T00:00:00-99:00", 0),
    ] {
        assert_eq!(west(text), minutes, "{text}");
    }
}
