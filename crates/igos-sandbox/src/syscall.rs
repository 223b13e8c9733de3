//! The system calls for which neither the standard library nor `rustix` has a safe function.
//!
//! The only file of the project with `unsafe`; one operation per block.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper are wrapped here and nowhere else"
)]

use std::convert::Infallible;
use std::ffi::{CStr, c_char, c_int};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

use crate::locks::{Lock, is_on};

/// Which side of [`fork`] this is.
#[derive(Debug)]
pub(crate) enum Fork {
    /// The process that called it, with the id of the new one.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Forks this process, which must have one thread only.
pub(crate) fn fork() -> Result<Fork, Errno> {
    // SAFETY: only the single-threaded child of `run` calls this, so that no lock can be held by a thread that
    // does not exist in the copy.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Fork::Child),
        pid if pid < 0 => Err(last_error()),
        pid => Ok(Fork::Parent(
            Pid::from_raw(pid).expect("fork returns a positive id in the parent"),
        )),
    }
}

/// Moves this process into new namespaces; never shares less than asked.
pub(crate) fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: only `CLONE_FILES` could invalidate descriptors that others rely on, and no caller passes it.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Closes all descriptors from `first` on.
pub(crate) fn close_from(first: u32) -> Result<(), Errno> {
    // SAFETY: the call takes three integers. Callers own the whole process and keep no descriptor above `first`.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    check(result)
}

/// Closes all descriptors but the three streams and `kept`.
pub(crate) fn close_all_but_streams_and(kept: BorrowedFd<'_>) -> Result<(), Errno> {
    let kept = kept.as_raw_fd().cast_unsigned();
    if kept > 3 {
        // SAFETY: the call takes three integers. Callers own the whole process and use nothing else afterwards.
        let result = unsafe { libc::syscall(libc::SYS_close_range, 3, kept - 1, 0) };
        check(result)?;
    }
    close_from(kept.max(2) + 1)
}

/// Flags of a mount that [`set_mount_attributes`] sets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MountAttributes {
    pub(crate) is_read_only: bool,
    pub(crate) forbids_devices: bool,
    pub(crate) forbids_execution: bool,
}

/// Makes a tree of mounts nosuid and private, and what `attributes` says besides.
pub(crate) fn set_mount_attributes(
    tree: BorrowedFd<'_>,
    attributes: MountAttributes,
) -> Result<(), Errno> {
    mount_setattr(tree, attributes, libc::AT_EMPTY_PATH | libc::AT_RECURSIVE)
}

/// Does the same to one mount, not to those below it.
pub(crate) fn set_mount_attributes_alone(
    mount: BorrowedFd<'_>,
    attributes: MountAttributes,
) -> Result<(), Errno> {
    mount_setattr(mount, attributes, libc::AT_EMPTY_PATH)
}

fn mount_setattr(
    tree: BorrowedFd<'_>,
    attributes: MountAttributes,
    flags: c_int,
) -> Result<(), Errno> {
    if !is_on(Lock::MountAttributes) {
        return Ok(());
    }
    let mut set = libc::MOUNT_ATTR_NOSUID;
    if attributes.is_read_only {
        set |= libc::MOUNT_ATTR_RDONLY;
    }
    if attributes.forbids_devices {
        set |= libc::MOUNT_ATTR_NODEV;
    }
    if attributes.forbids_execution {
        set |= libc::MOUNT_ATTR_NOEXEC;
    }
    let argument = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: 0,
    };
    // SAFETY: the path is a static empty string and `argument` lives across the call, whose size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const argument,
            size_of::<libc::mount_attr>(),
        )
    };
    check(result)
}

/// Gives every signal its default disposition and unblocks all.
///
/// The Rust runtime ignores `SIGPIPE`, and a caller under `nohup` ignores `SIGHUP`; a program must see neither.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: setting the default disposition runs no code of ours. It fails for `SIGKILL`, `SIGSTOP` and
        // the two numbers that libc keeps, all of which have their default disposition already.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an all-zero signal set is a valid value of this plain C type.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is a valid signal set to write to.
    unsafe { libc::sigemptyset(&raw mut none) };
    // SAFETY: `none` lives across the call and the old set is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
}

/// Replaces this process by a program; returns only if that failed.
pub(crate) fn execve(program: &CStr, argv: &[&CStr], env: &[&CStr]) -> Result<Infallible, Errno> {
    let pointers = |list: &[&CStr]| -> Vec<*const c_char> {
        list.iter()
            .map(|text| text.as_ptr())
            .chain([std::ptr::null()])
            .collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both arrays end with a null pointer and, like the strings in them, live across the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    Err(last_error())
}

/// Turns on the loopback interface of this network namespace.
pub(crate) fn bring_up_loopback() -> Result<(), Errno> {
    // SAFETY: the call takes three integers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(last_error());
    }
    // SAFETY: the descriptor was just opened and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: an all-zero request is a valid value of this plain C type.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as c_char;
    }
    let up = libc::IFF_UP | libc::IFF_RUNNING;
    request.ifr_ifru.ifru_flags = i16::try_from(up).expect("interface flags are small");
    // SAFETY: `SIOCSIFFLAGS` reads a whole `ifreq`, which lives across the call.
    let result = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCSIFFLAGS as _,
            &raw const request,
        )
    };
    check(result.into())
}

/// Leaves the caller's session keyring for a new, empty one.
pub(crate) fn join_new_session_keyring() -> Result<(), Errno> {
    const JOIN_SESSION_KEYRING: c_int = 1;
    // SAFETY: a null name asks for an anonymous keyring; no memory of ours is touched.
    let result = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            JOIN_SESSION_KEYRING,
            std::ptr::null::<c_char>(),
        )
    };
    check(result)
}

/// Returns the Landlock ABI of the running kernel.
pub(crate) fn landlock_abi() -> Result<u32, Errno> {
    const VERSION: u32 = 1;
    // SAFETY: with a null attribute of size 0 and this flag the kernel only returns a number.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0_usize,
            VERSION,
        )
    };
    check(result)?;
    Ok(u32::try_from(result).unwrap_or_default())
}

/// Returns whether the kernel knows the seccomp action that ends a system call with an error.
pub(crate) fn has_seccomp_errno() -> bool {
    const GET_ACTION_AVAIL: c_int = 2;
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads one `u32`, which lives across the call.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &raw const action) };
    result == 0
}

fn check(result: libc::c_long) -> Result<(), Errno> {
    if result < 0 {
        Err(last_error())
    } else {
        Ok(())
    }
}

fn last_error() -> Errno {
    std::io::Error::last_os_error()
        .raw_os_error()
        .map_or(Errno::IO, Errno::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::io::Errno;

    use super::{MountAttributes, execve, set_mount_attributes};

    #[test]
    fn a_missing_program_is_not_executed() {
        let result = execve(c"/nonexistent/program", &[c"program"], &[]);
        assert_eq!(result.err(), Some(Errno::NOENT));
    }

    #[test]
    fn attributes_of_a_file_that_is_no_mount_cannot_be_set() {
        let file = tempfile::tempfile().expect("a temporary file can be made");
        let result = set_mount_attributes(file.as_fd(), MountAttributes::default());
        assert!(
            matches!(result, Err(Errno::INVAL | Errno::PERM)),
            "{result:?}"
        );
    }
}
