//! The egress from outside, against servers on the loopback.
//!
//! Time is a [`SimClock`](matricula_core::clock::SimClock): waits for limits are over at once and can be
//! read off it. Names lead to the loopback by a resolver of the tests' own or by the operator's mapping.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod composed;
#[cfg(test)]
mod files;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod uploads;
