//! New namespaces, and who we are in them.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::Identity;
use crate::control::Refusal;
use crate::syscall;

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

/// Enters new namespaces, in which `identity` is user 0 and group 0 and nobody else exists.
pub(super) fn enter(identity: Identity) -> Result<(), Refusal> {
    let flags = ALL
        .iter()
        .fold(UnshareFlags::empty(), |flags, (_, flag)| flags | *flag);
    syscall::unshare(flags).map_err(explain)?;
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
    use super::{ALL, NAMESPACES};

    #[test]
    fn names_and_flags_are_the_same_list() {
        assert_eq!(ALL.map(|(name, _)| name), NAMESPACES);
        assert!(NAMESPACES.is_sorted());
    }
}
