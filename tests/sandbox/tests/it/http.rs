//! A small blocking HTTP client that hides nothing: broken transfers, resets and missing answers come
//! out as they are, and nothing is retried or followed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use matricula_sandbox::{Sandbox, System};
use serde_json::Value;

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body came whole; else what ended it.
    pub end: Result<(), String>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

/// Sends one request on a connection of its own. `Err` if no status line came back.
pub fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, String> {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, String::new()), |(h, p)| (h, p.into()));
    let mut stream = TcpStream::connect(host).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let mut request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|e| e.to_string())?;
    stream.write_all(body).map_err(|e| e.to_string())?;

    let mut received = Vec::new();
    let mut chunk = [0; 65_536];
    let end = loop {
        match stream.read(&mut chunk) {
            Ok(0) => break Ok(()),
            Ok(n) => received.extend_from_slice(&chunk[..n]),
            Err(e) => break Err(format!("{:?}", e.kind())),
        }
    };
    let Some(head_end) = received.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Err(end.err().unwrap_or_else(|| "closed".into()));
    };
    let head = String::from_utf8_lossy(&received[..head_end]).into_owned();
    let raw = &received[head_end + 4..];
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|l| l.split(' ').nth(1))
        .and_then(|s| s.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(n, v)| (n.to_owned(), v.trim().to_owned()))
        .collect();
    let find = |name: &str| {
        headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    };
    let (body, whole) = if find("transfer-encoding").is_some() {
        unchunk(raw)
    } else {
        let length: usize = find("content-length").map_or(0, |v| v.parse().expect("a length"));
        (raw.to_vec(), raw.len() == length)
    };
    let end = end.and_then(|()| {
        if whole {
            Ok(())
        } else {
            Err("truncated".to_owned())
        }
    });
    Ok(Reply {
        status: status.ok_or("no status")?,
        headers,
        body,
        end,
    })
}

fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = raw.windows(2).position(|w| w == b"\r\n") {
        let size = String::from_utf8_lossy(&raw[..line]).into_owned();
        let Ok(size) = usize::from_str_radix(&size, 16) else {
            break;
        };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = raw.get(line + 2..line + 2 + size) else {
            break;
        };
        body.extend_from_slice(chunk);
        raw = raw.get(line + 4 + size..).unwrap_or_default();
    }
    (body, false)
}

pub fn get(url: &str, token: &str) -> Reply {
    send(
        "GET",
        url,
        &[("authorization", &format!("Bearer {token}"))],
        b"",
    )
    .expect("an answer")
}

/// A token from Personio's fake.
pub fn personio_token(sandbox: &Sandbox) -> String {
    let body = br#"{"client_id":"sandbox-personio-id","client_secret":"sandbox-personio-secret"}"#;
    let url = format!("{}/v1/auth", sandbox.personio_url());
    let reply =
        send("POST", &url, &[("content-type", "application/json")], body).expect("an answer");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"]["token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

/// A SCIM request with the right token.
pub fn scim(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Reply {
    scim_with(sandbox, method, path, body, &[])
}

pub fn scim_with(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    body: &Value,
    more: &[(&str, &str)],
) -> Reply {
    scim_at(sandbox, System::Scim, method, path, body, more)
}

/// The same at any SCIM service.
pub fn scim_at(
    sandbox: &Sandbox,
    system: System,
    method: &str,
    path: &str,
    body: &Value,
    more: &[(&str, &str)],
) -> Reply {
    let token = sandbox.credentials().scim_token_of(system);
    let token = format!("Bearer {token}");
    let mut headers = vec![
        ("authorization", token.as_str()),
        ("content-type", "application/scim+json"),
    ];
    headers.extend_from_slice(more);
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let url = format!("{}{path}", sandbox.url(system));
    send(method, &url, &headers, body.as_bytes()).expect("an answer")
}

/// A token of Personio's API v2 for these scopes (all for none), or the refusal.
pub fn personio_token_v2(sandbox: &Sandbox, scope: &str) -> Reply {
    let body = format!(
        "grant_type=client_credentials&client_id=sandbox-personio-id\
         &client_secret=sandbox-personio-secret&scope={scope}"
    );
    let url = format!("{}/v2/auth/token", sandbox.personio_url());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    send("POST", &url, &form, body.as_bytes()).expect("an answer")
}

/// What a document is uploaded with; a field without value is left out.
#[derive(Clone)]
pub struct Form<'a> {
    pub fields: Vec<(&'a str, String)>,
    pub file: Option<(&'a str, Vec<u8>)>,
}

impl<'a> Form<'a> {
    pub fn new(employee: u64, category: u64, file: &[u8]) -> Self {
        Self {
            fields: vec![
                ("title", "Fire safety".to_owned()),
                ("employee_id", employee.to_string()),
                ("category_id", category.to_string()),
                ("date", "2026-03-04".to_owned()),
                ("comment", "Fire safety, 2026-03-04".to_owned()),
            ],
            file: Some(("Fire safety.pdf", file.to_vec())),
        }
    }

    pub fn with(mut self, key: &'a str, value: impl Into<String>) -> Self {
        self.fields.retain(|f| f.0 != key);
        self.fields.push((key, value.into()));
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.fields.retain(|f| f.0 != key);
        self
    }

    pub fn file(mut self, name: &'a str, bytes: &[u8]) -> Self {
        self.file = Some((name, bytes.to_vec()));
        self
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (key, value) in &self.fields {
            let part = format!(
                "--frontier\r\ncontent-disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        if let Some((name, bytes)) = &self.file {
            let head = format!(
                "--frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\
                 \r\ncontent-type: application/pdf\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--frontier--\r\n");
        body
    }

    pub fn send(&self, sandbox: &Sandbox, token: &str) -> Result<Reply, String> {
        let headers = [
            ("authorization", format!("Bearer {token}")),
            (
                "content-type",
                "multipart/form-data; boundary=frontier".to_owned(),
            ),
        ];
        let headers = headers.each_ref().map(|(k, v)| (*k, v.as_str()));
        let url = format!("{}/v1/company/documents", sandbox.personio_url());
        send("POST", &url, &headers, &self.body())
    }
}
