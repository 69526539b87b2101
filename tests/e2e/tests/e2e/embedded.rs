//! Matricula inside another service: the example of the library, used by a vendor's backend over HTTP, below a
//! path of that service.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use matricula_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::world::{World, connectors, root};

const SECRET: &str = "a secret of more than thirty-two bytes, for tests";
const VENDORS: &str = r#"
[[vendor]]
id = "northwind"
title = { en = "Northwind Academy" }
origins = ["https://app.example.com"]
[[vendor.key]]
kid = "one"
alg = "HS256"
secret_env = "EMBED_SECRET"
"#;

/// The example, killed when dropped.
struct Service {
    child: Child,
    address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(world: &World) -> Self {
        let vendors = world.data.path().join("vendors.toml");
        std::fs::write(&vendors, VENDORS).unwrap();
        // Where cargo puts examples, beside the tests.
        let test = std::env::current_exe().unwrap();
        let program = test.ancestors().nth(2).unwrap().join("examples/embed");
        let origins = world.sandbox.origins();
        let mut child = Command::new(program)
            .arg(world.data.path())
            .arg(vendors)
            .arg(connectors())
            .args(origins.iter().map(|(real, fake)| format!("{real}={fake}")))
            .env("EMBED_SECRET", SECRET)
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").to_owned();
        Self { child, address }
    }

    /// Status and body of an answer.
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            token(),
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    fn json(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let path = format!("/automations/api/v1{path}");
        let (status, body) = self.ask(method, &path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {body}"
        );
        serde_json::from_str(&body).unwrap()
    }
}

/// What the vendor's backend signs.
fn token() -> String {
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": "northwind", "aud": "matricula", "sub": "u1", "tenant": "acme", "role": "owner",
        "locale": "en", "name": "Robin Sommer", "iat": now, "exp": now + 600,
    });
    matricula_session::sign_hs256(SECRET.as_bytes(), "one", claims.as_object().unwrap())
}

#[test]
fn a_service_embeds_the_product_by_its_library() {
    let world = World::without_credentials(Sandbox::builder().people(12));
    let service = Service::start(&world);
    assert_eq!(
        service.ask("GET", "/", None),
        (200, "My service".to_owned())
    );
    assert_eq!(service.ask("GET", "/automations/healthz", None).0, 200);

    let credentials = world.sandbox.credentials().clone();
    let hr = service.json(
        "POST",
        "/credentials",
        Some(json!({
            "name": "hr", "connector": "personio",
            "public": { "client_id": credentials.personio_client_id },
            "secrets": { "client_secret": credentials.personio_client_secret },
        })),
    );
    let academy = service.json(
        "POST",
        "/credentials",
        Some(json!({
            "name": "academy", "connector": "reteach",
            "public": { "scim_url": "https://academy.example.com/scim/v2" },
            "secrets": { "scim_token": credentials.scim_token },
        })),
    );
    let automation = service.json(
        "POST",
        "/automations",
        Some(json!({
            "flow": "sync-employees", "source": hr["id"], "target": academy["id"], "settings": {},
            "contacts": [], "accept_findings": false,
        })),
    );
    let path = format!("/automations/{}", automation["id"].as_str().unwrap());
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let shown = service.json("GET", &path, None);
        if shown["last_run"]["status"] == "succeeded" {
            assert_eq!(shown["population"]["linked"], 12, "{shown:#}");
            break;
        }
        assert!(Instant::now() < until, "{shown:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(world.sandbox.accounts().list().len(), 12);
}
