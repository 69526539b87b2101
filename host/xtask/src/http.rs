//! As much of HTTP as it takes to ask a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long an answer may take; testing credentials asks another system first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The JSON document that a server answers, which must be a success; null where it has no body.
///
/// `origin` is such as `http://127.0.0.1:8080`, `token` is sent as a bearer's.
pub(crate) fn call(
    origin: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Result<Value> {
    let host = origin.trim_start_matches("http://");
    let asked = || format!("{method} {origin}{path}");
    let mut connection = TcpStream::connect(host).with_context(asked)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    // By the older version, whose answers come in one piece and end with the connection.
    let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\n");
    if let Some(token) = token {
        head.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    // Nobody else changes what is changed here.
    if token.is_some() && !["GET", "POST"].contains(&method) {
        head.push_str("if-match: *\r\n");
    }
    if method != "GET" {
        head.push_str("content-type: application/json\r\n");
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    write!(connection, "{head}\r\n{body}").with_context(asked)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).with_context(asked)?;
    read(&answer).with_context(asked)
}

fn read(answer: &str) -> Result<Value> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the server gave no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("the server answered {status}: {}", body.trim());
    }
    match body.trim() {
        "" => Ok(Value::Null),
        text => serde_json::from_str(text).context("the server's answer is no JSON document"),
    }
}

/// Scheme, host and port of an address.
pub(crate) fn origin(address: &str) -> Result<&str> {
    let rest = address
        .strip_prefix("http://")
        .with_context(|| format!("{address} is not http"))?;
    let host = rest.split('/').next().unwrap_or(rest);
    Ok(&address[..address.len() - rest.len() + host.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(
            origin("http://127.0.0.1:80/scim/v2").unwrap(),
            "http://127.0.0.1:80"
        );
        assert_eq!(
            origin("http://127.0.0.1:80").unwrap(),
            "http://127.0.0.1:80"
        );
        assert!(origin("127.0.0.1:80").is_err());
    }

    #[test]
    fn only_a_success_is_an_answer() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"ok\":true}";
        assert_eq!(read(answer).unwrap()["ok"], true);
        let nothing = read("HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n").unwrap();
        assert_eq!(nothing, Value::Null);
        let refused = read("HTTP/1.1 403 Forbidden\r\n\r\n{\"code\":\"role.viewer\"}");
        assert!(refused.unwrap_err().to_string().contains("role.viewer"));
        assert!(read("HTTP/1.1 200 OK\r\n").is_err());
    }
}
