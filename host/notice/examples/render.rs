//! Writes every mail as an HTML file into a folder, to be looked at in a browser:
//! `cargo run -p matricula-notice --example render DIR`.

#[path = "../tests/it/samples.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod samples;

use std::path::PathBuf;

use jiff::tz::TimeZone;
use matricula_notice::Writer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder?")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let writer = Writer::new(samples::brand(), TimeZone::get("Europe/Berlin")?)?;
    for language in ["en", "de"] {
        for (name, notice) in samples::all() {
            let letter = writer.write(&notice, language)?;
            let name = name.replace('.', "-");
            std::fs::write(folder.join(format!("{language}-{name}.html")), letter.html)?;
        }
    }
    Ok(())
}
