//! The envelope around every answer: `{"success": …, "metadata": …, "error": …, "data": […]}`.
//!
//! The body is read in one pass, without a tree of it in memory: what is in `data` is read by a seed of
//! the caller's. The envelope's own fields are read leniently, because Personio leaves them out or sends
//! numbers as text, and answers 200 to a refusal: only `success` tells.

use std::marker::PhantomData;

use matricula_sdk::{Context, Failure};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::failures::{self, Right};
use crate::raw::{Key, Raw, RawSeed, any_scalar};
use crate::request;

/// What came, taken out of its envelope.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    /// How many there are altogether, where Personio tells.
    pub(crate) total: Option<u64>,
    /// What is in `data`.
    pub(crate) data: Vec<T>,
}

/// Asks for what takes this right and reads it by the seed, or says why there is none.
///
/// # Errors
/// Every [`failures`] kind; nothing was changed at Personio.
pub(crate) fn get<S, T>(
    cx: &Context<'_>,
    right: Right,
    url: String,
    seed: S,
) -> Result<Answer<T>, Failure>
where
    S: for<'de> DeserializeSeed<'de, Value = T> + Copy,
{
    let response = cx
        .send(request("GET", url))
        .map_err(|error| failures::unsent(error, false))?;
    if !response.is_success() {
        let problem = parse(&response.body, Skip)
            .map(|envelope| envelope.problem)
            .unwrap_or_default();
        return Err(failures::refused(&response, &problem, right));
    }
    let envelope =
        parse(&response.body, seed).map_err(|error| failures::unreadable(&response, &error))?;
    if envelope.success == Some(false) {
        return Err(failures::refused(&response, &envelope.problem, right));
    }
    match envelope.data {
        Some(data) => Ok(Answer {
            total: envelope.total,
            data,
        }),
        None => Err(failures::without_data(&response)),
    }
}

/// What Personio says is wrong.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    /// Its own code; often the HTTP status.
    pub(crate) code: Option<u64>,
    /// Its own message, in the language of the account. Never shown, since nobody knows what is in it.
    pub(crate) message: String,
}

#[derive(Debug)]
struct Envelope<T> {
    success: Option<bool>,
    total: Option<u64>,
    problem: Problem,
    /// None if it is missing or no list.
    data: Option<Vec<T>>,
}

fn parse<'de, S, T>(body: &'de [u8], seed: S) -> serde_json::Result<Envelope<T>>
where
    S: DeserializeSeed<'de, Value = T> + Copy,
{
    // Checked once as a whole, which is much faster than string by string.
    let text = std::str::from_utf8(body).map_err(|_| serde::de::Error::custom("not UTF-8"))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let envelope = deserializer.deserialize_map(EnvelopeVisitor(seed))?;
    deserializer.end()?;
    Ok(envelope)
}

struct EnvelopeVisitor<S>(S);

impl<'de, S, T> Visitor<'de> for EnvelopeVisitor<S>
where
    S: DeserializeSeed<'de, Value = T> + Copy,
{
    type Value = Envelope<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<T>, A::Error> {
        let mut envelope = Envelope {
            success: None,
            total: None,
            problem: Problem::default(),
            data: None,
        };
        let everything = RawSeed(|_| true);
        while let Some(key) = map.next_key_seed(Key)? {
            match &*key {
                "success" => {
                    if let Raw::Bool(success) = map.next_value_seed(everything)? {
                        envelope.success = Some(success);
                    }
                }
                "metadata" => {
                    let metadata = map.next_value_seed(everything)?;
                    envelope.total = metadata.field("total_elements").and_then(Raw::whole);
                }
                "error" => envelope.problem = problem(&map.next_value_seed(everything)?),
                // Some errors are a bare `{"message": …}`.
                "message" => {
                    if let Raw::Text(message) = map.next_value_seed(everything)? {
                        envelope.problem.message = message.into_owned();
                    }
                }
                "data" => envelope.data = map.next_value_seed(ListSeed(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

fn problem(error: &Raw<'_>) -> Problem {
    let message = error
        .field("message")
        .and_then(Raw::text)
        .or_else(|| error.text());
    Problem {
        code: error.field("code").and_then(Raw::whole),
        message: message.unwrap_or_default().to_owned(),
    }
}

/// Reads a list; null is an empty one, and anything else none.
struct ListSeed<S>(S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for ListSeed<S> {
    type Value = Option<Vec<S::Value>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(ListVisitor(self.0, PhantomData))
    }
}

struct ListVisitor<S, T>(S, PhantomData<T>);

impl<'de, S, T> Visitor<'de> for ListVisitor<S, T>
where
    S: DeserializeSeed<'de, Value = T> + Copy,
{
    type Value = Option<Vec<T>>;

    any_scalar!(Option<Vec<T>>, None);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(128));
        while let Some(value) = seq.next_element_seed(self.0)? {
            list.push(value);
        }
        Ok(Some(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads nothing.
#[derive(Clone, Copy)]
struct Skip;

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = IgnoredAny;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<IgnoredAny, D::Error> {
        deserializer.deserialize_ignored_any(IgnoredAny)
    }
}
