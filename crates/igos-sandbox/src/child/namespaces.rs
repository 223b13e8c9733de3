//! New namespaces, and who we are in them.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions};
use rustix::thread::UnshareFlags;

use super::start::leave;
use crate::Identity;
use crate::control::{ConfinementPlan, Refusal};
use crate::locks::{Lock, is_on};
use crate::syscall::{self, Fork};

/// The namespaces of a sandbox: the kernel's name, the flag, and what it is called for people.
const ALL: [(&str, UnshareFlags); 7] = [
    ("cgroup", UnshareFlags::NEWCGROUP),
    ("ipc", UnshareFlags::NEWIPC),
    ("mnt", UnshareFlags::NEWNS),
    ("net", UnshareFlags::NEWNET),
    ("pid", UnshareFlags::NEWPID),
    ("user", UnshareFlags::NEWUSER),
    ("uts", UnshareFlags::NEWUTS),
];

/// The kernel's names of the namespaces of a sandbox, in order.
pub(crate) const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/// Returns the lock that a namespace is; that of control groups only hides a path.
fn lock_of(namespace: &str) -> Option<Lock> {
    Some(match namespace {
        "ipc" => Lock::IpcNamespace,
        "net" => Lock::NetworkNamespace,
        "pid" => Lock::ProcessNamespace,
        "user" => Lock::UserNamespace,
        "uts" => Lock::NameNamespace,
        _ => return None,
    })
}

/// Enters new namespaces.
///
/// In them `identity` is user 0 and group 0 and nobody else exists; or, where the plan says so, every id of ours is itself.
pub(super) fn enter(identity: Identity, plan: &ConfinementPlan) -> Result<(), Refusal> {
    let flags = ALL
        .iter()
        .filter(|(name, _)| !(plan.shares_network && *name == "net"))
        .filter(|(name, _)| lock_of(name).is_none_or(is_on))
        .fold(UnshareFlags::empty(), |flags, (_, flag)| flags | *flag);
    if plan.has_all_ids {
        let writer = MapWriter::start()?;
        syscall::unshare(flags).map_err(explain)?;
        return writer.write();
    }
    syscall::unshare(flags).map_err(explain)?;
    if !is_on(Lock::UserNamespace) {
        return Ok(());
    }
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {} 1", identity.uid)),
        ("gid_map", format!("0 {} 1", identity.gid)),
    ] {
        fs::write(format!("/proc/self/{file}"), text)
            .map_err(Refusal::during(format!("write /proc/self/{file}")))?;
    }
    Ok(())
}

/// A process that stays outside of the new user namespace: only from there can more than one id be mapped, see
/// user_namespaces(7).
struct MapWriter {
    process: Pid,
    go: OwnedFd,
}

impl MapWriter {
    fn start() -> Result<Self, Refusal> {
        let own = rustix::process::getpid().as_raw_nonzero();
        let maps = ["uid_map", "gid_map"].map(|file| {
            let text = fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
            (format!("/proc/{own}/{file}"), identical(&text))
        });
        let (wait, go) = pipe_with(PipeFlags::CLOEXEC).map_err(Refusal::during("make a pipe"))?;
        match syscall::fork().map_err(Refusal::during("start the writer of id maps"))? {
            Fork::Parent(process) => Ok(MapWriter { process, go }),
            Fork::Child => {
                drop(go);
                let mut byte = [0_u8; 1];
                let is_wanted = matches!(rustix::io::read(&wait, &mut byte), Ok(1));
                let is_done = is_wanted
                    && maps
                        .iter()
                        .all(|(file, text)| fs::write(file, text).is_ok());
                leave(i32::from(!is_done))
            }
        }
    }

    /// Has the maps written, now that the namespace exists.
    fn write(self) -> Result<(), Refusal> {
        let step = "map all ids into the new user namespace";
        rustix::io::write(&self.go, b"1").map_err(Refusal::during(step))?;
        loop {
            match rustix::process::waitpid(Some(self.process), WaitOptions::empty()) {
                Ok(Some((_, status))) if status.exit_status() == Some(0) => return Ok(()),
                Ok(Some(_)) => return Err(Refusal::during(step)(Errno::PERM)),
                Ok(None) | Err(Errno::INTR) => {}
                Err(error) => return Err(Refusal::during(step)(error)),
            }
        }
    }
}

/// Returns the map in which every id that this one has is itself.
fn identical(map: &str) -> String {
    map.lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (first, count) = (fields.next()?, fields.nth(1)?);
            Some(format!("{first} {first} {count}\n"))
        })
        .collect()
}

/// Says what to do when the kernel refuses.
fn explain(error: Errno) -> Refusal {
    if let Some((name, _)) = ALL
        .iter()
        .find(|(name, _)| !Path::new("/proc/self/ns").join(name).exists())
    {
        return Refusal::missing(
            format!("{name} namespaces"),
            format!("/proc/self/ns/{name} does not exist"),
            format!("boot a kernel built with {name} namespaces, and have /proc mounted"),
        );
    }
    let detail = format!("unshare: {error}");
    // Debian's switch, Ubuntu's, and the kernel's own.
    for (file, bad, remedy) in [
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "`sysctl kernel.unprivileged_userns_clone=1` as root",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root, or an AppArmor profile with `userns`",
        ),
        (
            "user/max_user_namespaces",
            "0",
            "`sysctl user.max_user_namespaces=10000` as root",
        ),
    ] {
        let value = fs::read_to_string(Path::new("/proc/sys").join(file)).unwrap_or_default();
        if value.trim() == bad {
            return Refusal::missing("user namespaces for this user", detail, remedy);
        }
    }
    let remedy = match error {
        Errno::NOSPC | Errno::USERS => "`sysctl user.max_user_namespaces=10000` as root",
        Errno::PERM => {
            "run outside of a container or chroot, or let the container make user namespaces"
        }
        _ => "boot a kernel built with CONFIG_USER_NS and the other namespaces",
    };
    Refusal::missing("user namespaces", detail, remedy)
}

#[cfg(test)]
mod tests {
    use super::{ALL, NAMESPACES, identical};

    #[test]
    fn every_mapped_id_is_itself_inside() {
        let host = "         0          0 4294967295\n";
        assert_eq!(identical(host), "0 0 4294967295\n");
        let container = "0 100000 65536\n65536 1000 1\n";
        assert_eq!(identical(container), "0 0 65536\n65536 65536 1\n");
        assert_eq!(identical("nonsense"), "");
    }

    #[test]
    fn names_and_flags_are_the_same_list() {
        assert_eq!(ALL.map(|(name, _)| name), NAMESPACES);
        assert!(NAMESPACES.is_sorted());
    }
}
