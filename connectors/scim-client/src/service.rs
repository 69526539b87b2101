//! What every connector for a SCIM service does in the same way: which operation and stream is what, and
//! the test of a credential.

use matricula_sdk::{
    Change, Context, Failure, FailureKind, Finding, Found, Need, Page, Preparation, Read, Receipt,
    Report, Result,
};
use serde_json::Value;

use crate::client::Client;
use crate::groups::Groups;
use crate::profile::Profile;

/// The operation that keeps accounts.
pub const USERS: &str = "upsert-user";
/// The operation that keeps groups of them.
pub const GROUPS: &str = "upsert-group";
/// The stream of all accounts.
pub const ACCOUNTS: &str = "accounts";
/// The credential's field with the service's address.
pub const ADDRESS: &str = "scim_url";

/// Makes a connector of a [`Profile`](crate::Profile) and a manifest, and exports it as a component.
///
/// The path of the manifest is relative to the file that has this line, as in `include_bytes!`.
#[macro_export]
macro_rules! connector {
    ($(#[$about:meta])* $name:ident, $profile:expr, manifest = $manifest:literal) => {
        $(#[$about])*
        pub struct $name;

        impl $name {
            const SERVICE: $crate::Service = $crate::Service {
                profile: &$profile,
                manifest: include_str!($manifest),
            };
        }

        impl $crate::sdk::Connector for $name {
            fn check(
                cx: &$crate::sdk::Context<'_>,
                needs: &[$crate::sdk::Need],
            ) -> $crate::sdk::Result<$crate::sdk::Report> {
                Self::SERVICE.check(cx, needs)
            }

            fn read(
                cx: &$crate::sdk::Context<'_>,
                read: &$crate::sdk::Read,
            ) -> $crate::sdk::Result<$crate::sdk::Page> {
                Self::SERVICE.read(cx, read)
            }

            fn prepare(
                cx: &$crate::sdk::Context<'_>,
                operation: &str,
                attributes: &[String],
            ) -> $crate::sdk::Result<$crate::sdk::Preparation> {
                Self::SERVICE.prepare(cx, operation, attributes)
            }

            fn find(
                cx: &$crate::sdk::Context<'_>,
                operation: &str,
                prepared: &str,
                attribute: &str,
                values: &[String],
            ) -> $crate::sdk::Result<Vec<Vec<$crate::sdk::Found>>> {
                Self::SERVICE.find(cx, operation, prepared, attribute, values)
            }

            fn write(
                cx: &$crate::sdk::Context<'_>,
                operation: &str,
                prepared: &str,
                changes: &[$crate::sdk::Change],
            ) -> $crate::sdk::Result<Vec<$crate::sdk::Result<$crate::sdk::Receipt>>> {
                Self::SERVICE.write(cx, operation, prepared, changes)
            }
        }

        $crate::sdk::export!($name, manifest = $manifest);
    };
}

/// A SCIM service as a connector has it.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// What is known of it beforehand.
    pub profile: &'static Profile,
    /// The connector's manifest, for what attributes are called.
    pub manifest: &'static str,
}

impl Service {
    /// The service at the credential's address.
    pub fn client<'a>(&self, cx: &'a Context<'a>) -> Result<Client<'a>> {
        Client::new(cx, cx.credential(ADDRESS).unwrap_or_default(), self.profile)
    }

    /// See [`matricula_sdk::Connector::read`].
    pub fn read(&self, cx: &Context<'_>, read: &Read) -> Result<Page> {
        match read.stream.as_str() {
            ACCOUNTS => self.client(cx)?.accounts(read),
            other => Err(self.not_offered("stream", other)),
        }
    }

    /// See [`matricula_sdk::Connector::prepare`].
    pub fn prepare(
        &self,
        cx: &Context<'_>,
        operation: &str,
        attributes: &[String],
    ) -> Result<Preparation> {
        match operation {
            USERS => self.client(cx)?.prepare(attributes),
            GROUPS => self.client(cx)?.prepare_groups(attributes),
            other => Err(self.not_offered("operation", other)),
        }
    }

    /// See [`matricula_sdk::Connector::find`].
    pub fn find(
        &self,
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        match operation {
            USERS => self.client(cx)?.find(prepared, attribute, values),
            GROUPS => self.client(cx)?.find_groups(prepared, attribute, values),
            other => Err(self.not_offered("operation", other)),
        }
    }

    /// See [`matricula_sdk::Connector::write`].
    pub fn write(
        &self,
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        match operation {
            USERS => self.client(cx)?.write(prepared, changes),
            GROUPS => self.client(cx)?.write_groups(prepared, changes),
            other => Err(self.not_offered("operation", other)),
        }
    }

    /// Tests the credential with a look at the accounts, since descriptions are often public, and names what
    /// of `needs` the service or the credential does not give. Whether accounts may be written shows only when
    /// they are.
    pub fn check(&self, cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
        let client = self.client(cx)?;
        let secret = cx.said(self.profile.secret, self.profile.secret_de);
        let mut report = Report {
            account: host(cx),
            findings: Vec::new(),
        };
        match client.probe() {
            Ok(total) => {
                let accepted = cx.said("accepted", "angenommen");
                let what = cx.said("accounts there", "Konten dort");
                report
                    .findings
                    .push(finding(true, secret, &counted(accepted, what, total)));
                self.check_attributes(cx, &client, needs, &mut report)?;
            }
            Err(failure) if failure.kind == FailureKind::Permission => {
                let message = cx.said(
                    "it is accepted, but may not read accounts: give it the right to read and write users \
                     (SCIM: Users)",
                    "es wird angenommen, darf aber keine Konten lesen: ihm das Recht geben, Benutzer zu lesen \
                     und zu schreiben (SCIM: Users)",
                );
                report.findings.push(finding(false, secret, message));
            }
            Err(failure) => return Err(failure),
        }
        if needs.iter().any(|need| need.subject == GROUPS) {
            report.findings.push(groups(cx, client.groups()?));
        }
        Ok(report)
    }

    fn check_attributes(
        &self,
        cx: &Context<'_>,
        client: &Client<'_>,
        needs: &[Need],
        report: &mut Report,
    ) -> Result<()> {
        let mut wanted: Vec<String> = Vec::new();
        let ours = |need: &&Need| [USERS, ACCOUNTS].contains(&need.subject.as_str());
        for name in needs.iter().filter(ours).flat_map(|need| &need.attributes) {
            if !wanted.contains(name) {
                wanted.push(name.clone());
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let unavailable = client.prepare(&wanted)?.unavailable;
        // The manifest is part of the connector, and a test of it reads it.
        let manifest: Value = serde_json::from_str(self.manifest).unwrap_or_default();
        let labels = &manifest["operations"][USERS]["schema"]["properties"];
        for name in wanted {
            let label = match self.profile.attribute(&name) {
                Some(known) => {
                    let german = labels[&name]["x-label"]["de"].as_str();
                    cx.said(known.label, german.unwrap_or(known.label))
                }
                None if self.profile.own_name(&name).is_some() => &name,
                None => continue,
            };
            let ok = !unavailable.contains(&name);
            let message = match ok {
                true => cx.said("offered", "wird angeboten"),
                false => cx.said(
                    "not offered over SCIM there, so it is left out: ask the support to add it to the SCIM \
                     schema",
                    "wird dort über SCIM nicht angeboten, also ausgelassen: den Support bitten, es in das \
                     SCIM-Schema aufzunehmen",
                ),
            };
            report.findings.push(finding(ok, label, message));
        }
        Ok(())
    }

    fn not_offered(&self, what: &str, name: &str) -> Failure {
        let message = format!("{} has no {what} {name}", self.profile.system);
        Failure::new(FailureKind::Internal, message).code("not-offered")
    }
}

fn groups(cx: &Context<'_>, groups: Groups) -> Finding {
    let subject = cx.said("Groups", "Gruppen");
    match groups {
        Groups::Offered(total) => {
            let offered = cx.said("offered", "werden angeboten");
            let what = cx.said("groups there", "Gruppen dort");
            finding(true, subject, &counted(offered, what, total))
        }
        Groups::Forbidden => finding(
            false,
            subject,
            cx.said(
                "may not be read with this credential, so nobody is put into groups: give it the right to read \
                 and write groups (SCIM: Groups)",
                "dürfen mit diesen Zugangsdaten nicht gelesen werden, also kommt niemand in Gruppen: ihnen das \
                 Recht geben, Gruppen zu lesen und zu schreiben (SCIM: Groups)",
            ),
        ),
        Groups::NotOffered => finding(
            false,
            subject,
            cx.said(
                "not offered over SCIM there, so nobody is put into groups",
                "werden dort über SCIM nicht angeboten, also kommt niemand in Gruppen",
            ),
        ),
    }
}

fn counted(said: &str, what: &str, total: Option<u64>) -> String {
    match total {
        Some(total) => format!("{said}; {what}: {total}"),
        None => said.to_owned(),
    }
}

fn finding(ok: bool, subject: &str, message: &str) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message: message.to_owned(),
    }
}

/// The service by its host name.
fn host(cx: &Context<'_>) -> Option<String> {
    let address = cx.credential(ADDRESS)?;
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
}
