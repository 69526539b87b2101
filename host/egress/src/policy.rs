//! What the operator allows.
//!
//! The manifest says where a connector wants to go; the operator of the machine has the last word. By
//! default that word is: https only, public addresses only. Every grant names one origin.

use std::collections::{BTreeMap, BTreeSet};

use matricula_core::egress::SendError;
use rustls::pki_types::CertificateDer;
use url::Host;

use crate::address::Reach;
use crate::origin::{Origin, OriginError};

/// The operator's rules. The default allows https to public addresses and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    mapped: BTreeMap<Origin, Origin>,
    private: BTreeSet<Origin>,
    denied: BTreeSet<Origin>,
    ignore_documented_limits: bool,
    roots: Vec<CertificateDer<'static>>,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not an origin.
    #[error(
        "\"{text}\" is not an origin: {reason}; write scheme, host and port, such as https://api.example.com"
    )]
    NotAnOrigin {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The same origin twice, with different destinations.
    #[error("{from} is mapped to {first} and to {second}: keep one")]
    MappedTwice {
        /// The origin.
        from: String,
        /// Its first destination.
        first: String,
        /// Its second destination.
        second: String,
    },
    /// Not an X.509 certificate.
    #[error("the certificate cannot be trusted: {0}")]
    Certificate(String),
}

/// How the requests to an allowed origin travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Where the connection may end.
    pub(crate) reach: Reach,
    /// Where it goes instead.
    pub(crate) mapped: Option<Origin>,
}

impl Policy {
    /// Requests for the origin `from` are connected to the origin `to` instead, for instance
    /// `https://api.personio.de` to `http://127.0.0.1:8080`. The `Host` header, the manifest's rules and
    /// the authentication stay those of `from`; a certificate is checked for the name in `to`. Since the
    /// operator names the destination, it may be private and plain http.
    pub fn map_origin(&mut self, from: &str, to: &str) -> Result<(), PolicyError> {
        let (from, to) = (origin(from)?, origin(to)?);
        match self.mapped.get(&from) {
            Some(first) if *first != to => Err(PolicyError::MappedTwice {
                from: from.to_string(),
                first: first.to_string(),
                second: to.to_string(),
            }),
            _ => {
                self.mapped.insert(from, to);
                Ok(())
            }
        }
    }

    /// Lets an origin lie in a private network or on this machine, for systems that the tenant hosts
    /// itself. A plain http origin may then be used too, but only at private addresses. Link-local
    /// addresses and the metadata services of clouds stay closed.
    pub fn allow_private(&mut self, allowed: &str) -> Result<(), PolicyError> {
        self.private.insert(origin(allowed)?);
        Ok(())
    }

    /// Closes an origin whatever manifests and other rules say.
    pub fn deny(&mut self, denied: &str) -> Result<(), PolicyError> {
        self.denied.insert(origin(denied)?);
        Ok(())
    }

    /// Leaves out the rate limits that manifests document, for remotes of one's own. A remote that asks
    /// for patience is still listened to.
    pub fn ignore_documented_limits(&mut self, yes: bool) {
        self.ignore_documented_limits = yes;
    }

    /// Trusts a certificate authority of the operator's own, in DER, beside the public ones.
    pub fn trust_authority(&mut self, der: Vec<u8>) -> Result<(), PolicyError> {
        let certificate = CertificateDer::from(der);
        rustls::RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| PolicyError::Certificate(error.to_string()))?;
        self.roots.push(certificate);
        Ok(())
    }

    pub(crate) fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    pub(crate) fn ignores_documented_limits(&self) -> bool {
        self.ignore_documented_limits
    }

    /// How requests of `system` to an origin travel, or why they do not.
    pub(crate) fn route(&self, system: &str, origin: &Origin) -> Result<Route, SendError> {
        if self.denied.contains(origin) {
            return Err(SendError::OriginNotAllowed(format!(
                "{system} may not reach {origin}: the operator denies it (--deny {origin})"
            )));
        }
        if let Some(to) = self.mapped.get(origin) {
            return Ok(Route {
                reach: Reach::Any,
                mapped: Some(to.clone()),
            });
        }
        let reach = match (self.private.contains(origin), origin.is_secure()) {
            (true, true) => Reach::GlobalOrPrivate,
            (true, false) => Reach::Private,
            (false, true) => Reach::Global,
            (false, false) => {
                return Err(SendError::OriginNotAllowed(format!(
                    "{system} may not reach {origin}: it is plain http. Use https; a system inside your \
                     own network can be allowed with --allow-private {origin}, and requests can be \
                     connected elsewhere with --map-origin {origin}=DESTINATION"
                )));
            }
        };
        let literal = match origin.host() {
            Host::Ipv4(ip) => Some((*ip).into()),
            Host::Ipv6(ip) => Some((*ip).into()),
            Host::Domain(_) => None,
        };
        match literal {
            Some(ip) if !reach.covers(ip) => Err(blocked(system, origin, reach)),
            _ => Ok(Route {
                reach,
                mapped: None,
            }),
        }
    }
}

