//! The files of certificates.
//!
//! A certificate's address is taken to be one of the API itself, fetched with the same token. What lies
//! elsewhere is not fetched: the address comes out of a record, and nobody who can write records is to
//! choose where the host goes. The host would not go there either, so this only says it better.

use matricula_sdk::{
    Context, Denied, Failure, FailureKind, File, Request, Response, Result, SendError,
};

use crate::rest::{self, BASE, SYSTEM};

/// Brings a certificate's file into the host's hold.
pub(crate) fn fetch(cx: &Context<'_>, address: &str) -> Result<File> {
    rest::demand(cx, "certificates")?;
    if !is_own(address) {
        return Err(elsewhere());
    }
    let request = Request::get(address).header("accept", "application/pdf, */*;q=0.1");
    match cx.fetch(request) {
        Ok((_, Some(file))) => Ok(file),
        Ok((response, None)) => Err(without(&response)),
        Err(SendError::Denied(Denied::TooLarge)) => Err(Failure::new(
            FailureKind::Input,
            "the certificate's file is larger than the target takes",
        )
        .code("file-too-large")),
        Err(error) => Err(error.into_failure(SYSTEM, false)),
    }
}

/// Whether an address is one of the API's, whatever follows its origin.
fn is_own(address: &str) -> bool {
    let Some((origin, rest)) = address.split_at_checked(BASE.len()) else {
        return false;
    };
    let path = rest.strip_prefix(":443").unwrap_or(rest);
    origin.eq_ignore_ascii_case(BASE)
        && path.starts_with('/')
        && !path
            .chars()
            .any(|c| c == '\\' || c.is_whitespace() || c.is_control())
}

/// Why there is an answer and no file.
fn without(response: &Response) -> Failure {
    match response.status {
        404 | 410 => Failure::new(
            FailureKind::NotFound,
            format!(
                "reteach has no file for the certificate any more (status {})",
                response.status
            ),
        )
        .code("file-gone"),
        // The host follows what leads to an address that is allowed.
        300..=399 => elsewhere(),
        200..=299 => Failure::new(
            FailureKind::Protocol,
            format!(
                "reteach sent no file for the certificate (status {})",
                response.status
            ),
        )
        .code("no-file"),
        _ => rest::refused(response),
    }
}

fn elsewhere() -> Failure {
    Failure::new(
        FailureKind::Input,
        format!(
            "the certificate's file does not lie at {BASE}, and from nowhere else is it fetched"
        ),
    )
    .code("file-elsewhere")
}
