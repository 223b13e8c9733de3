//! From a disk of the model to a directory.
//!
//! A journal names inode numbers, and those of the directory are others than those that were recorded. So a journal that
//! is whole is written last, with the new number of each inode it names, and a new digest: recovery sees what it would
//! have seen on the disk that the journal was written for. A journal that is not whole is left as it is.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;

use super::cut::Disk;
use super::effect::{Inode, Kind};
use crate::trace::Object;

/// How journals begin.
const JOURNAL: &[u8] = b"igos-journal ";
/// Inodes that a journal names and that are not on the disk get numbers from here on.
const NOWHERE: u64 = 1 << 60;

/// Makes directories out of disks.
#[derive(Debug)]
pub(super) struct Maker<'a> {
    disk: &'a Disk,
    /// The inode numbers that were recorded.
    recorded: &'a BTreeMap<Object, u64>,
    children: HashMap<Object, Vec<(&'a [u8], Object)>>,
    made: HashMap<Object, (PathBuf, u64)>,
    journals: Vec<(Object, PathBuf)>,
    is_root: bool,
}

impl<'a> Maker<'a> {
    pub(super) fn new(disk: &'a Disk, recorded: &'a BTreeMap<Object, u64>) -> Self {
        let mut children: HashMap<Object, Vec<(&[u8], Object)>> = HashMap::new();
        for ((directory, name), object) in &disk.names {
            children
                .entry(*directory)
                .or_default()
                .push((name, *object));
        }
        Maker {
            disk,
            recorded,
            children,
            made: HashMap::new(),
            journals: Vec::new(),
            is_root: nix::unistd::geteuid().is_root(),
        }
    }

    /// Makes what is below the directory `top` of the disk at a path where nothing is.
    pub(super) fn make(mut self, top: Object, path: &Path) -> io::Result<()> {
        self.make_one(top, path)?;
        for (object, path) in std::mem::take(&mut self.journals) {
            if let Some(Kind::File(content)) =
                self.disk.inodes.get(&object).map(|inode| &inode.kind)
            {
                let content = self.renumbered(object, content);
                fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(path)?
                    .write_all(&content)?;
            }
        }
        Ok(())
    }

    fn make_one(&mut self, object: Object, path: &Path) -> io::Result<()> {
        let Some(inode) = self.disk.inodes.get(&object) else {
            return Ok(());
        };
        if let Some((other, _)) = self.made.get(&object) {
            // A directory has one name; a file system would have taken away the other.
            return match inode.kind {
                Kind::Directory => Ok(()),
                _ => fs::hard_link(other, path),
            };
        }
        let number = match &inode.kind {
            Kind::File(content) => {
                let mut file = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(path)?;
                file.write_all(content)?;
                if content.starts_with(JOURNAL) {
                    self.journals.push((object, path.to_owned()));
                }
                self.set(inode, path)?;
                file.metadata()?.ino()
            }
            Kind::Symlink(target) => {
                std::os::unix::fs::symlink(OsStr::from_bytes(target), path)?;
                fs::symlink_metadata(path)?.ino()
            }
            Kind::Directory => {
                fs::create_dir(path)?;
                fs::symlink_metadata(path)?.ino()
            }
        };
        self.made.insert(object, (path.to_owned(), number));
        if inode.kind == Kind::Directory {
            for (name, child) in self.children.remove(&object).unwrap_or_default() {
                self.make_one(child, &path.join(OsStr::from_bytes(name)))?;
            }
            self.set(inode, path)?;
        }
        Ok(())
    }

    /// Sets owner, mode and attributes, in the order in which none takes another away.
    fn set(&self, inode: &Inode, path: &Path) -> io::Result<()> {
        if self.is_root && (inode.uid.unwrap_or(0), inode.gid.unwrap_or(0)) != (0, 0) {
            std::os::unix::fs::chown(path, inode.uid, inode.gid)?;
        }
        fs::set_permissions(path, PermissionsExt::from_mode(inode.mode))?;
        for (name, value) in &inode.attributes {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::lsetxattr(path, name.as_slice(), value, flags)?;
        }
        Ok(())
    }

