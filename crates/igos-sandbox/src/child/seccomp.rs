//! The third lock: which system calls the program may make at all.
//!
//! An allow-list per architecture. Several filters, because a filter has one answer only; the kernel takes the
//! strictest, and of two errors the one of the filter installed last:
//!
//! 1. what is not in [`ALLOWED`] does not exist (`ENOSYS`), so that programs fall back as on an older kernel. That is
//!    also how `clone3`, whose flags lie in memory where no filter can look, becomes `clone`;
//! 2. what is in [`REFUSED`], and some uses of allowed calls, is not permitted (`EPERM`);
//! 3. socket families but UNIX, INET, INET6 and NETLINK_ROUTE are not supported (`EAFNOSUPPORT`);
//! 4. system calls of another ABI of this architecture, x32 on x86_64, kill the process, as those of another architecture
//!    do by each of the first three.
//!
//! Tracing (`ptrace`, `process_vm_readv`) is allowed: debuggers and sanitizers in upstream tests need it, the process
//! namespace and Landlock's domains keep it inside, and since Linux 4.8 a traced process is filtered after its
//! tracer changed the call.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

use super::calls::{ALLOWED, ALLOWED_HERE, Call, REFUSED, REFUSED_HERE};
use crate::control::Refusal;
use crate::syscall;

/// Version of the lists below; raised with every change to them.
pub(crate) const FILTER_VERSION: u32 = 2;

