//! The locks of a sandbox by name, so that a test can take away one at a time and show that its probes notice.
//!
//! In what is shipped [`is_on`] is the constant true: nothing here can be reached by a flag, a variable or a file. Only
//! `tests/weakened`, which compiles the files of this crate into itself, can take locks away.

/// One lock of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lock {
    /// A user namespace in which one id exists.
    UserNamespace,
    /// A process namespace, and a `/proc` of it.
    ProcessNamespace,
    /// A network of its own.
    NetworkNamespace,
    /// System V and POSIX communication of its own.
    IpcNamespace,
    /// A host name of its own.
    NameNamespace,
    /// A root of its own; the one lock without which `/` is the host's.
    Root,
    /// Layers that are stacked read-only.
    ReadOnlyLayers,
    /// Read-only, nosuid, nodev and noexec of mounts.
    MountAttributes,
    /// A `/dev` of its own.
    Devices,
    /// Parts of `/proc` that are hidden or read-only.
    ProcMasks,
    /// The first process cannot be looked into.
    Undumpable,
    /// Inherited descriptors are closed.
    Descriptors,
    /// A session without a controlling terminal.
    Session,
    /// The environment is what was asked for.
    Environment,
    /// Limits that the kernel keeps for each process.
    ProcessLimits,
    /// Capabilities are given up.
    Capabilities,
    /// Executing a program gives no rights.
    NoNewPrivileges,
    /// Landlock rules.
    Landlock,
    /// System call filters.
    Seccomp,
}

/// Tells whether a lock is put on.
#[cfg(not(test))]
pub(crate) const fn is_on(_lock: Lock) -> bool {
    true
}

#[cfg(test)]
pub(crate) use removal::{is_on, removed_names};

/// Removal of locks, which exists in tests only.
#[cfg(test)]
pub(crate) mod removal {
    use std::sync::Mutex;

    use super::Lock;

    /// Names of the locks, as probes and documents write them.
    pub(crate) const NAMES: [(&str, Lock); 19] = [
        ("user-namespace", Lock::UserNamespace),
        ("process-namespace", Lock::ProcessNamespace),
        ("network-namespace", Lock::NetworkNamespace),
        ("ipc-namespace", Lock::IpcNamespace),
        ("name-namespace", Lock::NameNamespace),
        ("root", Lock::Root),
        ("read-only-layers", Lock::ReadOnlyLayers),
        ("mount-attributes", Lock::MountAttributes),
        ("devices", Lock::Devices),
        ("proc-masks", Lock::ProcMasks),
        ("undumpable", Lock::Undumpable),
        ("descriptors", Lock::Descriptors),
        ("session", Lock::Session),
        ("environment", Lock::Environment),
        ("process-limits", Lock::ProcessLimits),
        ("capabilities", Lock::Capabilities),
        ("no-new-privileges", Lock::NoNewPrivileges),
        ("landlock", Lock::Landlock),
        ("seccomp", Lock::Seccomp),
    ];

    static REMOVED: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[allow(
        dead_code,
        reason = "the tests inside of this crate take no lock away; `tests/weakened` does"
    )]
    /// Takes locks away from the sandboxes that this process makes from now on.
    pub(crate) fn remove(names: &[&str]) {
        for name in names {
            assert!(
                NAMES.iter().any(|(known, _)| known == name),
                "no lock is called {name}"
            );
        }
        *REMOVED.lock().expect("nobody panics with it") =
            names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Returns the names of the locks that are taken away, for the arguments of a child.
    pub(crate) fn removed_names() -> Vec<String> {
        REMOVED.lock().expect("nobody panics with it").clone()
    }

    /// Tells whether a lock is put on, in a child by its arguments.
    pub(crate) fn is_on(lock: Lock) -> bool {
        let name = NAMES
            .iter()
            .find(|(_, known)| *known == lock)
            .map(|(name, _)| *name);
        let is_removed = |removed: &String| Some(removed.as_str()) == name;
        !removed_names().iter().any(is_removed)
            && !std::env::args().skip(1).any(|one| is_removed(&one))
    }
}
