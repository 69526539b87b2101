//! The expression language: CEL, with two amendments for data that may be missing.
//!
//! This module is the only one that knows the crate `cel`, which changes its API often.
//!
//! **Null.** Selecting from null gives null: `e.department.name` is null where the department is null. Our
//! functions of texts answer null with null.
//!
//! **Absent.** A record lacks what the credential may not read, and that is not the same as empty. Selecting
//! a key that is missing, `e.department` or `e.department.name`, makes the whole expression *absent*, and
//! an absent expression leaves the target alone. As errors do in CEL, absence gives way where the answer
//! does not depend on it: `true || e.x` is true. It is handled by `has(e.x)` and by the optional syntax:
//! `e.?x.orValue("")`; an optional without a value that is the result of an expression is absent again.
//! A key looked up with brackets in a map that the expression itself makes is an error where it is missing;
//! use `switch`.
//!
//! **Functions.** Of CEL: `has`, `size`, `int`, `double`, `bool`, the methods `contains`, `startsWith`,
//! `endsWith`, `matches`, `size`, `orValue`, `or`, `hasValue`, and the loops `all`, `exists`,
//! `exists_one`, `map`, `filter`. Ours:
//!
//! | function | |
//! | --- | --- |
//! | `trim(t)` `lower(t)` `upper(t)` | of a text |
//! | `normalizeDiacritics(t)` | letters without marks; `ä` becomes `ae` |
//! | `string(x)` | a number or boolean as text |
//! | `date(t)` | the day of a text that begins with `YYYY-MM-DD` |
//! | `replace(t, from, to)` | every occurrence |
//! | `truncate(t, n)` | the first `n` characters |
//! | `join(list, separator)` | of texts; null and empty ones are left out |
//! | `coalesce(a, b, …)` | the first that is not null; takes optionals, of which an empty one counts as null |
//! | `ifEmpty(a, b)` | `a`, or `b` where `a` is null or blank |
//! | `switch({…}, key, default)` | the entry of a key, or the default |
//! | `person(key)` | the account of another person; only as the whole value of a reference |
//!
//! In the name of a group (`groups`) texts that are joined with `+` may be null: then there is no name.
//!
//! There is no `now`: what depends on the time is declared under `access`, so that the engine knows the next
//! moment at which somebody's access changes. Only the `remarks` of a flow that delivers documents know
//! `today`, the day in UTC: they tell how a document stood when it was delivered and decide nothing.
//!
//! An expression runs in one of two ways. Most are compiled to a tree that is evaluated directly on the
//! record's JSON (`fast`); what that tree cannot express, and every error, is left to `cel`
//! (`standard`). That both agree is a property test (`compiled`). What an evaluation may cost is bounded
//! (`budget`), whoever wrote the expression.

mod budget;
mod calls;
mod compile;
mod compiled;
mod fast;
mod findings;
pub(crate) mod functions;
mod infer;
mod names;
mod rewrite;
mod standard;
mod syntax;
pub(crate) mod types;
mod val;

pub(crate) use compiled::{Compiled, Outcome, View};
pub(crate) use names::{Expression, Names, TODAY};
pub(crate) use syntax::{IN_LET, LONGEST, Parsed, parse};
pub(crate) use val::Val;
