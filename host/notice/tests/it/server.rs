//! A mail server that is not ours: `aiosmtpd`, in a Python environment that the first test makes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How to encrypt, and who may log in.
#[derive(Default, Clone, Copy)]
pub struct Rules<'a> {
    pub security: Option<&'a str>,
    pub login: Option<(&'a str, &'a str)>,
    pub ascii_addresses: bool,
}

/// A running server; it ends with this.
pub struct Server {
    pub port: u16,
    /// The authority (PEM) behind its certificate.
    pub authority: String,
    process: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Server {
    pub fn start(rules: Rules<'_>) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail");
        let python = python(&folder);
        let (authority, certificate, key) = certificates();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp_server.py");
        let mut command = Command::new(python);
        command
            .arg(here)
            .args(["--security", rules.security.unwrap_or("none")]);
        let number = std::process::id();
        for (option, text) in [("certificate", certificate), ("key", key)] {
            let path = folder.join(format!("{option}-{number}.pem"));
            std::fs::write(&path, text).unwrap();
            command.arg(format!("--{option}")).arg(path);
        }
        if let Some((user, password)) = rules.login {
            command.args(["--user", user, "--password", password]);
        }
        if rules.ascii_addresses {
            command.arg("--ascii-addresses");
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else {
                    break;
                };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let mut server = Self {
            port: 0,
            authority,
            orders: process.stdin.take(),
            process,
            lines,
        };
        let port = server.next()["port"].as_u64().unwrap();
        server.port = u16::try_from(port).unwrap();
        server
    }

    /// The next mail that it took, or its answer to an order.
    pub fn next(&self) -> Value {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("the mail server of the tests said nothing")
    }

    /// Whether it has nothing to say.
    pub fn is_silent(&self) -> bool {
        self.lines.try_recv().is_err()
    }

    /// Breaks all connections.
    pub fn drop_connections(&mut self) {
        writeln!(self.orders.as_mut().unwrap(), "drop").unwrap();
        assert!(self.next()["dropped"].as_u64().unwrap() > 0);
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.orders = None;
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Python that has what the server needs. It is made once for a list of packages; tests that need it at the same
/// time wait for the one that makes it.
fn python(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let wanted = include_str!("../smtp_server.txt");
    let environment = folder.join("environment");
    let python = environment.join("bin/python");
    let made = environment.join("packages.txt");

    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if std::fs::read_to_string(&made).is_ok_and(|packages| packages == wanted) {
        return python;
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp_server.txt");
    run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
        "make a Python environment: install python3 with its venv module (Debian: python3-venv)",
    );
    run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(list),
        "install aiosmtpd from PyPI into it: these tests need the network once",
    );
    std::fs::write(made, wanted).unwrap();
    python
}

fn run(command: &mut Command, what: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("the mail server for the tests needs to {what} ({error})"));
    assert!(
        output.status.success(),
        "the mail server for the tests needs to {what}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// An authority, and a certificate of it for `localhost` with its key.
fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    (
        pem("CERTIFICATE", authority.der()),
        pem("CERTIFICATE", certificate.der()),
        pem("PRIVATE KEY", &key.serialize_der()),
    )
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap());
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
