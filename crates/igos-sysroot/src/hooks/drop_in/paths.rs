//! Making what `tmpfiles.d` files declare, below the root's descriptor.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;

use igos_format::manifest::is_reserved;
use igos_format::{RelPath, escape};
use igos_root::{Directory, FollowedLinks, Kind, Metadata, RootDir, RootError};

use super::attributes::{Age, Wanted};
use super::files::{DropIn, Files};
use super::glob::matches;
use super::report::{Place, Report, Unmade};
use super::rights::{Author, Deed, Rights};
use super::specifiers::Specifiers;
use super::tmpfiles::{Action, Declared, Present, parse};
use crate::hooks::accounts::Accounts;
use crate::hooks::is_live;
use crate::{LockedSysroot, Mutations, Ownership, layout};

/// Mode of directories on the way to what is made.
const ABOVE: u16 = 0o755;

/// Mode of files of which a line says none.
const NEW_FILE: u16 = 0o644;

/// Name of a file or link that is being made; packages cannot bring names that begin like this.
const NEW: &[u8] = b".igos-new";

/// Deepest directory that `Z` goes down to.
const DEPTH_MAX: usize = 256;

/// Carries out what the files of these names say.
pub(super) fn carry_out(
    sysroot: &LockedSysroot,
    names: &BTreeSet<&str>,
) -> Result<Report, RootError> {
    let root = &sysroot.root;
    let mut report = Report::default();
    let lines = read(root, names, &mut report)?;
    let links = FollowedLinks::read(root)?;
    let accounts = Accounts::read(root)?;
    let (ownership, is_live) = (Ownership::of_caller(), is_live(root));
    let mut authors: BTreeMap<&RelPath, Result<Author, String>> = BTreeMap::new();
    for (declared, place) in &lines {
        let author = authors
            .entry(&place.file)
            .or_insert_with(|| Author::of(sysroot, &links, &place.file));
        let made = match author {
            Err(why) => Err(Unmade::Failed(why.clone())),
            Ok(author) => Making {
                root,
                mutations: sysroot.options.mutations.as_ref(),
                links: &links,
                accounts: &accounts,
                rights: Rights { sysroot, ownership },
                author,
                is_live,
            }
            .line(declared),
        };
        if let Err(why) = made
            && (!declared.may_fail || matches!(why, Unmade::Refused(_)))
        {
            report.add(place, &why);
        }
    }
    Ok(report)
}

/// Returns what the files of these names say, in the order in which it is done: what is made by path, so that
/// directories come before what is in them, then what is adjusted.
fn read(
    root: &RootDir,
    names: &BTreeSet<&str>,
    report: &mut Report,
) -> Result<Vec<(Declared, Place)>, RootError> {
    let files = Files::read(root, DropIn::Tmpfiles)?;
    for (name, place, why) in &files.unread {
        if names.contains(name.as_str()) {
            report.add(place, why);
        }
    }
    let specifiers = Specifiers::read(root);
    let mut made: BTreeMap<RelPath, Declared> = BTreeMap::new();
    let (mut making, mut adjusting) = (Vec::new(), Vec::new());
    for file in &files.files {
        let is_named = names.contains(file.name.as_str());
        for line in file.lines() {
            let read = line.and_then(|line| {
                parse(&line.text, &specifiers)
                    .map(|declared| (declared, line.place.clone()))
                    .map_err(|why| (line.place, why))
            });
            match read {
                Err((place, why)) if is_named => report.add(&place, &why),
                Err(_) => {}
                Ok((declared, place)) if declared.action.is_pattern() => {
                    if is_named {
                        adjusting.push((declared, place));
                    }
                }
                Ok((declared, place)) => match made.get(&declared.path) {
                    None => {
                        made.insert(declared.path.clone(), declared.clone());
                        if is_named {
                            making.push((declared, place));
                        }
                    }
                    Some(before) if is_named && *before != declared => {
                        let why = format!("another line says something else of /{}", declared.path);
                        report.add(&place, &Unmade::Left(why));
                    }
                    Some(_) => {}
                },
            }
        }
    }
    making.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
    making.extend(adjusting);
    Ok(making)
}

