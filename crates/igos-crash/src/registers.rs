//! Numbers, arguments and results of system calls on x86-64: the one file that knows the machine.

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

/// A system call as a thread is about to make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) number: u64,
    /// Its arguments.
    pub(crate) arguments: [u64; 6],
}

/// A number that no system call has: the kernel does nothing and says `ENOSYS`.
const NO_CALL: u64 = u64::MAX;

/// Reads the call that a thread, stopped at its beginning, asks for.
pub(crate) fn asked(thread: Pid) -> Result<Asked, Errno> {
    let registers = ptrace::getregs(thread)?;
    Ok(Asked {
        number: registers.orig_rax,
        arguments: [
            registers.rdi,
            registers.rsi,
            registers.rdx,
            registers.r10,
            registers.r8,
            registers.r9,
        ],
    })
}

/// Makes the kernel do nothing for a thread that is stopped at the beginning of a call.
pub(crate) fn skip(thread: Pid) -> Result<(), Errno> {
    let mut registers = ptrace::getregs(thread)?;
    registers.orig_rax = NO_CALL;
    ptrace::setregs(thread, registers)
}

/// Gives a thread that is stopped at the end of a call this error as the call's result.
pub(crate) fn fail(thread: Pid, errno: i32) -> Result<(), Errno> {
    let mut registers = ptrace::getregs(thread)?;
    registers.rax = i64::from(-errno).cast_unsigned();
    ptrace::setregs(thread, registers)
}

/// Reads the result of a call of a thread that is stopped at its end.
pub(crate) fn result(thread: Pid) -> Result<Result<u64, i32>, Errno> {
    let value = ptrace::getregs(thread)?.rax.cast_signed();
    // The kernel keeps the last page of numbers for errors.
    Ok(match i32::try_from(value) {
        Ok(number) if (-4095..0).contains(&number) => Err(-number),
        _ => Ok(value.cast_unsigned()),
    })
}
