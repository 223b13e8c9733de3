//! Giving directories of packages the modes and owners that are recorded: what a repair asks for.

use std::io;
use std::os::fd::AsFd;

use igos_format::{EntryKind, RelPath};
use igos_root::FollowedLinks;

use super::job::Job;
use super::text::JobState;
use crate::owners::Owners;
use crate::places::place_of;
use crate::{LockedSysroot, Ownership};

/// Does it for each of these places; what is in order already is left alone.
pub(super) fn restore(sysroot: &LockedSysroot, places: &[RelPath]) -> JobState {
    let mut problems = Vec::new();
    for place in places {
        if let Err(error) = restore_one(sysroot, place) {
            problems.push(format!("{place}: {error}"));
        }
    }
    match problems.is_empty() {
        true => JobState::Done,
        false => JobState::Failed(problems.join("; ")),
    }
}

fn restore_one(sysroot: &LockedSysroot, place: &RelPath) -> io::Result<()> {
    let links = FollowedLinks::read(&sysroot.root).map_err(|error| error.into_io())?;
    let owners = Owners::read(&sysroot.root).map_err(|error| error.into_io())?;
    let names = sysroot
        .database
        .directory_owners(place)
        .map_err(io::Error::other)?;
    let mut wanted = Vec::new();
    for name in names {
        let record = sysroot.record(&name).map_err(io::Error::other)?;
        let ownership = record.installed.ownership;
        for entry in record.entries() {
            let is_it = entry.kind == EntryKind::Directory
                && place_of(&record.manifest, entry, &links) == *place;
            if is_it {
                let numbers = owners.numbers(&entry.owner);
                wanted.push((ownership, ownership.mode_on_disk(entry), numbers));
            }
        }
    }
    let above = sysroot
        .root
        .parent_of(place)
        .map_err(|error| error.into_io())?;
    let open = above.open_directory(place.file_name())?;
    let found = open.own_metadata()?;
    let is_as = |(ownership, mode, numbers): &(Ownership, u16, (u32, u32))| {
        found.mode == *mode
            && (*ownership == Ownership::Recorded || (found.uid, found.gid) == *numbers)
    };
    // Where several packages have it, it is as one of them says.
    let (ownership, mode, numbers) = match wanted.first() {
        Some(first) if !wanted.iter().any(is_as) => *first,
        _ => return Ok(()),
    };
    let mutations = sysroot.options.mutations.as_ref();
    if ownership == Ownership::Applied && (found.uid, found.gid) != numbers {
        mutations.set_owner(open.as_fd(), numbers.0, numbers.1)?;
    }
    mutations.set_mode(open.as_fd(), mode)
}

/// Returns the job for these places, if there are any.
pub(crate) fn directories_job(places: impl IntoIterator<Item = RelPath>) -> Option<Job> {
    let paths: Vec<RelPath> = places.into_iter().collect();
    (!paths.is_empty()).then_some(Job::Directories { paths })
}