struct Making<'a> {
    root: &'a RootDir,
    mutations: &'a dyn Mutations,
    links: &'a FollowedLinks,
    accounts: &'a Accounts,
    rights: Rights<'a>,
    /// Whose the line is.
    author: &'a Author,
    is_live: bool,
}

impl Making<'_> {
    fn line(&self, declared: &Declared) -> Result<(), Unmade> {
        let place = self.links.place(&declared.path);
        self.check_place(&place)?;
        let wanted = Wanted::of(declared, self.accounts, self.rights.ownership)?;
        self.refuse_undeclared(declared, &place, &wanted)?;
        let failed = |error: io::Error| Unmade::Failed(format!("/{}: {error}", declared.path));
        match &declared.action {
            Action::Directory => self.directory(&place, &wanted).map_err(failed),
            Action::File { content, present } => self
                .file(&place, content, *present, &wanted)
                .map_err(failed),
            Action::Link { target, present } => {
                self.link(&place, target, *present, &wanted).map_err(failed)
            }
            Action::Existing | Action::Adjust | Action::AdjustAll => {
                let found = matches(self.root, &place)
                    .map_err(|why| Unmade::Failed(format!("/{}: {why}", declared.path)))?;
                for path in found {
                    self.adjust(&path, &declared.action, &wanted)?;
                }
                Ok(())
            }
        }
    }

    /// Refuses what is made where, or as, its package may not.
    fn refuse_undeclared(
        &self,
        declared: &Declared,
        place: &RelPath,
        wanted: &Wanted,
    ) -> Result<(), Unmade> {
        let (kind, present, above) = match &declared.action {
            Action::Directory => (Kind::Directory, Present::Kept, ABOVE),
            Action::File { present, .. } => (Kind::File, *present, NEW_FILE),
            Action::Link { present, .. } => (Kind::Symlink, *present, 0o777),
            // Each path that matches is looked at when it is found.
            Action::Existing | Action::Adjust | Action::AdjustAll => return Ok(()),
        };
        // What is in the way of looking is in the way of making, too.
        let found = self.root.metadata(place).ok().flatten();
        let is_link_kept = kind == Kind::Symlink && present == Present::Kept && found.is_some();
        if is_link_kept {
            return Ok(());
        }
        let after = match &found {
            Some(found) => wanted.after(found, Age::Present),
            None => wanted.of_new(kind, above),
        };
        let deed = Deed {
            kind: found.as_ref().map_or(kind, |found| found.kind),
            after,
            replaces: found.is_some() && present == Present::Replaced,
        };
        self.rights.check(self.author, place, found.as_ref(), deed)
    }

    /// Refuses what is not the file system's of a root, or is our own.
    fn check_place(&self, place: &RelPath) -> Result<(), Unmade> {
        let first = place.components().next().unwrap_or_default();
        match first {
            b"dev" | b"proc" | b"sys" => Err(Unmade::Elsewhere(format!(
                "/{place} is the running kernel's"
            ))),
            b"run" if !self.is_live => Err(Unmade::Elsewhere(format!(
                "/{place} is made when the machine starts"
            ))),
            _ if is_ours(place) => Err(Unmade::Failed(format!(
                "/{place} is the package manager's own"
            ))),
            _ => Ok(()),
        }
    }

    /// Opens the directory above a place, making what is absent.
    fn above(&self, place: &RelPath) -> io::Result<Directory> {
        let mut here = self.root.top().try_clone()?;
        let names: Vec<&[u8]> = place.components().collect();
        for name in &names[..names.len() - 1] {
            here = self.step(&here, name)?;
        }
        Ok(here)
    }

    /// Opens a directory, making it where it is absent, unless somebody who owns the one above could have put it in
    /// the way of others.
    fn step(&self, here: &Directory, name: &[u8]) -> io::Result<Directory> {
        match here.open_directory(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.mutations.create_directory(here, name, ABOVE)
            }
            Err(error) => Err(blocked(error, name)),
            Ok(next) => {
                refuse_crossing(here, next.own_metadata()?.uid)?;
                Ok(next)
            }
        }
    }

    fn directory(&self, place: &RelPath, wanted: &Wanted) -> io::Result<()> {
        let above = self.above(place)?;
        let name = place.file_name();
        let age = match above.metadata_if_present(name)? {
            Some(found) if found.kind == Kind::Directory => {
                refuse_crossing(&above, found.uid)?;
                Age::Present
            }
            Some(found) => return Err(in_the_way(found.kind)),
            None => {
                let mode = wanted.mode_of_new(Kind::Directory, ABOVE);
                self.mutations.create_directory(&above, name, mode)?;
                Age::New
            }
        };
        wanted.adjust(&above, name, age, self.mutations)
    }

    /// Makes a file: under another name, so that it is there with all its content or not at all.
    fn file(
        &self,
        place: &RelPath,
        content: &[u8],
        present: Present,
        wanted: &Wanted,
    ) -> io::Result<()> {
        let above = self.above(place)?;
        let name = place.file_name();
        let found = above.metadata_if_present(name)?;
        match found.map(|found| (found.kind, found.uid)) {
            None => {}
            Some((Kind::File, uid)) => {
                refuse_crossing(&above, uid)?;
                if present == Present::Replaced {
                    self.refuse_owned(place)?;
                }
                if present == Present::Kept || read_exactly(&above, name, content)? {
                    return wanted.adjust(&above, name, Age::Present, self.mutations);
                }
            }
            Some((other, _)) => return Err(in_the_way(other)),
        }
        self.clear_new(&above)?;
        let mut file = self.mutations.create_file(&above, NEW)?;
        self.mutations.write(&mut file, content)?;
        let age = match found {
            // What is replaced keeps what the line says nothing of.
            Some(old) => {
                if self.rights.ownership == Ownership::Applied {
                    self.mutations.set_owner(file.as_fd(), old.uid, old.gid)?;
                }
                self.mutations.set_mode(file.as_fd(), old.mode)?;
                Age::Present
            }
            None => {
                let mode = wanted.mode_of_new(Kind::File, NEW_FILE);
                self.mutations.set_mode(file.as_fd(), mode)?;
                Age::New
            }
        };
        wanted.adjust(&above, NEW, age, self.mutations)?;
        match found {
            None => self.mutations.rename_new(&above, NEW, &above, name),
            Some(_) => self.mutations.rename(&above, NEW, &above, name),
        }
    }

    fn link(
        &self,
        place: &RelPath,
        target: &[u8],
        present: Present,
        wanted: &Wanted,
    ) -> io::Result<()> {
        let above = self.above(place)?;
        let name = place.file_name();
        match (
            above.metadata_if_present(name)?.map(|found| found.kind),
            present,
        ) {
            (Some(_), Present::Kept) => return Ok(()),
            (Some(Kind::Symlink), Present::Replaced) if above.read_link(name)? == target => {
                return Ok(());
            }
            (Some(Kind::Directory), Present::Replaced) => {
                return Err(in_the_way(Kind::Directory));
            }
            (Some(_), Present::Replaced) => self.refuse_owned(place)?,
            (None, _) => {}
        }
        self.clear_new(&above)?;
        self.mutations.create_symlink(&above, target, NEW)?;
        wanted.adjust(&above, NEW, Age::New, self.mutations)?;
        match present {
            Present::Kept => self.mutations.rename_new(&above, NEW, &above, name),
            Present::Replaced => self.mutations.rename(&above, NEW, &above, name),
        }
    }

    fn adjust(&self, path: &RelPath, action: &Action, wanted: &Wanted) -> Result<(), Unmade> {
        let failed = |error: io::Error| Unmade::Failed(format!("/{path}: {error}"));
        if is_ours(path) {
            return Ok(());
        }
        let above = self.way_to(path).map_err(failed)?;
        let found = above.metadata(path.file_name()).map_err(failed)?;
        refuse_crossing(&above, found.uid).map_err(failed)?;
        let kind = found.kind;
        if *action == Action::Existing && kind != Kind::Directory {
            return Ok(());
        }
        self.adjust_one(&above, path, &found, wanted)?;
        if *action == Action::AdjustAll && kind == Kind::Directory {
            let open = above.open_directory(path.file_name()).map_err(failed)?;
            self.adjust_below(&open, path, wanted, DEPTH_MAX)?;
        }
        Ok(())
    }

    /// Adjusts what is in an open directory, if the author of the line may.
    fn adjust_one(
        &self,
        above: &Directory,
        path: &RelPath,
        found: &Metadata,
        wanted: &Wanted,
    ) -> Result<(), Unmade> {
        let (mode, owner) = wanted.after(found, Age::Present);
        let mode = match found.kind {
            Kind::Symlink => found.mode,
            _ => mode,
        };
        let deed = Deed {
            kind: found.kind,
            after: (mode, owner),
            replaces: false,
        };
        self.rights.check(self.author, path, Some(found), deed)?;
        wanted
            .adjust(above, path.file_name(), Age::Present, self.mutations)
            .map_err(|error| Unmade::Failed(format!("/{path}: {error}")))
    }

    /// Opens the directory above a path that is there.
    fn way_to(&self, path: &RelPath) -> io::Result<Directory> {
        let mut above = self.root.top().try_clone()?;
        if let Some(parent) = path.parent() {
            for name in parent.components() {
                let next = above
                    .open_directory(name)
                    .map_err(|error| blocked(error, name))?;
                refuse_crossing(&above, next.own_metadata()?.uid)?;
                above = next;
            }
        }
        Ok(above)
    }

    fn adjust_below(
        &self,
        directory: &Directory,
        path: &RelPath,
        wanted: &Wanted,
        depth: usize,
    ) -> Result<(), Unmade> {
        let failed = |error: io::Error| Unmade::Failed(format!("/{path}: {error}"));
        if depth == 0 {
            return Err(failed(io::Error::other("directories are too deep")));
        }
        for entry in directory.entries().map_err(failed)? {
            let Some(below) = path.join(&entry.name).ok().filter(|path| !is_ours(path)) else {
                continue;
            };
            let found = directory.metadata(&entry.name).map_err(failed)?;
            self.adjust_one(directory, &below, &found, wanted)?;
            if found.kind == Kind::Directory {
                let open = directory.open_directory(&entry.name).map_err(failed)?;
                self.adjust_below(&open, &below, wanted, depth - 1)?;
            }
        }
        Ok(())
    }

    /// Deletes what an interrupted run left half made.
    fn clear_new(&self, above: &Directory) -> io::Result<()> {
        match above.metadata_if_present(NEW)? {
            Some(_) => self.mutations.delete(above, NEW),
            None => Ok(()),
        }
    }

    /// Refuses to replace what a package has: its record says what it is.
    fn refuse_owned(&self, place: &RelPath) -> io::Result<()> {
        let owner = self
            .rights
            .sysroot
            .database
            .owner(place)
            .map_err(io::Error::other)?;
        match owner {
            Some(row) => Err(io::Error::other(format!("{} has it", row.package))),
            None => Ok(()),
        }
    }
}

