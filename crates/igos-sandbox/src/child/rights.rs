//! Capabilities and resource limits of the program.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::control::{ConfinementPlan, ProcessLimits, Refusal, WorkPlan};

/// Capabilities that the program keeps, in a namespace in which its own ids are the only ones.
///
/// Recipes expect to be root: to write into a directory of mode 0555, and to set owner 0 and any mode on what
/// they made. These three are what that takes. Everything else, `CAP_SYS_ADMIN` and `CAP_MKNOD` first, is given up, also
/// from the bounding set, so that executing a program does not bring it back.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER);

/// The names of the capabilities kept, for the policy's description.
pub(crate) const KEPT_NAMES: [&str; 3] = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"];

/// How far the kernel's limit on processes is above ours, as a divisor of it.
const PROCESS_MARGIN_DIVISOR: u64 = 16;

/// Gives up all capabilities but those over files; those too in helpers that have nothing to write.
pub(super) fn drop_capabilities(plan: &ConfinementPlan, work: &WorkPlan) -> Result<(), Refusal> {
    let writes = plan.binds.iter().any(|bind| bind.is_writable);
    let kept = match work {
        WorkPlan::Helper { .. } if !writes => CapabilitySet::empty(),
        _ => KEPT,
    };
    let give_up = || -> Result<(), Errno> {
        for number in 0..64 {
            let capability = CapabilitySet::from_bits_retain(1 << number);
            if kept.contains(capability) {
                continue;
            }
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                Ok(()) => {}
                // The kernel has no capability of this or a higher number.
                Err(Errno::INVAL) => break,
                Err(error) => return Err(error),
            }
        }
        rustix::thread::clear_ambient_capability_set()?;
        let sets = CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, sets)
    };
    give_up().map_err(Refusal::during("give up capabilities"))
}

/// Gives up the chance to gain rights by executing a program, for good.
pub(super) fn forbid_new_privileges() -> Result<(), Refusal> {
    rustix::thread::set_no_new_privs(true).map_err(Refusal::during("forbid new privileges"))
}

/// Sets the limits that the kernel keeps.
///
/// The number of processes is set inside the user namespace, where the kernel counts (since Linux 5.14) only processes of
/// this sandbox; set before, it would count everything else that the user runs.
pub(super) fn set_limits(limits: &ProcessLimits) -> Result<(), Refusal> {
    let mut list = vec![
        (Resource::Core, 0),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nofile, limits.open_files),
        (Resource::Rtprio, 0),
    ];
    // Init and the process before it belong to the same user. The margin lets the caller, who samples, see that the limit is
    // reached and stop everything, while no burst between two samples gets far.
    list.extend(limits.processes.map(|processes| {
        let margin = processes / PROCESS_MARGIN_DIVISOR + 2;
        (Resource::Nproc, processes.saturating_add(margin))
    }));
    list.extend(limits.data_bytes.map(|bytes| (Resource::Data, bytes)));
    for (resource, wanted) in list {
        let highest = rustix::process::getrlimit(resource).maximum;
        let value = highest.map_or(wanted, |highest| highest.min(wanted));
        let limit = Rlimit {
            current: Some(value),
            maximum: Some(value),
        };
        rustix::process::setrlimit(resource, limit)
            .map_err(Refusal::during(format!("limit {resource:?} to {value}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{KEPT, KEPT_NAMES};

    #[test]
    fn names_and_capabilities_are_the_same_list() {
        let names: Vec<String> = KEPT
            .iter_names()
            .map(|(name, _)| format!("CAP_{name}"))
            .collect();
        assert_eq!(names, KEPT_NAMES);
    }
}
