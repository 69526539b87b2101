//! Why there is no session, and what is wrong with a configuration.
//!
//! Nothing here carries a token, a claim's value or a key. Names that are shown come from the operator's
//! configuration, never from a token.

/// Why a token is no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// There is no token.
    #[error("there is no session token")]
    Missing,
    /// The token is not to be believed. The reason is for the operator's log: whoever sent the token is told
    /// no more than that it is invalid.
    #[error("the session token is invalid: {0}")]
    Invalid(#[from] Reason),
    /// The token was good, and its time is over.
    #[error("the session token has expired")]
    Expired,
}

/// What is wrong with a token. Safe to log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// More than 8 KiB.
    #[error("it is longer than 8 KiB")]
    TooLong,
    /// Not a signed JWT.
    #[error("it is not a signed JWT: {0}")]
    Shape(&'static str),
    /// No vendor of the name in `iss` is configured.
    #[error(
        "its `iss` is no configured vendor; add a [[vendor]] with this id, or correct the backend that signs"
    )]
    UnknownVendor,
    /// The vendor has no key of the name in `kid`.
    #[error(
        "vendor {vendor} has no key with the token's `kid`; add a [[vendor.key]], or publish it in the vendor's JWKS before signing with it"
    )]
    UnknownKey {
        /// The vendor's id.
        vendor: String,
    },
    /// The vendor's keys are fetched, and could not be.
    #[error(
        "the keys of vendor {vendor} could not be fetched, and none from within a day are kept"
    )]
    KeysUnavailable {
        /// The vendor's id.
        vendor: String,
    },
    /// The token names another algorithm than its key has, or none.
    #[error("its `alg` is not the algorithm of its key")]
    Algorithm,
    /// The signature is not that of the key.
    #[error("its signature does not fit its key")]
    Signature,
    /// It is meant for somebody else.
    #[error("its `aud` is not the configured audience")]
    Audience,
    /// It begins in the future, by more than the skew of 60 seconds.
    #[error(
        "its `{0}` lies in the future; the clocks of signer and server differ by more than a minute"
    )]
    Early(&'static str),
    /// It lives longer than ten minutes.
    #[error("its `exp` is more than ten minutes after its `iat`")]
    LongLived,
    /// A claim is missing or not as it must be.
    #[error("its claim `{claim}` {problem}")]
    Claim {
        /// The claim's name.
        claim: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A token of the local sign-in, where there is none, or where one of it is needed.
    #[error("it is not a token of this process's local sign-in")]
    NotLocal,
}

/// What is wrong with the vendors' configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text is not TOML of the expected shape.
    #[error("the vendors' configuration, line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// Something about a vendor.
    #[error("vendor {vendor:?}: {problem}")]
    Vendor {
        /// Its id as written.
        vendor: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something about a key.
    #[error("vendor {vendor:?}, key {key:?}: {problem}")]
    Key {
        /// The vendor's id.
        vendor: String,
        /// The key's `kid` as written.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// Why a JWKS could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Why the local sign-in gives no token or code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// The code was never given out, has been used, or is older than 15 minutes.
    #[error("this sign-in code is unknown, used or older than 15 minutes; print a new one")]
    Code,
    /// Too many wrong codes within a minute.
    #[error("too many wrong sign-in codes; try again in a minute")]
    TooMany,
    /// The token to renew is not good any more, or its sign-in was more than 12 hours ago.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The machine gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
}
