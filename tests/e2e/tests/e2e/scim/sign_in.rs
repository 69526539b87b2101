//! The other ways to sign in: user name and password, and an OAuth 2 client.
//!
//! The sandbox's services take a token. So what a real one has before its service stands here before the
//! sandbox's: a door that lets in whoever has the right password, and one that gives out tokens.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use matricula_sandbox::{Fault, FaultKind, Sandbox, System};
use serde_json::{Value, json};

use super::FLOW;
use crate::world::World;

/// A request as it came.
struct Asked {
    /// Such as `GET /scim/v2/Users HTTP/1.1`.
    line: String,
    /// Name, in small letters, and value.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            lines.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut asked = Self {
            line: line.trim_end().to_owned(),
            headers,
            body: Vec::new(),
        };
        let length = asked.header("content-length").unwrap_or("0").parse().ok()?;
        asked.body.resize(length, 0);
        lines.read_exact(&mut asked.body).ok()?;
        // Nothing comes for a connection that is closed unused.
        (!asked.line.is_empty()).then_some(asked)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        Some(&all.find(|(known, _)| known == name)?.1)
    }

    /// What the sandbox's service answers to it with its own token.
    fn pass_on(&self, sandbox: &str, token: &str) -> Vec<u8> {
        let mut service = TcpStream::connect(sandbox.trim_start_matches("http://")).unwrap();
        let mut head = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            if !matches!(name.as_str(), "authorization" | "connection") {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(&format!(
            "authorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        ));
        service.write_all(head.as_bytes()).unwrap();
        service.write_all(&self.body).unwrap();
        let mut answer = Vec::new();
        service.read_to_end(&mut answer).unwrap();
        answer
    }
}

fn answer(status: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Answers requests, one a connection, as long as the test lasts; the origin.
fn serve(respond: impl Fn(Asked) -> Vec<u8> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let respond = Arc::new(respond);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let respond = Arc::clone(&respond);
            std::thread::spawn(move || {
                if let Some(asked) = Asked::read(&stream) {
                    let _ = stream.write_all(&respond(asked));
                }
            });
        }
    });
    origin
}

fn world() -> World {
    World::start_for(&["personio"], Sandbox::builder().people(30).seed(5))
}

/// A first cycle, and one that finds nothing to do.
fn fills(world: &World, map: &str) {
    let options = ["--map-origin", map];
    let first = world.counts_of(FLOW, &options);
    assert_eq!(first["created"], 30, "{first:#}");
    world.assert_in_step();
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(FLOW, &options)["unchanged"], 30);
    assert_eq!(world.writes(), 0);
}

/// What the test of the credential says of signing in.
fn tested(world: &World, map: &str) -> String {
    let said = world.matricula(&["credential", "test", "directory", "--map-origin", map]);
    // The sandbox's service lacks an attribute of the flow, which is a finding too.
    assert_eq!(said.code, 5, "{said:?}");
    format!("{}{}", said.out, said.err)
}

const ACCEPTED: &str = "ok      token or password: accepted";

/// The example of RFC 7617 §2: `Aladdin` and `open sesame`.
const ALADDIN: &str = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";

#[test]
fn by_user_name_and_password() {
    let world = world();
    let sandbox = world.sandbox.addresses().origin(System::Scim).to_owned();
    let token = world.sandbox.credentials().scim_token.clone();
    let door = serve(move |asked| match asked.header("authorization") {
        Some(ALADDIN) => asked.pass_on(&sandbox, &token),
        _ => answer("401 Unauthorized", &json!({"status": "401"})),
    });
    let map = format!("https://directory.example.com={door}");
    let access = |password: &str| {
        json!({
            "scim_url": "https://directory.example.com/scim/v2",
            "user": "Aladdin",
            "password": password,
        })
    };
    world.credential("scim", Some("basic"), "directory", &access("shut sesame"));
    let said = tested(&world, &map);
    assert!(said.contains("rejected"), "{said}");
    assert!(
        !said.contains(ACCEPTED) && !said.contains("sesame"),
        "{said}"
    );
    let removed = world.matricula(&["credential", "remove", "directory"]);
    assert_eq!(removed.code, 0, "{removed:?}");
    world.credential("scim", Some("basic"), "directory", &access("open sesame"));
    let said = tested(&world, &map);
    assert!(said.contains(ACCEPTED), "{said}");
    fills(&world, &map);
}

/// The client of RFC 6749 §2.3.1.
const CLIENT: &str = "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW";

#[test]
fn as_an_oauth_client() {
    for scope in [None, Some("scim.write")] {
        let world = world();
        let token = world.sandbox.credentials().scim_token.clone();
        let asked_for: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked_for);
        let door = serve(move |asked| {
            let right = asked.line.starts_with("POST /oauth2/token ")
                && asked.header("authorization") == Some(CLIENT);
            if !right {
                return answer("401 Unauthorized", &json!({"error": "invalid_client"}));
            }
            let form = String::from_utf8(asked.body).unwrap();
            seen.lock().unwrap().push(form);
            let life = 3600;
            let given = json!({"access_token": token, "token_type": "Bearer", "expires_in": life});
            answer("200 OK", &given)
        });
        let map = format!("https://login.example.com={door}");
        let access = |secret: &str| {
            let mut access = json!({
                "scim_url": System::Scim.real_url(),
                "token_url": "https://login.example.com/oauth2/token",
                "client_id": "s6BhdRkqt3",
                "client_secret": secret,
            });
            if let Some(scope) = scope {
                access["scope"] = scope.into();
            }
            access
        };
        world.credential("scim", Some("oauth"), "directory", &access("wrong"));
        let said = tested(&world, &map);
        assert!(said.contains("invalid_client"), "{said}");
        assert!(!said.contains(ACCEPTED), "{said}");
        assert_eq!(asked_for.lock().unwrap().len(), 0);
        let removed = world.matricula(&["credential", "remove", "directory"]);
        assert_eq!(removed.code, 0, "{removed:?}");
        world.credential("scim", Some("oauth"), "directory", &access("gX1fBat3bV"));
        let said = tested(&world, &map);
        assert!(said.contains(ACCEPTED), "{said}");

        // A token that the service no longer takes is replaced by another one, without a loss.
        asked_for.lock().unwrap().clear();
        let ended = Fault::new(FaultKind::Status(401)).system(System::Scim);
        let ended = ended.method("POST").path("/Users").nth(10).times(1);
        let ended = world.sandbox.faults().add(ended);
        fills(&world, &map);
        assert_eq!(world.sandbox.faults().fired(ended), 1);
        let forms = asked_for.lock().unwrap().clone();
        // Of the first cycle two, of the second one.
        assert_eq!(forms.len(), 3, "{forms:?}");
        for form in forms {
            let mut pairs: Vec<&str> = form.split('&').collect();
            pairs.sort_unstable();
            match scope {
                None => assert_eq!(pairs, ["grant_type=client_credentials"]),
                Some(_) => assert_eq!(pairs, ["grant_type=client_credentials", "scope=scim.write"]),
            }
        }
    }
}
