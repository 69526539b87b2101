//! What the owner enters for a credential.
//!
//! A secret is never an argument: arguments are seen by every other user of the machine and kept in the
//! shell's history. It is typed without echo, or comes on standard input.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _, Write as _};

use matricula_core::credential::Secrets;
use matricula_core::manifest::{Field, Method};
use serde::Deserialize as _;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// The fields of a credential, in two halves.
pub(crate) struct Fields {
    pub(crate) public: BTreeMap<String, String>,
    pub(crate) secrets: Secrets,
}

type Entered = BTreeMap<String, Zeroizing<String>>;

/// Collects the fields of a method: those given by `--set`, the others from standard input.
pub(crate) fn collect(method: &Method, set: &[(String, String)]) -> Result<Fields, Fault> {
    let mut entered = from_arguments(method, set)?;
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        ask(method, &mut entered)?;
    } else {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .take(1024 * 1024)
            .read_to_string(&mut text)
            .map_err(|error| Fault::usage(format!("standard input cannot be read: {error}")))?;
        for (name, value) in parse(&text)? {
            if entered.contains_key(&name) {
                return Err(Fault::usage(format!("the field {name} is given twice")));
            }
            entered.insert(name, value);
        }
    }
    Ok(split(method, entered))
}

fn from_arguments(method: &Method, set: &[(String, String)]) -> Result<Entered, Fault> {
    let mut entered = Entered::new();
    for (name, value) in set {
        if field(method, name).is_some_and(|field| field.secret) {
            return Err(Fault::usage(format!(
                "the field {name} is a secret and is not taken from the command line, where others can see \
                 it; it is asked for, or read from standard input as {name}=VALUE"
            )));
        }
        if entered
            .insert(name.clone(), Zeroizing::new(value.clone()))
            .is_some()
        {
            return Err(Fault::usage(format!("the field {name} is given twice")));
        }
    }
    Ok(entered)
}

