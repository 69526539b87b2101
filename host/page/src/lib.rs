//! The page and the script that embeds it, as files that the binary carries.
//!
//! `web/` is the page (React), `embed/` the custom element; `cargo xtask page` builds both into `dist/`, from where
//! the build script takes them. A build without Node has none of them, and [`is_built`] says so.
#![forbid(unsafe_code)]

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Its path: `index.html`, `assets/main-1a2b3c.js`.
    pub path: &'static str,
    /// As it is.
    pub bytes: &'static [u8],
    /// The same compressed by gzip, where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// The beginning of its SHA-256 in hexadecimal digits.
    pub digest: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file of this path.
pub fn asset(path: &str) -> Option<&'static Asset> {
    let at = ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok()?;
    ASSETS.get(at)
}

/// Whether this build has a page.
pub fn is_built() -> bool {
    asset("index.html").is_some()
}

impl Asset {
    /// Its media type, by the end of its name.
    pub fn content_type(&self) -> &'static str {
        match self.path.rsplit('.').next().unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "json" | "map" => "application/json",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            "png" => "image/png",
            _ => "application/octet-stream",
        }
    }

    /// Whether its name changes with its content, so that it can be kept for ever.
    pub fn is_immutable(&self) -> bool {
        self.path.starts_with("assets/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_path_and_nothing_else_is() {
        for known in ASSETS {
            assert_eq!(asset(known.path).unwrap().digest, known.digest);
        }
        assert!(asset("../Cargo.toml").is_none());
        assert!(asset("").is_none());
        assert_eq!(is_built(), ASSETS.iter().any(|a| a.path == "index.html"));
    }

    #[test]
    fn a_type_follows_from_the_name() {
        let named = |path| Asset {
            path,
            bytes: b"",
            gzip: None,
            digest: "",
        };
        assert_eq!(
            named("assets/x-1.js").content_type(),
            "text/javascript; charset=utf-8"
        );
        assert!(named("assets/x-1.js").is_immutable());
        assert!(!named("index.html").is_immutable());
        assert_eq!(named("x").content_type(), "application/octet-stream");
    }
}
