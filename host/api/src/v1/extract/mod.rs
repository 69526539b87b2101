//! What handlers are given of a request: who asks, what for, and from where in a list.
//!
//! Each refuses with a problem document, so that no answer of the framework's own gets out.

mod body;
mod mount;
mod paging;
mod path;
mod signed;

pub(crate) use body::{Body, read_body};
pub(crate) use mount::Mount;
pub(crate) use paging::{Page, Paging, Query};
pub(crate) use path::Path;
pub(crate) use signed::{Owner, Signed};
