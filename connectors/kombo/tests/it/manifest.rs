//! The manifest.

use matricula_connector_kombo::Kombo;
use matricula_core::manifest::{CONTRACT, Manifest, properties};
use matricula_sdk::Connector as _;
use serde_json::{Value, json};

use crate::support::{asked, data, employees, integration, play, read};

const JSON: &[u8] = include_bytes!("../../manifest.json");

fn manifest() -> Manifest {
    Manifest::parse(JSON).unwrap()
}

#[test]
fn it_is_of_this_contract_and_says_everything_in_two_languages() {
    let manifest = manifest();
    assert_eq!(manifest.contract, format!("{}.{}", CONTRACT.0, CONTRACT.1));
    fn texts(at: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                if members.contains_key("en") || members.contains_key("de") {
                    for language in ["en", "de"] {
                        let text = members.get(language).and_then(Value::as_str);
                        assert!(text.is_some_and(|text| !text.is_empty()), "{at} {language}");
                    }
                }
                for (name, member) in members {
                    texts(&format!("{at}/{name}"), member);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| texts(at, item)),
            _ => {}
        }
    }
    texts("", &serde_json::from_slice(JSON).unwrap());
    for method in &manifest.authentication {
        for field in &method.fields {
            assert!(!field.help.get("de").is_empty(), "{}", field.name);
        }
    }
    for (name, attribute) in properties(&manifest.streams["employees"].schema).unwrap() {
        assert!(attribute["x-label"]["de"].is_string(), "{name}");
    }
}

/// The window is for customers of a vendor, who type nothing; the key for those who have an account.
#[test]
fn nobody_types_what_the_vendor_gives_or_the_window_brings() {
    let manifest = manifest();
    let typed = |method: &str| -> Vec<String> {
        let fields = &manifest.method(method).unwrap().fields;
        let typed = fields
            .iter()
            .filter(|field| !field.given && !field.connected);
        typed.map(|field| field.name.clone()).collect()
    };
    assert_eq!(typed("connect"), Vec::<String>::new());
    assert_eq!(
        typed("key"),
        ["api_url", "api_key", "integration_id", "webhook_secret"]
    );
    let operation = &manifest.operations["upload-document"];
    assert!(operation.once && operation.find.is_empty());
}

#[test]
fn what_is_read_is_what_the_schema_says() {
    let manifest = manifest();
    let schema = &manifest.streams["employees"].schema;
    let names: Vec<&str> = properties(schema)
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let answer: Value =
        serde_json::from_str(include_str!("../transcripts/employees.json")).unwrap();
    let page = play(
        json!([
            asked(integration()),
            {"request": "GET https://api.kombo.dev/v1/hris/employees?page_size=250", "response": answer}
        ]),
        |cx| read(cx, &employees(&names)).unwrap(),
    );
    let record = &data(&page)[0];
    let validator = jsonschema::validator_for(schema).unwrap();
    assert!(
        validator.is_valid(record),
        "{:?}",
        validator.iter_errors(record).collect::<Vec<_>>()
    );
    let came = record.as_object().unwrap();
    for name in names {
        assert!(came.contains_key(name), "{name} is never read");
    }
}

#[test]
fn what_there_is_not_is_not_offered() {
    play(json!([]), |cx| {
        let other = matricula_sdk::Read {
            stream: "payslips".into(),
            ..Default::default()
        };
        let failures = [
            Kombo::read(cx, &other).unwrap_err(),
            Kombo::prepare(cx, "upsert-user", &[]).unwrap_err(),
            Kombo::find(cx, "upload-document", "", "employee", &["1".into()]).unwrap_err(),
            Kombo::options(cx, "offices", None, None).unwrap_err(),
        ];
        for failure in failures {
            assert_eq!(failure.code.as_deref(), Some("not-offered"), "{failure:?}");
        }
    });
}
