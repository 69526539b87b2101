//! The `matricula` binary.
fn main() {}
