//! Passwords of the profile's people, set in the finished root: they are in no package, because packages are read by
//! everybody.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

use igos_format::{RelPath, Sha256};
use igos_report::Diagnostic;
use igos_root::{Metadata, RootDir, RootError, set_mode, set_owner};

use super::work::Pipeline;
use super::{Facts, Phase, PhaseError, Profile};

/// Longest table, in bytes; the largest real ones have some thousand lines.
const TABLE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Name of the table while it is written, beside it; packages cannot bring it.
const TABLE_NEW: &[u8] = b".pkm-table";

/// Adds what the profile says about passwords to what the last phase of the root is made from.
pub(super) fn inputs(profile: &Profile, facts: &mut Facts) {
    for login in &profile.logins {
        if let Some(field) = login.shadow_field() {
            // The digest: receipts are read by everybody, too.
            facts.add("password", &login.name, Sha256::of(field.as_bytes()));
        }
    }
}

/// Returns whether somebody's password in the root is not what the profile says.
pub(super) fn are_lacking(pipeline: &Pipeline<'_>) -> bool {
    let Ok(root) = RootDir::open(&pipeline.root()) else {
        return true;
    };
    match table(&root) {
        Ok(old) => {
            changed(&pipeline.profile.logins, old.as_deref().unwrap_or_default()) != Ok(None)
        }
        Err(_) => true,
    }
}

/// Sets the passwords that the profile says.
pub(super) fn set(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    let root = RootDir::open(&pipeline.root()).map_err(PhaseError::of)?;
    let old = table(&root).map_err(PhaseError::of)?.unwrap_or_default();
    match changed(&pipeline.profile.logins, &old) {
        Ok(None) => Ok(()),
        Ok(Some(text)) => replace(&root, &text)
            .map_err(|source| PhaseError::of(RootError::new("write", "etc/shadow", source))),
        Err(name) => {
            let message =
                format!("/etc/shadow of the root has no line for {name}, whom the profile lets in");
            let finding = pipeline.profile.diagnostic(name, "account-absent", message);
            let hint = "`filesystem` has the table: add it to the packages of the profile";
            Err(PhaseError::refused(
                Phase::Extra,
                Diagnostic::hint(finding, hint),
            ))
        }
    }
}

fn place() -> RelPath {
    "etc/shadow".parse().expect("it is a path")
}

fn table(root: &RootDir) -> Result<Option<Vec<u8>>, RootError> {
    root.read_file(&place(), TABLE_MAX_BYTES)
}

/// Returns the table with the passwords; `None` if it has them, the name of whoever has no line as the error.
fn changed<'a>(logins: &'a [super::logins::Login], old: &[u8]) -> Result<Option<Vec<u8>>, &'a str> {
    let mut lines: Vec<Vec<u8>> = old
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let mut is_changed = false;
    for login in logins {
        let Some(field) = login.shadow_field() else {
            continue;
        };
        let name = login.name.as_str();
        let start = format!("{name}:");
        let line = lines
            .iter_mut()
            .find(|line| line.starts_with(start.as_bytes()))
            .ok_or(name)?;
        let found = &line[start.len()..];
        let end = found
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(found.len());
        if &found[..end] != field.as_bytes() {
            line.splice(start.len()..start.len() + end, field.bytes());
            is_changed = true;
        }
    }
    Ok(is_changed.then(|| lines.join(&b'\n')))
}

/// Replaces the table by renaming, so that it is never half-written; mode and owner stay.
fn replace(root: &RootDir, text: &[u8]) -> io::Result<()> {
    let etc = root.parent_of(&place()).map_err(RootError::into_io)?;
    let old: Metadata = etc.metadata(b"shadow")?;
    if etc.metadata_if_present(TABLE_NEW)?.is_some() {
        etc.delete(TABLE_NEW)?;
    }
    let mut file = etc.create_file(TABLE_NEW)?;
    file.write_all(text)?;
    if rustix::process::geteuid().is_root() {
        set_owner(file.as_fd(), old.uid, old.gid)?;
    }
    set_mode(file.as_fd(), old.mode & 0o777)?;
    file.sync_all()?;
    etc.rename(TABLE_NEW, &etc, b"shadow")?;
    etc.sync()
}

#[cfg(test)]
mod tests {
    use super::changed;
    use crate::pipeline::logins::Login;

    fn login(name: &str, hash: Option<&str>) -> Login {
        Login {
            name: name.parse().expect("a name"),
            group: None,
            home: None,
            password: hash.map(|hash| hash.parse().expect("a hash")),
            groups: Vec::new(),
            keys: Vec::new(),
        }
    }

    #[test]
    fn passwords_are_set_in_the_lines_of_their_people_and_nothing_else_changes() {
        let hash = format!("$6$salt${}", "x".repeat(86));
        let old = b"root:!*:::::::\nroots:!*:::::::\nu:!*:19000:0:99999:7:::\nd:!*:::::::\n";
        let logins = [
            login("u", Some(&hash)),
            login("root", Some(&hash)),
            login("d", None),
        ];
        let new = changed(&logins, old)
            .expect("all have lines")
            .expect("it changes");
        assert_eq!(
            String::from_utf8_lossy(&new),
            format!(
                "root:{hash}:::::::\nroots:!*:::::::\nu:{hash}:19000:0:99999:7:::\nd:!*:::::::\n"
            )
        );
        assert_eq!(changed(&logins, &new), Ok(None), "once is enough");
    }

    #[test]
    fn who_has_no_line_is_named() {
        let hash = format!("$5$salt${}", "x".repeat(43));
        let logins = [login("u", Some(&hash))];
        assert_eq!(changed(&logins, b"root:!*:::::::\n"), Err("u"));
        assert_eq!(changed(&[login("u", None)], b""), Ok(None));
    }
}
