//! The parts of a flow file that hold expressions: `scope`, `match`, `map`, `access`.

use jiff::tz::TimeZone;
use matricula_core::manifest::Operation;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::check::{REMOTE_ID, open};
use crate::diagnostic::did_you_mean;
use crate::expression::types::{
    BOOL, DATE, DOUBLE, INT, LIST, MOMENT, NULL, NUMBER, OBJECT, TEXT, TEXTUAL, Type, shape_of,
};
use crate::expression::{Expression, Names, parse};
use crate::file::FlowFile;
use crate::flow::{AccessRules, Field, FieldSpec, MatchRule};
use crate::schema::Check;
use crate::titles::title;
use crate::yaml::{Name, Report, Snippet, Span};

/// Checks the expressions of a flow, each against what takes its value.
pub(crate) struct Checker<'a, 'r, 's> {
    pub names: &'a Names,
    /// The attributes of the record by which files are fetched.
    pub files: &'a [String],
    pub report: &'r mut Report<'s>,
}

impl Checker<'_, '_, '_> {
    pub fn expression(&mut self, snippet: Snippet) -> Option<(Expression, Span)> {
        let span = snippet.span(0, snippet.text.trim_end().len());
        let parsed = parse(snippet, self.report)?;
        Some((self.names.check(parsed, self.report)?, span))
    }

    /// An expression that must give one of these kinds.
    pub fn giving(
        &mut self,
        snippet: Snippet,
        what: &str,
        kinds: u16,
        hint: impl Fn(&Type) -> Option<String>,
    ) -> Option<Expression> {
        let (expression, span) = self.expression(snippet)?;
        self.must_give(expression, span, what, kinds, hint)
    }

    /// The expression, if it gives one of these kinds.
    pub fn must_give(
        &mut self,
        expression: Expression,
        span: Span,
        what: &str,
        kinds: u16,
        hint: impl Fn(&Type) -> Option<String>,
    ) -> Option<Expression> {
        let of = &expression.of;
        let nullable = of.nullable() && kinds & NULL == 0;
        if !of.can_be(kinds) || nullable {
            let message = format!(
                "{what} must be {}, and this is {of}",
                Type::of(kinds & !NULL)
            );
            let hint = hint(of);
            self.report.add_with(span, message, hint);
            return None;
        }
        Some(expression)
    }

    pub fn scope(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        self.giving(snippet, "scope", BOOL, |of| {
            of.has(BOOL)
                .then(|| format!("write coalesce({text}, false)"))
        })
    }

    pub fn matches(
        &mut self,
        rules: Vec<(Name, Snippet)>,
        operation: Option<&Operation>,
    ) -> Vec<MatchRule> {
        let mut matches: Vec<MatchRule> = Vec::new();
        for (name, snippet) in rules {
            if let Some(operation) = operation
                && name.text != REMOTE_ID
                && !operation.find.contains(&name.text)
            {
                let known = operation.find.iter().map(String::as_str).chain([REMOTE_ID]);
                self.report.add_with(
                    name.span,
                    format!("accounts cannot be found by \"{}\"", name.text),
                    did_you_mean(&name.text, known),
                );
            }
            let text = snippet.text.trim().to_owned();
            let expression = self.giving(snippet, &name.text, TEXTUAL | NULL, |of| {
                of.has(NUMBER).then(|| format!("write string({text})"))
            });
            if let Some(expression) = expression {
                matches.push(MatchRule {
                    attribute: name.text,
                    expression,
                });
            }
        }
        matches
    }

    pub fn fields(&mut self, file: &mut FlowFile, operation: Option<&Operation>) -> Vec<Field> {
        let map = std::mem::take(&mut file.map);
        let label = format!("{} {}", file.target.0.text, file.target.1.text);
        let schema = operation.map(|operation| &operation.schema);
        let known = schema
            .and_then(Value::as_object)
            .and_then(|schema| shape_of(schema, &label));
        let known = known.unwrap_or_else(|| open(&label));
        let required: Vec<&str> = schema
            .and_then(|schema| schema.get("required"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let active = operation.and_then(|operation| operation.active.as_deref());
        for name in &required {
            let given = map.iter().any(|(mapped, _)| mapped.text == *name);
            if !given && Some(*name) != active {
                let message =
                    format!("{label} needs the attribute \"{name}\", which map does not give");
                self.report.add(file.map_key, message);
            }
        }
        let mut fields = Vec::new();
        for (name, snippet) in map {
            let Some(of) = known.property(&name.text) else {
                self.report.add_with(
                    name.span,
                    format!("{label} has no attribute \"{}\"", name.text),
                    did_you_mean(&name.text, known.names()),
                );
                self.expression(snippet);
                continue;
            };
            if Some(name.text.as_str()) == active {
                self.report.add_with(
                    name.span,
                    format!("\"{}\" is decided by access, scope and leavers", name.text),
                    Some("declare under access who is blocked (barred)".into()),
                );
                self.expression(snippet);
                continue;
            }
            let property = schema
                .and_then(|schema| schema.get("properties"))
                .and_then(|properties| properties.get(&name.text));
            let is_reference = property
                .and_then(|property| property.get("x-reference"))
                .is_some_and(|mark| mark == true);
            let is_file = property.is_some_and(|property| property.get("x-file").is_some());
            let required = required.contains(&name.text.as_str());
            let text = snippet.text.trim().to_owned();
            let expression = if is_file {
                if operation.is_some_and(|operation| !operation.once) {
                    let message = format!("{label} takes a file and does not write once");
                    let hint = "files go into documents: the manifest is wrong about it".to_owned();
                    self.report.add_with(name.span, message, Some(hint));
                }
                self.file(&name, snippet)
            } else {
                self.field(&name, snippet, &of, is_reference, required)
            };
            let Some(expression) = expression else {
                continue;
            };
            // What a file is fetched by is not what the target takes.
            let checked = property.filter(|_| !is_file);
            match Check::new(checked.unwrap_or(&Value::Bool(true))) {
                Ok(check) => fields.push(Field {
                    spec: FieldSpec {
                        tag: tag(&name.text),
                        title: schema
                            .map(|schema| title(schema, &name.text))
                            .unwrap_or_default(),
                        name: name.text,
                        open: false,
                        initial: false,
                        expression: text,
                        reference: is_reference,
                        required,
                        from_record: !expression.attributes.is_empty(),
                    },
                    expression,
                    of,
                    check,
                }),
                Err(reason) => self.report.add(
                    name.span,
                    format!("the manifest is wrong about {}: {reason}", name.text),
                ),
            }
        }
        fields
    }

    pub fn field(
        &mut self,
        name: &Name,
        snippet: Snippet,
        of: &Type,
        is_reference: bool,
        required: bool,
    ) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        let span = snippet.span(0, snippet.text.trim_end().len());
        let (parsed, person) = parse(snippet, self.report)?.take_person();
        if person && !is_reference && !of.is_any() {
            let message = format!("{} does not take another person", name.text);
            self.report.add(span, message);
        }
        let expression = self.names.check(parsed, self.report)?;
        if is_reference && !person {
            self.report.add_with(
                span,
                format!("{} is the account of another person", name.text),
                Some(format!("write person({text})")),
            );
            return None;
        }
        if person {
            if !expression.of.has(INT | TEXT) && !expression.of.only(NULL) {
                let message = format!(
                    "person takes the key of a person, and this is {}",
                    expression.of
                );
                let inner = text.trim_start_matches("person(").trim_end_matches(')');
                let hint = suggest_member(&expression.of, "id", INT | TEXT)
                    .map(|member| format!("did you mean person({inner}.{member})?"));
                self.report.add_with(span, message, hint);
            }
            return Some(expression);
        }
        self.assign(name, &text, span, &expression.of, of, required);
        Some(expression)
    }

    /// Whether a value of one kind can be the value of an attribute of another.
    fn assign(&mut self, name: &Name, text: &str, span: Span, of: &Type, to: &Type, needed: bool) {
        if of.is_any() || to.is_any() {
            return;
        }
        let mut takes = 0;
        for (kind, accepts) in [
            (BOOL, BOOL),
            (INT, INT),
            (DOUBLE, NUMBER),
            (TEXT, TEXTUAL),
            (DATE, DATE),
            (MOMENT, MOMENT),
            (LIST, LIST),
            (OBJECT, OBJECT),
        ] {
            if to.has(kind) {
                takes |= accepts;
            }
        }
        let only_null = of.only(NULL);
        if !only_null && !of.has(takes) {
            let hint = if to.has(DATE) && of.has(TEXTUAL) {
                Some(format!("write date({text})"))
            } else if to.has(TEXT) && of.has(NUMBER | BOOL) {
                Some(format!("write string({text})"))
            } else if to.has(TEXT) && of.has(LIST) {
                Some(format!("write join({text}, \", \")"))
            } else {
                suggest_member(of, "name", takes)
                    .map(|member| format!("did you mean {text}.{member}?"))
            };
            let wanted = to.clone().without_null();
            let message = format!("{} takes {wanted}, and this is {of}", name.text);
            self.report.add_with(span, message, hint);
        } else if of.nullable() && !to.has(NULL) && !needed {
            let hint = to
                .has(TEXTUAL)
                .then(|| format!("write coalesce({text}, \"\")"));
            let message = format!("this may be null, which {} does not take", name.text);
            self.report.add_with(span, message, hint);
        } else if of.has(LIST) && to.has(LIST) {
            let (of, to) = (of.item(), to.item());
            self.assign(name, text, span, &of, &to, false);
        }
    }

    pub fn access(&mut self, file: &mut FlowFile) -> AccessRules {
        let part = std::mem::take(&mut file.access);
        let mut date = |snippet: Option<Snippet>, what: &str| {
            let snippet = snippet?;
            let text = snippet.text.trim().to_owned();
            self.giving(snippet, what, DATE | NULL, |of| {
                of.has(TEXTUAL).then(|| format!("write date({text})"))
            })
        };
        let from = date(part.from, "from");
        let until = part
            .until
            .into_iter()
            .filter_map(|one| date(Some(one), "until"))
            .collect();
        let barred = part
            .barred
            .and_then(|snippet| self.giving(snippet, "barred", BOOL | NULL, |_| None));
        let last_day = part.last_day.and_then(|snippet| {
            self.word(snippet, "last_day", |text| {
                ["blocked", "open"].contains(&text)
            })
        });
        let time_zone = part.time_zone.and_then(|snippet| {
            self.word(snippet, "time_zone", |text| TimeZone::get(text).is_ok())
        });
        AccessRules {
            from,
            until,
            barred,
            last_day,
            time_zone,
        }
    }

    /// An expression that gives a text. Somebody may have written the text itself.
    fn word(
        &mut self,
        snippet: Snippet,
        what: &str,
        valid: impl Fn(&str) -> bool,
    ) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        if valid(&text) && !self.names.lets_contain(&text) {
            let span = snippet.span(0, snippet.text.trim_end().len());
            self.report.add_with(
                span,
                format!("{what} is an expression; a text in it stands between quotes"),
                Some(format!("write '\"{text}\"'")),
            );
            return None;
        }
        self.giving(snippet, what, TEXT, |of| {
            of.has(TEXT).then(|| format!("write coalesce({text}, …)"))
        })
    }
}

/// Where an object is given and something in it would fit: that.
pub(crate) fn suggest_member<'t>(of: &'t Type, usual: &str, kinds: u16) -> Option<&'t str> {
    let fitting = || {
        let properties = of.shape()?.properties.iter();
        Some(
            properties
                .filter(|(_, of)| of.has(kinds))
                .map(|(name, _)| name.as_str()),
        )
    };
    fitting()?
        .find(|name| *name == usual)
        .or_else(|| fitting()?.next())
}

/// A name that is stable for ever: part of what is stored of each person.
fn tag(name: &str) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of the hash is enough"
    )]
    let tag = xxh3_64(name.as_bytes()) as u32;
    tag
}
