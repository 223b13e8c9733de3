//! Locks that other programs take too.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::FlockOperation;

/// Takes the record lock of a whole file, as `lckpwdf(3)` does, without waiting for whoever has it.
///
/// # Errors
///
/// Returns the kernel's answer: `EAGAIN` or `EACCES` when somebody else has it.
pub fn try_lock_record(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fcntl_lock(
        file,
        FlockOperation::NonBlockingLockExclusive,
    )?)
}