/// Tells whether a path is the package manager's own, or leads to it.
fn is_ours(path: &RelPath) -> bool {
    is_reserved(path) || path.starts_with(&layout::state())
}

fn in_the_way(kind: Kind) -> io::Error {
    io::Error::other(format!("a {kind} is in the way"))
}

fn blocked(error: io::Error, name: &[u8]) -> io::Error {
    if RootError::new(
        "open",
        "",
        io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(0)),
    )
    .is_way_blocked()
    {
        let name = escape::escape(name);
        return io::Error::other(format!("{name} on the way is a link or a file"));
    }
    error
}

/// Refuses the step from a directory of an ordinary user to what is of user `below`: the user may have put it there.
fn refuse_crossing(above: &Directory, below: u32) -> io::Result<()> {
    let above = above.own_metadata()?.uid;
    let own = rustix::process::geteuid().as_raw();
    if above == 0 || above == own || above == below {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "user {above} could have put what is of user {below} there"
    )))
}

/// Tells whether a file has exactly this content.
fn read_exactly(above: &Directory, name: &[u8], content: &[u8]) -> io::Result<bool> {
    let file = above.open_file(name)?;
    let mut found = Vec::new();
    io::Read::read_to_end(
        &mut io::Read::take(file, content.len() as u64 + 1),
        &mut found,
    )?;
    Ok(found == content)
}