/// What is said of an origin whose address lies out of reach.
pub(crate) fn blocked(system: &str, origin: &Origin, reach: Reach) -> SendError {
    SendError::AddressBlocked(match reach {
        Reach::Global => format!(
            "{system} may not reach {origin}: its address is not public. If it is a system inside your own \
             network, allow it with --allow-private {origin}"
        ),
        Reach::Private => format!(
            "{system} may not reach {origin}: plain http is allowed at private addresses only, and its \
             address is not private. Use https, or --map-origin {origin}=DESTINATION"
        ),
        Reach::GlobalOrPrivate | Reach::Any => format!(
            "{system} may not reach {origin}: its address is link-local, a metadata service, or otherwise \
             reserved; only --map-origin {origin}=DESTINATION can lead elsewhere"
        ),
    })
}

fn origin(text: &str) -> Result<Origin, PolicyError> {
    Origin::parse(text).map_err(|reason: OriginError| PolicyError::NotAnOrigin {
        text: text.to_owned(),
        reason: reason.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(policy: &Policy, at: &str) -> Result<Route, SendError> {
        policy.route("Example", &Origin::parse(at).unwrap())
    }

    #[test]
    fn by_default_only_https_to_public_addresses_is_open() {
        let policy = Policy::default();
        assert_eq!(
            route(&policy, "https://api.example.com"),
            Ok(Route {
                reach: Reach::Global,
                mapped: None
            })
        );
        let plain = route(&policy, "http://api.example.com").unwrap_err();
        assert!(
            matches!(&plain, SendError::OriginNotAllowed(why)
            if why.contains("--allow-private http://api.example.com")),
            "{plain}"
        );
        for literal in [
            "https://0x7f.1",
            "https://2130706433",
            "https://[::1]",
            "https://10.1.2.3:8443",
        ] {
            let error = route(&policy, literal).unwrap_err();
            assert!(
                matches!(&error, SendError::AddressBlocked(why)
                if why.contains("--allow-private https://")),
                "{literal}: {error}"
            );
        }
    }

    #[test]
    fn a_grant_opens_one_origin_and_not_its_neighbours() {
        let mut policy = Policy::default();
        policy.allow_private("https://10.1.2.3:8443").unwrap();
        policy.allow_private("http://lms.example.org").unwrap();
        assert_eq!(
            route(&policy, "https://10.1.2.3:8443").unwrap().reach,
            Reach::GlobalOrPrivate
        );
        assert_eq!(
            route(&policy, "http://lms.example.org").unwrap().reach,
            Reach::Private
        );
        assert!(route(&policy, "https://10.1.2.3").is_err());
        assert!(route(&policy, "http://lms.example.org:8080").is_err());
    }

    #[test]
    fn no_grant_opens_the_metadata_service() {
        let mut policy = Policy::default();
        for origin in ["http://169.254.169.254", "https://[fd00:ec2::254]"] {
            policy.allow_private(origin).unwrap();
            assert!(
                matches!(route(&policy, origin), Err(SendError::AddressBlocked(_))),
                "{origin}"
            );
        }
    }

    #[test]
    fn denial_wins_over_every_grant() {
        let mut policy = Policy::default();
        policy
            .map_origin("https://api.example.com", "http://127.0.0.1:8080")
            .unwrap();
        policy.deny("https://api.example.com/").unwrap();
        let error = route(&policy, "https://api.example.com").unwrap_err();
        assert!(
            error.to_string().contains("--deny https://api.example.com"),
            "{error}"
        );
    }

    #[test]
    fn nonsense_is_refused_with_what_was_written() {
        let mut policy = Policy::default();
        let error = policy
            .map_origin("api.example.com", "http://127.0.0.1")
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("\"api.example.com\" is not an origin"),
            "{error}"
        );
        assert!(policy.deny("https://user@api.example.com").is_err());
        policy
            .map_origin("https://a.example.com", "http://127.0.0.1:1")
            .unwrap();
        assert!(matches!(
            policy.map_origin("https://a.example.com", "http://127.0.0.1:2"),
            Err(PolicyError::MappedTwice { .. })
        ));
        assert!(matches!(
            policy.trust_authority(vec![1, 2]),
            Err(PolicyError::Certificate(_))
        ));
    }
}
