//! A captured answer, taken apart without being understood: every attribute stays the bytes it was.
//!
//! Parsing and writing it again would already normalise what the capture is there to show (numbers
//! beyond 2^53, the order of keys, escapes). So this finds where each attribute begins and ends and
//! copies it, leaving out only blanks between tokens.

use anyhow::{Context as _, bail, ensure};

/// One captured person: each attribute's key and its object as raw JSON.
pub(super) type Raw = Vec<(String, Vec<u8>)>;

/// The people of a captured answer.
///
/// # Errors
/// It is not JSON, or not `{"data":[{"attributes":{…}},…]}`.
pub(super) fn people(answer: &[u8]) -> anyhow::Result<Vec<Raw>> {
    // A full parse first: the scanner below relies on well-formed input.
    let _: serde_json::Value =
        serde_json::from_slice(answer).context("the captured answer is not JSON")?;
    let mut data = None;
    members(answer, |key, value| {
        if key == "data" {
            data = Some(value);
        }
    })?;
    let data = data.context("the captured answer has no `data`")?;
    let mut people = Vec::new();
    for employee in elements(data)? {
        let mut attributes = None;
        members(employee, |key, value| {
            if key == "attributes" {
                attributes = Some(value);
            }
        })?;
        let attributes = attributes.context("an element of `data` has no `attributes`")?;
        let mut raw = Raw::new();
        members(attributes, |key, value| raw.push((key, compact(value))))?;
        people.push(raw);
    }
    Ok(people)
}

fn elements(list: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    let mut at = blanks(list, 0);
    ensure!(list.get(at) == Some(&b'['), "`data` is not a list");
    at = blanks(list, at + 1);
    while list.get(at).is_some_and(|&b| b != b']') {
        let end = value(list, at)?;
        found.push(&list[at..end]);
        at = next(list, end);
    }
    Ok(found)
}

fn members<'a>(object: &'a [u8], mut each: impl FnMut(String, &'a [u8])) -> anyhow::Result<()> {
    let mut at = blanks(object, 0);
    ensure!(
        object.get(at) == Some(&b'{'),
        "an object was expected in the captured answer"
    );
    at = blanks(object, at + 1);
    while object.get(at).is_some_and(|&b| b != b'}') {
        let key_end = value(object, at)?;
        let key: String = serde_json::from_slice(&object[at..key_end])?;
        let start = blanks(object, blanks(object, key_end) + 1);
        let end = value(object, start)?;
        each(key, &object[start..end]);
        at = next(object, end);
    }
    Ok(())
}

/// The start of what follows a value: past a comma, if there is one.
fn next(text: &[u8], at: usize) -> usize {
    let at = blanks(text, at);
    if text.get(at) == Some(&b',') {
        blanks(text, at + 1)
    } else {
        at
    }
}

fn blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The end of the value that starts at `at`.
fn value(text: &[u8], at: usize) -> anyhow::Result<usize> {
    let mut depth = 0usize;
    let mut i = at;
    loop {
        match text.get(i) {
            None => bail!("the captured answer ends in the middle of a value"),
            Some(b'"') => {
                i = string(text, i);
                if depth == 0 {
                    return Ok(i);
                }
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(i + 1);
                }
            }
            Some(_) if depth == 0 => {
                let rest = text[i..].iter();
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
                return Ok(i + rest.take_while(|b| !ends(b)).count());
            }
            Some(_) => {}
        }
        i += 1;
    }
}

/// The end of the string that starts at `at`.
fn string(text: &[u8], at: usize) -> usize {
    let mut i = at + 1;
    while let Some(&byte) = text.get(i) {
        match byte {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    text.len()
}

/// The same JSON without blanks between tokens.
fn compact(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while let Some(&byte) = text.get(i) {
        if byte == b'"' {
            let end = string(text, i);
            out.extend_from_slice(&text[i..end]);
            i = end;
        } else {
            if !byte.is_ascii_whitespace() {
                out.push(byte);
            }
            i += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_keep_their_bytes() {
        let answer = br#"{ "success": true, "data": [
            { "type": "Employee", "attributes": {
                "b": { "value": 1067807102794692001, "x": "a \" } , b" },
                "a": { "value": [ ] , "n" : 4333.330 } } },
            {"attributes":{}} ] , "limit":200}"#;
        let people = people(answer).unwrap();
        assert_eq!(people.len(), 2);
        let text: Vec<_> = people[0]
            .iter()
            .map(|(k, v)| format!("{k}={}", String::from_utf8_lossy(v)))
            .collect();
        assert_eq!(
            text,
            [
                r#"b={"value":1067807102794692001,"x":"a \" } , b"}"#,
                r#"a={"value":[],"n":4333.330}"#
            ]
        );
        assert!(people[1].is_empty());
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"data":{}}"#,
            r#"{"data":[1]}"#,
            r#"{"data":[{}]}"#,
        ] {
            assert!(people(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
