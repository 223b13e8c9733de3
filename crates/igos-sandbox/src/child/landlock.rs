//! The second lock: Landlock rules that repeat what the mounts say.
//!
//! Should a mount be writable by a mistake of ours or of the kernel, these rules still say no. They also close
//! what mounts cannot: abstract sockets and signals to processes of other sandboxes (which their own namespaces close a first time),
//! tracing of init, and commands to devices.

use std::ffi::OsStr;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::fs::{Mode, OFlags};

use crate::control::{ConfinementPlan, Refusal, WorkPlan};
use crate::syscall;

/// Oldest Landlock ABI that we accept: the first that can let files move between directories without opening everything
/// (Linux 5.19).
pub(crate) const ABI_FLOOR: u32 = 2;

/// Newest ABI whose rights we know and ask for.
const ABI_KNOWN: u32 = 9;

/// The same two for the `landlock` crate.
const FLOOR: ABI = ABI::V2;
const KNOWN: ABI = ABI::V9;

/// Devices and directories of devices that may be written to, and take device commands.
const DEVICES: [&str; 7] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/pts",
];

/// Directories of our own that are always writable.
const WRITABLE: [&str; 3] = ["/tmp", "/run", "/dev/shm"];

/// Returns the ABI that rules made here are enforced with.
pub(crate) fn abi_in_force() -> Result<u32, Refusal> {
    let missing = |detail: String| {
        Refusal::missing(
            format!("Landlock ABI {ABI_FLOOR}"),
            detail,
            "boot Linux 5.19 or newer with `landlock` in CONFIG_LSM or in the boot option `lsm=`",
        )
    };
    match syscall::landlock_abi() {
        Ok(abi) if abi >= ABI_FLOOR => Ok(abi.min(ABI_KNOWN)),
        Ok(abi) => Err(missing(format!("the kernel has ABI {abi}"))),
        Err(error) => Err(missing(format!("landlock_create_ruleset: {error}"))),
    }
}

/// Returns the canonical description of the rules.
pub(crate) fn describe() -> String {
    format!(
        "landlock floor={ABI_FLOOR} known={ABI_KNOWN} read=/ write={} device={} scope=abstract-unix-socket,signal\n",
        WRITABLE.join(","),
        DEVICES.join(","),
    )
}

/// Restricts this process and its children to reading, to writing below writable binds, and helpers to being what they are:
/// they execute nothing.
pub(super) fn restrict(plan: &ConfinementPlan, work: &WorkPlan) -> Result<(), Refusal> {
    abi_in_force()?;
    let withheld = match work {
        WorkPlan::Program { .. } => BitFlags::EMPTY,
        WorkPlan::Helper { .. } => AccessFs::Execute.into(),
    };
    let reads = AccessFs::from_read(KNOWN) & !withheld;
    let everything = AccessFs::from_all(KNOWN) & !withheld;
    let failed = |error: &dyn std::error::Error| Refusal::Invalid {
        reason: format!("Landlock refuses a rule: {error}"),
    };
    let devices = BitFlags::from(AccessFs::ReadFile)
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::IoctlDev;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(FLOOR))
        .and_then(|ruleset| {
            ruleset
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(KNOWN))
        })
        .and_then(|ruleset| ruleset.scope(Scope::from_all(KNOWN)))
        .and_then(Ruleset::create)
        .map_err(|error| failed(&error))?
        .set_compatibility(CompatLevel::BestEffort);
    rules = allow(rules, OsStr::new("/"), reads)?;
    for path in DEVICES {
        rules = allow(rules, OsStr::new(path), devices)?;
    }
    for path in WRITABLE {
        rules = allow(rules, OsStr::new(path), everything)?;
    }
    for bind in plan.binds.iter().filter(|bind| bind.is_writable) {
        rules = allow(rules, &bind.target, everything)?;
    }
    let status = rules.restrict_self().map_err(|error| failed(&error))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err(Refusal::missing(
            "Landlock",
            "the kernel took the rules and does not enforce them",
            "boot a kernel with `landlock` in the boot option `lsm=`",
        )),
    }
}

fn allow(
    rules: RulesetCreated,
    path: &OsStr,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Refusal> {
    let failed = |error: &dyn std::error::Error| Refusal::Invalid {
        reason: format!("Landlock refuses a rule for {}: {error}", path.display()),
    };
    // Not `landlock::PathFd`: with musl the standard library takes `O_PATH` for an access mode and leaves it out, and
    // what is a device would be opened as one.
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let beneath = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(&error))?;
    rules
        .add_rule(PathBeneath::new(beneath, access))
        .map_err(|error| failed(&error))
}