    /// Returns a journal with the numbers that its inodes have now, if it is whole.
    fn renumbered(&self, journal: Object, content: &[u8]) -> Vec<u8> {
        let Some(body) = whole(content) else {
            return content.to_vec();
        };
        let mut text = String::new();
        for line in body.lines() {
            let mut is_number = false;
            for (at, word) in line.split(' ').enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                match word.parse().ok().filter(|_| is_number) {
                    Some(number) => text += &self.renumber(journal, number).to_string(),
                    None => text += word,
                }
                // Places can be called so too, but are never followed by a number.
                is_number = at > 0 && matches!(word, "file" | "directory" | "symlink" | "special");
            }
            text.push('\n');
        }
        text += &format!("end {}\n", Sha256::of(text.as_bytes()));
        text.into_bytes()
    }

    /// Returns the number that an inode has now which a journal knows by `number`.
    fn renumber(&self, journal: Object, number: u64) -> u64 {
        // Of several with this number, the last that was made before the journal.
        let meant = self
            .recorded
            .range(..journal)
            .rev()
            .find(|(_, recorded)| **recorded == number);
        let made = meant.and_then(|(object, _)| self.made.get(object));
        made.map_or(NOWHERE + number, |(_, number)| *number)
    }
}

/// Returns a journal without its last line, if that has the digest of the rest.
fn whole(content: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(content).ok()?;
    let body = text.len().checked_sub("end \n".len() + 64)?;
    let (body, end) = text.split_at_checked(body)?;
    (end == format!("end {}\n", Sha256::of(body.as_bytes()))).then_some(body)
}

/// Deletes a directory with everything in it, whatever the modes.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open(path)?;
            fs::remove_dir_all(path)
        }
        other => other,
    }
}

fn open(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::set_permissions(path, PermissionsExt::from_mode(0o700))?;
        for entry in fs::read_dir(path)? {
            open(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt;

    use fs_err as fs;
    use igos_format::Sha256;

    use super::{Disk, Maker, NOWHERE};
    use crate::model::effect::{Inode, Kind};
    use crate::trace::Object;

    fn with_end(body: &str) -> String {
        format!("{body}end {}\n", Sha256::of(body.as_bytes()))
    }

    #[test]
    fn a_whole_journal_names_the_inodes_of_the_directory_and_a_torn_one_stays_as_it_is() {
        let body = "igos-journal 1 1\ncreate file 77 - 0/0 a\nremove symlink 78 - b 0/1\n";
        let inode = |kind| Inode {
            kind,
            mode: 0o755,
            uid: None,
            gid: None,
            attributes: BTreeMap::new(),
        };
        let file = |text: &str| inode(Kind::File(text.as_bytes().to_vec()));
        let whole = with_end(body);
        let disk = Disk {
            names: BTreeMap::from([
                ((Object(0), b"a".to_vec()), Object(1)),
                ((Object(0), b"journal".to_vec()), Object(2)),
                ((Object(0), b"torn".to_vec()), Object(3)),
            ]),
            inodes: BTreeMap::from([
                (Object(0), inode(Kind::Directory)),
                (Object(1), file("a")),
                (Object(2), file(&whole)),
                (Object(3), file(&whole[..whole.len() - 1])),
            ]),
        };
        let recorded = BTreeMap::from([(Object(1), 77), (Object(2), 79)]);
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path().join("root");
        Maker::new(&disk, &recorded)
            .make(Object(0), &root)
            .expect("it can be made");
        let number = fs::symlink_metadata(root.join("a"))
            .expect("it was made")
            .ino();
        let expected = body
            .replace(" 77 ", &format!(" {number} "))
            .replace(" 78 ", &format!(" {} ", NOWHERE + 78));
        let read = |name: &str| fs::read_to_string(root.join(name)).expect("it was made");
        assert_eq!(read("journal"), with_end(&expected));
        assert_eq!(read("torn"), whole[..whole.len() - 1]);
    }
}
