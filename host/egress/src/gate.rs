//! The gate that every request passes: first the manifest, then the operator.
//!
//! Both are known when the session is made, so the answer for each origin is worked out once, and a
//! request costs a look into a small map.

use std::collections::BTreeMap;

use matricula_core::egress::SendError;
use url::Url;

use crate::SessionError;
use crate::origin::Origin;
use crate::policy::{Policy, Route, blocked};
use crate::template::Fields;

/// The origins of one credential.
pub(crate) struct Gate {
    system: String,
    routes: BTreeMap<Origin, Result<Route, SendError>>,
}

impl Gate {
    /// The gate for the manifest's origins, filled in from the credential.
    pub(crate) fn new(
        system: &str,
        origins: &[String],
        fields: &Fields,
        policy: &Policy,
    ) -> Result<Self, SessionError> {
        let mut routes = BTreeMap::new();
        for template in origins {
            let Some(url) = fields.address(template)? else {
                continue;
            };
            let origin = Origin::of(&url).map_err(|error| SessionError::Origin {
                template: template.clone(),
                reason: error.to_string(),
            })?;
            let route = policy.route(system, &origin);
            routes.insert(origin, route);
        }
        Ok(Self {
            system: system.to_owned(),
            routes,
        })
    }

    /// The ways that requests may take.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.values().filter_map(|route| route.as_ref().ok())
    }

    /// Lets a request to `url` through, or says why not.
    pub(crate) fn check(&self, url: &Url) -> Result<(Origin, &Route), SendError> {
        let origin = Origin::of(url).map_err(|reason| {
            SendError::OriginNotAllowed(format!(
                "{} asked for an address that is refused: {reason}",
                self.system
            ))
        })?;
        match self.routes.get(&origin) {
            Some(Ok(route)) => Ok((origin, route)),
            Some(Err(error)) => Err(error.clone()),
            None => {
                let known: Vec<_> = self.routes.keys().map(Origin::to_string).collect();
                Err(SendError::OriginNotAllowed(format!(
                    "{} may not reach {origin}: its manifest and this credential name {}. No setting \
                     adds an origin; if it belongs to the system, the connector's manifest must name it",
                    self.system,
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                )))
            }
        }
    }

    /// What is said when the resolver refused the addresses of an origin.
    pub(crate) fn blocked(&self, origin: &Origin, route: &Route) -> SendError {
        blocked(&self.system, origin, route.reach)
    }

    /// The remote system's name.
    pub(crate) fn system(&self) -> &str {
        &self.system
    }
}
