//! What a vendor makes of the mails: name, colour, a sentence at the end, and where automations are shown.

use matricula_core::{AutomationId, TenantId, Text};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What RFC 3986 lets stand in every part of an address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How mails look and what they call the product.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The name of the product.
    pub product: String,
    /// The colour of the line at the top and of the button.
    pub accent: Accent,
    /// A sentence at the end of every mail, by language; often the vendor's address.
    pub footer: Text,
    /// Where an automation is shown.
    pub link: Option<AutomationLink>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            product: "Matricula".into(),
            accent: Accent::default(),
            footer: Text::default(),
            link: None,
        }
    }
}

/// Why a brand is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrandError {
    /// Not a colour.
    #[error("\"{0}\" is not a colour: give six hexadecimal digits, such as #3657d6")]
    Accent(String),
    /// Not an address.
    #[error("\"{address}\" cannot be the address of automations: {reason}")]
    Link {
        /// What was given.
        address: String,
        /// Why not.
        reason: String,
    },
}

/// A colour that is written into style attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent([u8; 3]);

impl Default for Accent {
    fn default() -> Self {
        Self([0x36, 0x57, 0xd6])
    }
}

impl Accent {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Result<Self, BrandError> {
        let refused = || BrandError::Accent(text.to_owned());
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| refused())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// Black or white, whichever is easier to read on it (WCAG 2.2's contrast ratio).
    pub(crate) fn ink(self) -> &'static str {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        let on_white = 1.05 / (luminance + 0.05);
        let on_black = (luminance + 0.05) / 0.05;
        if on_white >= on_black.min(4.5) {
            "#ffffff"
        } else {
            "#16181d"
        }
    }
}

impl std::fmt::Display for Accent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The address at which an automation is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationLink(String);

impl AutomationLink {
    /// Reads an `https` or `http` address. `{automation}` and `{tenant}` in it are filled in; without
    /// `{automation}`, `/automations/ID` is appended, as on the product's own page.
    pub fn parse(address: &str) -> Result<Self, BrandError> {
        let refused = |reason: &str| BrandError::Link {
            address: address.to_owned(),
            reason: reason.to_owned(),
        };
        let filled = address
            .replace("{automation}", "a")
            .replace("{tenant}", "t");
        if filled.contains(['{', '}']) {
            return Err(refused("only {automation} and {tenant} can be filled in"));
        }
        let url = Url::parse(&filled).map_err(|error| refused(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refused("it must begin with https:// or http://"));
        }
        let mut pattern = address.to_owned();
        if !pattern.contains("{automation}") {
            if url.query().is_some() || url.fragment().is_some() {
                return Err(refused("say with {automation} where the automation goes"));
            }
            pattern = format!(
                "{}/automations/{{automation}}",
                pattern.trim_end_matches('/')
            );
        }
        Ok(Self(pattern))
    }

    /// The address of one.
    pub fn of(&self, tenant: &TenantId, automation: &AutomationId) -> String {
        let encode = |id: &str| utf8_percent_encode(id, RESERVED).to_string();
        self.0
            .replace("{tenant}", &encode(tenant.as_str()))
            .replace("{automation}", &encode(automation.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_six_digits_and_nothing_that_ends_an_attribute() {
        assert_eq!(Accent::parse("#3657D6").unwrap().to_string(), "#3657d6");
        assert_eq!(
            Accent::parse("0a7").unwrap_err().to_string().find("0a7"),
            Some(1)
        );
        for text in ["", "#12345", "red", "#12345g", "#+12345", "#fff;x:url(a)"] {
            assert!(Accent::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_button_can_be_read() {
        for (accent, ink) in [
            ("#000000", "#ffffff"),
            ("#3657d6", "#ffffff"),
            ("#ffcc00", "#16181d"),
            ("#ffffff", "#16181d"),
        ] {
            assert_eq!(Accent::parse(accent).unwrap().ink(), ink, "{accent}");
        }
    }

    #[test]
    fn links_are_filled_in() {
        let of = |address: &str| {
            AutomationLink::parse(address)
                .unwrap()
                .of(&"acme".into(), &"my-staff&more".into())
        };
        assert_eq!(
            of("https://academy.example.com/"),
            "https://academy.example.com/automations/my-staff%26more"
        );
        assert_eq!(
            of("https://x.example.com/{tenant}/settings?tab=flows#{automation}"),
            "https://x.example.com/acme/settings?tab=flows#my-staff%26more"
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_refused() {
        for (address, text) in [
            ("academy.example.com", "relative URL"),
            ("javascript:alert({automation})", "https://"),
            ("https://x.example.com/{flow}", "only {automation}"),
            ("https://x.example.com/?tab=flows", "say with {automation}"),
        ] {
            let error = AutomationLink::parse(address).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
