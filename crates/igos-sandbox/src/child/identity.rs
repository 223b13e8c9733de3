//! Which host ids builds run as, and becoming them.

use std::fs;

use rustix::io::Errno;
use rustix::process::DumpableBehavior;
use rustix::process::{Gid, Uid};

use crate::Identity;
use crate::control::Refusal;

/// User and group id on the host of builds that root starts.
///
/// In the range from 0x7000_0000 on that systemd's documentation of user ids lists as unused; above all ranges that distributions,
/// container managers and `/etc/subuid` give out, so that no file and no other process has it.
const DEDICATED_ID: u32 = 1_879_500_000;

/// The same inside a container that maps only the customary 65 536 ids: the last below `systemd`'s dynamic range.
const CONTAINER_ID: u32 = 61_183;

/// Returns the caller's own host ids.
pub(crate) fn caller_identity() -> Identity {
    Identity {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    }
}

/// Returns the host ids that builds run as.
pub(crate) fn build_identity() -> Identity {
    let Identity { uid, gid } = caller_identity();
    if uid != 0 {
        return Identity { uid, gid };
    }
    let maps = ["uid_map", "gid_map"].map(|file| {
        // Without /proc nothing else works either, and `run` says so.
        fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default()
    });
    [DEDICATED_ID, CONTAINER_ID]
        .into_iter()
        .find(|&id| maps.iter().all(|map| is_mapped(map, id)))
        .map_or(Identity { uid, gid }, |id| Identity { uid: id, gid: id })
}

/// Returns whether an id exists in a user namespace with this map, as in user_namespaces(7).
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut fields = line
            .split_ascii_whitespace()
            .map(|field| field.parse::<u32>().unwrap_or_default());
        match (fields.next(), fields.next(), fields.next()) {
            (Some(first), Some(_), Some(count)) => id >= first && id - first < count,
            _ => false,
        }
    })
}

/// Becomes `identity`, for good, if this process is root and that is not.
pub(super) fn assume(identity: Identity) -> Result<(), Refusal> {
    let step = || format!("become user {} and group {}", identity.uid, identity.gid);
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    if rustix::process::geteuid() != uid {
        let become_it = || -> Result<(), Errno> {
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
            // The kernel makes a process that changes ids undumpable, and then its own maps are closed to it.
            rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)
        };
        become_it().map_err(Refusal::during(step()))?;
    }
    let is_it = rustix::process::getuid() == uid
        && rustix::process::geteuid() == uid
        && rustix::process::getgid() == gid
        && rustix::process::getegid() == gid;
    if is_it {
        Ok(())
    } else {
        Err(Refusal::during(step())(Errno::PERM))
    }
}

#[cfg(test)]
mod tests {
    use super::{CONTAINER_ID, DEDICATED_ID, is_mapped};

    #[test]
    fn an_id_is_mapped_if_a_range_of_the_map_has_it() {
        let host = "         0          0 4294967295\n";
        let container = "         0     100000      65536\n";
        let single = "0 1000 1\n";
        for (map, id, expected) in [
            (host, DEDICATED_ID, true),
            (container, DEDICATED_ID, false),
            (container, CONTAINER_ID, true),
            (container, 65_536, false),
            (single, 0, true),
            (single, 1, false),
            ("", 0, false),
            ("nonsense", 0, false),
        ] {
            assert_eq!(is_mapped(map, id), expected, "{map:?} {id}");
        }
    }
}
