//! The key of the vault: from the environment, a file, or made at first use.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use matricula_store::vault::new_key;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::fault::Fault;

/// Names the variable that holds the key.
pub(crate) const VARIABLE: &str = "MATRICULA_KEY";

/// A key of 32 bytes; wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// Reads the key from the environment's `text` or else from `file`.
pub(crate) fn read(text: Option<Zeroizing<String>>, file: &Path) -> Result<Key, Fault> {
    if let Some(text) = text {
        return parse(&text).ok_or_else(|| {
            unusable(format!(
                "{VARIABLE} does not hold a key: 64 hexadecimal digits are needed"
            ))
        });
    }
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(file).and_then(|file| file.take(1024).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&text).ok_or_else(|| {
            unusable(format!(
                "{} does not hold a key: 64 hexadecimal digits are needed",
                file.display()
            ))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Fault::new(
            Exit::Store,
            "key.missing",
            format!("the key {} is missing", file.display()),
        )
        .with_hint(format!(
            "Without it the stored credentials cannot be read. Put it back, name it with --key-file or \
             {VARIABLE}, or begin anew in another --data folder."
        ))),
        Err(error) => Err(unusable(format!("the key {} cannot be read: {error}", file.display()))),
    }
}

/// Where keys lie.
pub(crate) struct Places {
    data: PathBuf,
    file: Option<PathBuf>,
}

impl Places {
    /// `file`: that of the active key, if it lies in one.
    pub(crate) fn new(data: &Path, file: Option<PathBuf>) -> Self {
        Self {
            data: data.to_owned(),
            file,
        }
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where a new key waits until everything is encrypted under it.
    pub(crate) fn next(&self) -> PathBuf {
        self.beside("next")
    }

    /// Where the former key is kept.
    pub(crate) fn previous(&self) -> PathBuf {
        self.beside("previous")
    }

    fn beside(&self, end: &str) -> PathBuf {
        match &self.file {
            Some(file) => file.with_extension(end),
            None => self.data.join(format!("key.{end}")),
        }
    }
}

/// Puts a new key in the place of the former one, which is kept. Whenever this is cut off, both are there.
pub(crate) fn replace(file: &Path, next: &Path, previous: &Path) -> Result<(), Fault> {
    let failed = |error: std::io::Error| {
        unusable(format!(
            "the key {} cannot be replaced: {error}",
            file.display()
        ))
    };
    if previous.exists() {
        std::fs::remove_file(previous).map_err(failed)?;
    }
    std::fs::hard_link(file, previous).map_err(failed)?;
    std::fs::rename(next, file).map_err(failed)
}

/// What a command prints, run by the shell. Its own errors go to standard error.
pub(crate) fn from_command(command: &str) -> Result<Key, Fault> {
    let ended = std::process::Command::new("sh")
        .args(["-c", command])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| unusable(format!("the command for the key cannot be run: {error}")))?;
    let text = Zeroizing::new(ended.stdout);
    if !ended.status.success() {
        return Err(unusable(format!(
            "the command for the key failed: {}",
            ended.status
        )));
    }
    std::str::from_utf8(&text)
        .ok()
        .and_then(parse)
        .ok_or_else(|| {
            unusable(
                "the command for the key did not print a key: 64 hexadecimal digits are needed"
                    .to_owned(),
            )
        })
}

/// Makes a key file that only this user can read; left alone where there is one.
///
/// Written beside its place first and linked to it: a second process that begins at the same time never
/// sees half a key, and one of both keys wins.
pub(crate) fn make(file: &Path) -> Result<bool, Fault> {
    let failed = |error: std::io::Error| {
        unusable(format!(
            "the key {} cannot be written: {error}",
            file.display()
        ))
    };
    let key = new_key().map_err(matricula_service::Error::from)?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for byte in key.iter() {
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
        );
    }
    text.push('\n');
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::hard_link(&beside, file));
    // It is a second name of the key, or half of one.
    let removed = std::fs::remove_file(&beside);
    match written {
        Ok(()) => removed.map(|()| true).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && file.exists() => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn parse(text: &str) -> Option<Key> {
    let digits = text.trim().as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = char::from(*digit).to_digit(16)?;
            *byte = (*byte << 4) | u8::try_from(digit).ok()?;
        }
    }
    Some(key)
}

fn unusable(message: String) -> Fault {
    Fault::new(Exit::Store, "key.unusable", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        assert_eq!(read(None, &file).unwrap_err().code, "key.missing");
        assert!(make(&file).unwrap());
        let key = read(None, &file).unwrap();
        assert_ne!(*key, [0; 32]);
        assert!(!make(&file).unwrap());
        assert_eq!(*read(None, &file).unwrap(), *key);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn the_environment_comes_first() {
        let text = Zeroizing::new(format!("{}0F\n", "00".repeat(31)));
        let key = read(Some(text), Path::new("no-such-file")).unwrap();
        assert_eq!((key[30], key[31]), (0, 15));
        for wrong in ["", "ab", &"g".repeat(64)] {
            let fault = read(Some(Zeroizing::new(wrong.to_owned())), Path::new("x")).unwrap_err();
            assert_eq!(
                (fault.code.as_str(), fault.exit),
                ("key.unusable", Exit::Store)
            );
            assert!(!fault.message.contains("gg"), "{}", fault.message);
        }
    }
}