/// Flags of `clone` that make namespaces.
const NAMESPACE_FLAGS: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Commands to terminals that put input into them as if it were typed: the oldest way out of a sandbox.
const INPUT_COMMANDS: [u64; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// Personalities that may be set: none, none without address randomisation, and the question which one is in force.
const PERSONALITIES: [u64; 3] = [0, 0x0004_0000, 0xffff_ffff];

/// The bit that x32 system calls have in their numbers (`__X32_SYSCALL_BIT` of asm/unistd.h).
const X32_BIT: u32 = 0x4000_0000;

/// Address families that sockets may have.
const FAMILIES: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Returns whether this kernel can filter system calls as we need.
pub(crate) fn check() -> Result<(), Refusal> {
    if syscall::has_seccomp_errno() {
        Ok(())
    } else {
        Err(Refusal::missing(
            "seccomp filters",
            "the kernel does not know SECCOMP_RET_ERRNO",
            "boot a kernel built with CONFIG_SECCOMP_FILTER",
        ))
    }
}

/// Returns the canonical description of the filters.
pub(crate) fn describe() -> String {
    let names = |calls: &[Call]| -> String {
        calls
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(",")
    };
    format!(
        "seccomp version={FILTER_VERSION}\nallowed={},{}\nrefused={},{}\nfamilies={FAMILIES:?} personalities={PERSONALITIES:?} foreign=kill\n",
        names(ALLOWED),
        names(ALLOWED_HERE),
        names(REFUSED),
        names(REFUSED_HERE),
    )
}

/// Installs the filters for this process and its children.
pub(super) fn restrict() -> Result<(), Refusal> {
    check()?;
    let failed = |error: &dyn std::error::Error| Refusal::Invalid {
        reason: format!("cannot make the system call filter: {error}"),
    };
    // All are made before the first is installed, which takes away what making them needs.
    let programs = filters()
        .and_then(|filters| filters.into_iter().map(BpfProgram::try_from).collect())
        .map_err(|error: seccompiler::BackendError| failed(&error))?;
    let mut programs: Vec<BpfProgram> = programs;
    if cfg!(target_arch = "x86_64") {
        programs.push(without_x32());
    }
    for program in &programs {
        seccompiler::apply_filter(program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filters() -> Result<[SeccompFilter; 3], seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let unconditional = |calls: &[Call]| -> Rules {
        calls
            .iter()
            .map(|(_, number)| (*number, Vec::new()))
            .collect()
    };
    let mut existing = unconditional(ALLOWED);
    for list in [ALLOWED_HERE, REFUSED, REFUSED_HERE] {
        existing.extend(unconditional(list));
    }
    let mut refused = unconditional(REFUSED);
    refused.extend(unconditional(REFUSED_HERE));
    refused.extend(refused_uses()?);
    let filter =
        |rules: Rules, otherwise, then| SeccompFilter::new(rules, otherwise, then, architecture);
    Ok([
        filter(existing, errno(libc::ENOSYS), SeccompAction::Allow)?,
        filter(refused, SeccompAction::Allow, errno(libc::EPERM))?,
        filter(
            unsupported_sockets()?,
            SeccompAction::Allow,
            errno(libc::EAFNOSUPPORT),
        )?,
    ])
}

/// Returns the filter that kills a process which calls by x32.
///
/// The crate that makes the others compares whole numbers only. Number -1 has the bit as well and is no call: tracers use it to
/// skip one.
fn without_x32() -> BpfProgram {
    const NOT_A_CALL: u32 = u32::MAX;
    let instruction = |code: u32, when_true: u8, when_false: u8, value: u32| sock_filter {
        code: u16::try_from(code).expect("codes of instructions are small"),
        jt: when_true,
        jf: when_false,
        k: value,
    };
    // The number of the call is the first word of `struct seccomp_data`.
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let (equals, has_bits) = (
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K,
    );
    let answer = libc::BPF_RET | libc::BPF_K;
    vec![
        instruction(load, 0, 0, 0),
        instruction(equals, 1, 0, NOT_A_CALL),
        instruction(has_bits, 1, 0, X32_BIT),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
        instruction(answer, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ]
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.cast_unsigned())
}

/// Compares the low 32 bits of an argument: the kernel ignores the others where it takes an `int`.
fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

/// Uses of allowed calls that are not permitted.
fn refused_uses() -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    let has_bits = |argument: u8, mask: u64, bits: u64| {
        SeccompRule::new(vec![condition(
            argument,
            SeccompCmpOp::MaskedEq(mask),
            bits,
        )?])
    };
    let mut namespaces = Vec::new();
    for flag in NAMESPACE_FLAGS {
        let flag = u64::from(flag.cast_unsigned());
        namespaces.push(has_bits(0, flag, flag)?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    let mut commands = Vec::new();
    for command in INPUT_COMMANDS {
        commands.push(SeccompRule::new(vec![condition(
            1,
            SeccompCmpOp::Eq,
            command,
        )?])?);
    }
    rules.insert(libc::SYS_ioctl, commands);
    let other = PERSONALITIES
        .iter()
        .map(|value| condition(0, SeccompCmpOp::Ne, *value))
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_personality, vec![SeccompRule::new(other)?]);
    let device = |argument: u8| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        [libc::S_IFCHR, libc::S_IFBLK]
            .into_iter()
            .map(|kind| has_bits(argument, u64::from(libc::S_IFMT), u64::from(kind)))
            .collect()
    };
    rules.insert(libc::SYS_mknodat, device(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mknod, device(1)?);
    Ok(rules)
}

fn unsupported_sockets() -> Result<Rules, seccompiler::BackendError> {
    let family = |operator, family: i32| condition(0, operator, u64::from(family.cast_unsigned()));
    let others = FAMILIES
        .iter()
        .map(|known| family(SeccompCmpOp::Ne, *known))
        .collect::<Result<Vec<_>, _>>()?;
    let netlink = vec![
        family(SeccompCmpOp::Eq, libc::AF_NETLINK)?,
        condition(
            2,
            SeccompCmpOp::Ne,
            u64::from(libc::NETLINK_ROUTE.cast_unsigned()),
        )?,
    ];
    Ok([
        (
            libc::SYS_socket,
            vec![SeccompRule::new(others)?, SeccompRule::new(netlink)?],
        ),
        (
            libc::SYS_socketpair,
            vec![SeccompRule::new(vec![family(
                SeccompCmpOp::Ne,
                libc::AF_UNIX,
            )?])?],
        ),
    ]
    .into())
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, ALLOWED_HERE, REFUSED, REFUSED_HERE, filters};

    #[test]
    fn no_call_is_both_allowed_and_refused() {
        let allowed: Vec<_> = ALLOWED.iter().chain(ALLOWED_HERE).collect();
        for call in REFUSED.iter().chain(REFUSED_HERE) {
            assert!(!allowed.contains(&call), "{call:?}");
        }
    }

    #[test]
    fn every_filter_compiles_to_a_program_the_kernel_can_take() {
        for filter in filters().expect("the rules are consistent") {
            let program = seccompiler::BpfProgram::try_from(filter).expect("it compiles");
            assert!(program.len() < 4096, "{}", program.len());
        }
    }

    #[test]
    fn calls_that_have_led_out_of_sandboxes_are_not_allowed() {
        for name in [
            "clone3",
            "io_uring_setup",
            "bpf",
            "userfaultfd",
            "keyctl",
            "mount",
            "open_tree",
            "unshare",
            "open_by_handle_at",
        ] {
            let is_allowed = ALLOWED
                .iter()
                .chain(ALLOWED_HERE)
                .any(|(allowed, _)| *allowed == name);
            assert!(!is_allowed, "{name}");
        }
    }
}
