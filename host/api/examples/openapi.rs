//! Prints the description of the API: what `cargo xtask openapi` keeps in `openapi.json`.

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let description = matricula_api::openapi().to_pretty_json()?;
    writeln!(std::io::stdout(), "{description}")?;
    Ok(())
}