/// One JSON object of texts, or lines `field=value`.
fn parse(text: &str) -> Result<Entered, Fault> {
    let wrong = |what: String| {
        Fault::usage(format!(
            "standard input holds {what}; one JSON object, or lines of the form field=value, are expected"
        ))
    };
    if text.trim_start().starts_with('{') {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = BTreeMap::<String, Option<String>>::deserialize(&mut reader);
        // The reason may quote the text, which is secret; where it is wrong says enough.
        let fields = fields
            .and_then(|fields| reader.end().map(|()| fields))
            .map_err(|error| {
                wrong(format!(
                    "no JSON object of texts (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            })?;
        let given = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        return Ok(given
            .map(|(name, value)| (name, Zeroizing::new(value)))
            .collect());
    }
    let mut entered = Entered::new();
    for (at, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let Some((name, value)) = line.split_once('=') else {
            return Err(wrong(format!("a line {} without \"=\"", at + 1)));
        };
        let name = name.trim().to_owned();
        if entered.contains_key(&name) {
            return Err(Fault::usage(format!("the field {name} is given twice")));
        }
        entered.insert(name, Zeroizing::new(value.trim().to_owned()));
    }
    Ok(entered)
}

/// Asks for every field that is not known yet.
fn ask(method: &Method, entered: &mut Entered) -> Result<(), Fault> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::Interrupted => Fault::interrupted(),
        _ => Fault::usage(format!("nothing could be read: {error}")),
    };
    // Not locked: who is interrupted here is told so on standard error while the question stays open.
    let mut screen = std::io::stderr();
    let help = method.help.get("en");
    if !help.is_empty() {
        writeln!(screen, "{help}").map_err(failed)?;
    }
    for field in &method.fields {
        if entered.contains_key(&field.name) {
            continue;
        }
        let question = question(field);
        let value = if field.secret {
            Zeroizing::new(rpassword::prompt_password(question).map_err(failed)?)
        } else {
            write!(screen, "{question}")
                .and_then(|()| screen.flush())
                .map_err(failed)?;
            let mut line = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(failed)?;
            Zeroizing::new(line)
        };
        entered.insert(field.name.clone(), Zeroizing::new(value.trim().to_owned()));
    }
    Ok(())
}

fn question(field: &Field) -> String {
    let optional = if field.required {
        ""
    } else {
        ", may be left empty"
    };
    let hidden = if field.secret { ", not shown" } else { "" };
    let help = match field.help.get("en") {
        "" => String::new(),
        help => format!("{help}\n"),
    };
    format!(
        "{help}{} ({}{optional}{hidden}): ",
        field.title.get("en"),
        field.name
    )
}

/// Fields that the method does not know stay on the public side, where they are refused by name.
fn split(method: &Method, entered: Entered) -> Fields {
    let entered = entered.into_iter().filter(|(_, value)| !value.is_empty());
    let (secrets, public): (Vec<_>, Vec<_>) = entered
        .map(|(name, value)| (name, (*value).clone()))
        .partition(|(name, _)| field(method, name).is_some_and(|field| field.secret));
    Fields {
        public: public.into_iter().collect(),
        secrets: Secrets::new(secrets),
    }
}

fn field<'a>(method: &'a Method, name: &str) -> Option<&'a Field> {
    method.fields.iter().find(|field| field.name == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn method() -> Method {
        serde_json::from_value(json!({
            "id": "m", "title": { "en": "M" }, "sessions": [],
            "fields": [
                { "name": "url", "title": { "en": "Address" } },
                { "name": "token", "title": { "en": "Token" }, "secret": true },
                { "name": "code", "title": { "en": "Code" }, "secret": true, "required": false },
            ],
        }))
        .unwrap()
    }

    fn parsed(text: &str) -> Result<Vec<(String, String)>, String> {
        match parse(text) {
            Ok(entered) => Ok(entered
                .into_iter()
                .map(|(name, value)| (name, (*value).clone()))
                .collect()),
            Err(fault) => Err(fault.message),
        }
    }

    #[test]
    fn standard_input_is_one_object_or_lines() {
        let both = Ok(vec![
            ("a".to_owned(), "x=1".to_owned()),
            ("b".to_owned(), "y".to_owned()),
        ]);
        assert_eq!(parsed("a=x=1\n\n b = y\r\n"), both);
        assert_eq!(parsed("{\"a\":\"x=1\",\"b\":\"y\",\"c\":null}\n"), both);
        assert_eq!(parsed(""), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_the_secret() {
        for text in [
            "hunter2",
            "{\"token\": hunter2}",
            "{\"token\":7, \"x\":\"hunter2\"}",
            "{}hunter2",
        ] {
            let message = parsed(text).unwrap_err();
            assert!(message.contains("standard input holds"), "{message}");
            assert!(
                !message.contains("hunter2") && !message.contains('7'),
                "{message}"
            );
        }
        assert_eq!(
            parsed("a=1\na=2").unwrap_err(),
            "the field a is given twice"
        );
    }

    #[test]
    fn a_secret_is_refused_as_an_argument() {
        let set = [("token".to_owned(), "hunter2".to_owned())];
        let fault = from_arguments(&method(), &set).unwrap_err();
        assert!(
            fault.message.starts_with("the field token is a secret"),
            "{}",
            fault.message
        );
        assert!(!fault.message.contains("hunter2"));
        let public = [("url".to_owned(), "https://example.com".to_owned())];
        assert!(from_arguments(&method(), &public).is_ok());
    }

    #[test]
    fn the_halves_follow_the_manifest_and_empty_means_absent() {
        let entered = parse("url=u\ntoken=t\ncode=\nother=o").unwrap();
        let fields = split(&method(), entered);
        assert_eq!(fields.public.keys().collect::<Vec<_>>(), ["other", "url"]);
        assert_eq!(fields.secrets.iter().collect::<Vec<_>>(), [("token", "t")]);
    }

    #[test]
    fn a_question_says_what_is_hidden_and_what_is_optional() {
        assert_eq!(
            question(&method().fields[2]),
            "Code (code, may be left empty, not shown): "
        );
    }
}
