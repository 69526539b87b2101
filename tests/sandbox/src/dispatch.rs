//! Which fake answers, what a request to it is for, and what its errors look like: the one place where a
//! system is made known to the listeners.

use hyper::{Method, StatusCode};

use crate::answer::{Answer, personio_failure, rest_error, scim_error};
use crate::journal::Kind;
use crate::request::Call;
use crate::serve::Twist;
use crate::shared::Shared;
use crate::system::System;
use crate::{academy, engagedly, kombo, personio, winningtemp};

/// Hands a request to the system that it is for.
pub(crate) fn handle(shared: &Shared, system: System, call: &Call, twist: Twist) -> Answer {
    match system {
        System::Personio => personio::handle(shared, call, twist),
        System::Reteach => academy::handle_rest(shared, call, twist),
        System::Scim | System::Edyoucated | System::WinningtempScim => {
            academy::handle_scim(shared, system, call, twist)
        }
        System::Winningtemp => winningtemp::handle(shared, call, twist),
        System::Engagedly => engagedly::handle(shared, call, twist),
        System::Kombo => kombo::handle(shared, call, twist),
    }
}

/// What a request is for.
pub(crate) fn kind(system: System, call: &Call) -> Kind {
    let get = call.method == Method::GET;
    let path = call.path.trim_end_matches('/');
    match system {
        System::Personio if matches!(path, "/v1/auth" | "/v2/auth/token") => Kind::Token,
        System::Reteach if path == "/oauth/authorize" => Kind::Token,
        System::Personio if get && path == "/v1/company/employees" => Kind::Page,
        System::Personio if get && path == "/v2/document-management/documents" => Kind::Page,
        System::Reteach
            if get && matches!(path, "/customer" | "/participation" | "/certificates") =>
        {
            Kind::Page
        }
        System::Scim | System::Edyoucated | System::WinningtempScim
            if get && matches!(path.strip_prefix(system.base()), Some("/Users" | "/Groups")) =>
        {
            Kind::Page
        }
        System::Winningtemp if path == "/auth" => Kind::Token,
        System::Winningtemp if get && matches!(path, "/users/v2" | "/teams/v2") => Kind::Page,
        System::Engagedly if get && path == "/beta/users" => Kind::Page,
        System::Kombo if get && path == "/v1/hris/employees" => Kind::Page,
        System::Kombo if path.starts_with("/v1/connect/") => Kind::Read,
        _ if get => Kind::Read,
        _ => Kind::Write,
    }
}

/// The system's own kind of error, for a fault.
pub(crate) fn error(system: System, path: &str, status: StatusCode, message: &str) -> Answer {
    match system {
        System::Personio => personio_failure(path, status, message),
        System::Scim | System::Edyoucated | System::WinningtempScim => {
            scim_error(status, None, message)
        }
        System::Reteach => rest_error(status, message),
        System::Winningtemp => winningtemp::refusal(status, message),
        System::Engagedly => engagedly::error(status, message),
        System::Kombo => kombo::failure(status, message),
    }
}
