//! Passwords and groups of the profile's people, set in the finished root. Passwords are in no package, because packages are
//! read by everybody; groups are not, because a package's files put nobody into a group that gives the machine away.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

use igos_format::{RelPath, Sha256};
use igos_report::Diagnostic;
use igos_root::{Metadata, RootDir, RootError, set_mode, set_owner};

use super::logins::Login;
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
        for group in &login.groups {
            facts.add("member", &login.name, group);
        }
    }
}

/// A table, and what the profile makes of it.
struct Table {
    name: &'static str,
    changed: for<'a> fn(&'a [Login], &[u8]) -> Changed<'a>,
}

/// The new text; `None` if the old one is right, who or what has no line as the error.
type Changed<'a> = Result<Option<Vec<u8>>, &'a str>;

const TABLES: [Table; 2] = [
    Table {
        name: "shadow",
        changed: with_passwords,
    },
    Table {
        name: "group",
        changed: with_members,
    },
];

/// Returns whether a table of the root does not say what the profile says.
pub(super) fn are_lacking(pipeline: &Pipeline<'_>) -> bool {
    let Ok(root) = RootDir::open(&pipeline.root()) else {
        return true;
    };
    TABLES.iter().any(|table| match table.read(&root) {
        Ok(old) => (table.changed)(&pipeline.profile.logins, &old) != Ok(None),
        Err(_) => true,
    })
}

/// Sets the passwords and groups that the profile says.
pub(super) fn set(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    let root = RootDir::open(&pipeline.root()).map_err(PhaseError::of)?;
    for table in &TABLES {
        let old = table.read(&root).map_err(PhaseError::of)?;
        match (table.changed)(&pipeline.profile.logins, &old) {
            Ok(None) => {}
            Ok(Some(text)) => table.replace(&root, &text).map_err(|source| {
                PhaseError::of(RootError::new("write", table.place().to_string(), source))
            })?,
            Err(name) => {
                let place = table.place();
                let message =
                    format!("/{place} of the root has no line for {name}, which the profile names");
                let finding = pipeline.profile.diagnostic(name, "account-absent", message);
                let hint = "`filesystem` has the table: add it to the packages of the profile";
                return Err(PhaseError::refused(
                    Phase::Extra,
                    Diagnostic::hint(finding, hint),
                ));
            }
        }
    }
    Ok(())
}

/// Returns the table with the people in their groups; `None` if they are, the name of a group without a line as the error.
fn with_members<'a>(logins: &'a [Login], old: &[u8]) -> Changed<'a> {
    let mut lines = Lines::of(old);
    for login in logins {
        let person = login.name.as_str().as_bytes();
        for group in &login.groups {
            let line = lines.line_of(group.as_str())?;
            let members = line.rsplit(|byte| *byte == b':').next().unwrap_or_default();
            if members
                .split(|byte| *byte == b',')
                .any(|name| name == person)
            {
                continue;
            }
            if !members.is_empty() {
                line.push(b',');
            }
            line.extend(person);
            lines.is_changed = true;
        }
    }
    Ok(lines.text())
}

/// Returns the table with the passwords; `None` if it has them, the name of whoever has no line as the error.
fn with_passwords<'a>(logins: &'a [Login], old: &[u8]) -> Changed<'a> {
    let mut lines = Lines::of(old);
    for login in logins {
        let Some(field) = login.shadow_field() else {
            continue;
        };
        let name = login.name.as_str();
        let line = lines.line_of(name)?;
        let start = name.len() + 1;
        let found = &line[start..];
        let end = found.iter().position(|byte| *byte == b':');
        let end = start + end.unwrap_or(found.len());
        if &line[start..end] != field.as_bytes() {
            line.splice(start..end, field.bytes());
            lines.is_changed = true;
        }
    }
    Ok(lines.text())
}

/// Lines of a table, each with a name as its first field.
struct Lines {
    lines: Vec<Vec<u8>>,
    is_changed: bool,
}

impl Lines {
    fn of(text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        Lines {
            lines: lines.collect(),
            is_changed: false,
        }
    }

    /// Returns the line of a name, or the name where there is none.
    fn line_of<'a>(&mut self, name: &'a str) -> Result<&mut Vec<u8>, &'a str> {
        let start = format!("{name}:");
        let mut lines = self.lines.iter_mut();
        lines
            .find(|line| line.starts_with(start.as_bytes()))
            .ok_or(name)
    }

    /// Returns the text again if a line was changed.
    fn text(self) -> Option<Vec<u8>> {
        self.is_changed.then(|| self.lines.join(&b'\n'))
    }
}

impl Table {
    fn place(&self) -> RelPath {
        let text = format!("etc/{}", self.name);
        text.parse().expect("it is a path")
    }

    fn read(&self, root: &RootDir) -> Result<Vec<u8>, RootError> {
        let text = root.read_file(&self.place(), TABLE_MAX_BYTES)?;
        Ok(text.unwrap_or_default())
    }

    /// Replaces the table by renaming, so that it is never half-written; mode and owner stay.
    fn replace(&self, root: &RootDir, text: &[u8]) -> io::Result<()> {
        let etc = root.parent_of(&self.place()).map_err(RootError::into_io)?;
        let name = self.name.as_bytes();
        let old: Metadata = etc.metadata(name)?;
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
        etc.rename(TABLE_NEW, &etc, name)?;
        etc.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::{with_members, with_passwords};
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
        let new = with_passwords(&logins, old)
            .expect("all have lines")
            .expect("it changes");
        assert_eq!(
            String::from_utf8_lossy(&new),
            format!(
                "root:{hash}:::::::\nroots:!*:::::::\nu:{hash}:19000:0:99999:7:::\nd:!*:::::::\n"
            )
        );
        assert_eq!(with_passwords(&logins, &new), Ok(None), "once is enough");
    }

    #[test]
    fn who_has_no_line_is_named() {
        let hash = format!("$5$salt${}", "x".repeat(43));
        let logins = [login("u", Some(&hash))];
        assert_eq!(with_passwords(&logins, b"root:!*:::::::\n"), Err("u"));
        assert_eq!(with_passwords(&[login("u", None)], b""), Ok(None));
    }

    #[test]
    fn people_are_put_into_their_groups_once_and_nobody_else_is() {
        let mut logins = [login("u", None), login("d", None)];
        logins[0].groups = ["wheel", "audio"]
            .map(|name| name.parse().expect("a name"))
            .into();
        let old = b"root:x:0:\nwheel:x:10:\naudio:x:20:uu\n";
        let new = with_members(&logins, old)
            .expect("all have lines")
            .expect("it changes");
        assert_eq!(
            String::from_utf8_lossy(&new),
            "root:x:0:\nwheel:x:10:u\naudio:x:20:uu,u\n"
        );
        assert_eq!(with_members(&logins, &new), Ok(None), "once is enough");
        assert_eq!(with_members(&logins, b"root:x:0:\n"), Err("wheel"));
    }
}
