//! Which system calls stop a program: those that may change a file system, alone.
//!
//! A traced program that stops at each of its calls waits for its tracer several thousand times, and on a busy machine
//! each time for a processor, too. The kernel's filter lets all others pass.

use std::collections::BTreeMap;
use std::io;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Calls that [`decode`](super::decode) knows, whatever their arguments.
const STOPPING: &[libc::c_long] = &[
    libc::SYS_creat,
    // Its flags are in memory, where no filter reads.
    libc::SYS_openat2,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_mknod,
    libc::SYS_mknodat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_unlinkat,
    libc::SYS_truncate,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_ioctl,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_syncfs,
    libc::SYS_sync_file_range,
    libc::SYS_sync,
    libc::SYS_close,
    libc::SYS_io_uring_setup,
];

/// Makes the calls of this process and its children that may change something stop for its tracer, for ever.
///
/// # Errors
///
/// Returns why the kernel refuses.
pub fn stop_at_changes() -> io::Result<()> {
    let program = program().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let always = STOPPING.iter().map(|number| (*number, Vec::new()));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always.collect();
    let with = |argument, bits: libc::c_int| {
        let bits = u64::from(bits.cast_unsigned());
        let is_set = SeccompCmpOp::MaskedEq(bits);
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is_set, bits)
            .and_then(|condition| SeccompRule::new(vec![condition]))
    };
    for (number, flags) in [(libc::SYS_open, 1), (libc::SYS_openat, 2)] {
        let changing = vec![with(flags, libc::O_CREAT)?, with(flags, libc::O_TRUNC)?];
        rules.insert(number, changing);
    }
    // Files that are mapped to be written.
    rules.insert(libc::SYS_mmap, vec![with(3, libc::MAP_SHARED)?]);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Trace(0),
        architecture,
    )?
    .try_into()
}
