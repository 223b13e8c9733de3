//! What each phase does, in words: what `pipeline explain` prints.

use serde::Serialize;

use super::Phase;

/// What a phase does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The phase.
    pub phase: Phase,
    /// In one line.
    pub summary: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What it is made from: a change of any of it makes it run again.
    pub inputs: &'static str,
    /// What it makes.
    pub outputs: &'static str,
    /// How that is checked before its receipt is written.
    pub check: &'static str,
}

/// Returns what a phase does.
#[must_use]
pub fn explain(phase: Phase) -> Explanation {
    let [summary, does, inputs, outputs, check] = words(phase);
    Explanation {
        phase,
        summary,
        does,
        inputs,
        outputs,
        check,
    }
}

const SYSTEM_INPUTS: &str = "the files of its recipes, the contents of the packages of earlier phases that they need, the toolchain of the system, the settings that change builds, the packages that the profile asks for";

const SYSTEM_OUTPUTS: &str = "the archives of its recipes, and in the root the packages that the profile asks for with what they need to run";

const SYSTEM_CHECK: &str = "every build ran to its end, with the tests that its recipe has and the checks of staged trees; with `--no-check` no tests ran, and the receipt says so (`tests`), as it names the recipes without tests that run (`untested`) and those whose tests may fail (`may-fail`); the root was verified, every file against its record, after the transaction and its hooks";

const NOT_THERE: [&str; 3] = [
    "nothing yet: this program ends with exit code 4 when it comes to this phase",
    "nothing yet",
    "nothing yet",
];

fn words(phase: Phase) -> [&'static str; 5] {
    match phase {
        Phase::Validate | Phase::VerifySources => before(phase),
        Phase::Setup | Phase::Toolchain | Phase::ChrootPrep | Phase::ChrootTools => chain(phase),
        Phase::Publish => [
            "A signed repository",
            "publishes the archives of all phases so far as a signed repository in the directory of `--repository`; runs only on request, with `--until publish`",
            "the archives that the receipts of the phases core to extra name; all have to be there",
            "the repository",
            "`igos-build publish`: every archive is verified to its end, and packages that do not fit together are refused",
        ],
        phase if phase.builds_system() => system(phase),
        phase => {
            let summary = later(phase);
            let [does, inputs, outputs] = NOT_THERE;
            [summary, does, inputs, outputs, "nothing yet"]
        }
    }
}

fn before(phase: Phase) -> [&'static str; 5] {
    match phase {
        Phase::Validate => [
            "Recipes, profile and bootstrap chain",
            "reads and lints all recipes of the search path, the profile and the chain, and looks at their graph: circles; names that nothing makes; dependencies on later tiers or phases; what is needed to run and has no recipe; imported packages that a system or a generation would have; sources that nothing pins, of all recipes that the profile and the chain need. It tells how many recipes neither the chain nor a profile of the tree needs",
            "the files of all recipes, all profiles of the tree, the chain and the list of its seed, the rules that this program has for all of them",
            "for every recipe that the profile needs, the phase that builds it",
            "nothing wrong was found; warnings are shown and stop nothing",
        ],
        _ => [
            "The sources of everything that will be built",
            "fetches every source of the recipes that the profile and the chain need, and compares it with the digest in its recipe",
            "the files of these recipes",
            "the digest of every source",
            "every source is at hand and has the digest of its recipe",
        ],
    }
}

fn chain(phase: Phase) -> [&'static str; 5] {
    match phase {
        Phase::Setup => [
            "The directory of the pipeline and the seed",
            "looks whether sandboxes can be made, and imports the toolchain that the chain begins with, or looks for it in the cache",
            "the list of the seed, or its name, and the digest that the chain expects",
            "the seed and its digest",
            "every archive of the seed is as its document says; its digest is the expected one, where the chain names it",
        ],
        Phase::Toolchain => [
            "The packages of the first generation",
            "builds the packages of the first generation of the chain, and all they need, with the seed; nothing in a chain without generations",
            "the files of these recipes, the digest of the seed, the settings that change builds, what the chain says of the generation",
            "the archives of these packages",
            "every build ran to its end in its sandbox, with the checks of staged trees, and with the tests of its recipe where the receipt says that they run (`tests`, `untested`, `may-fail`)",
        ],
        Phase::ChrootPrep => [
            "A toolchain of the first generation, with nothing of the host in it",
            "makes a toolchain of the packages of the first generation and all they need to run; it gets its name when the checks have passed",
            "what the phase toolchain is made from",
            "the toolchain, its digest, and the contents of each of its archives",
            "whatever a package of it needs to run is in it; no two packages have one path; every archive was built from source in the sandbox with all its protections, and none was imported",
        ],
        _ => [
            "The later generations, up to the one that builds the system",
            "builds each later generation with the one before it, and makes a toolchain of it, which gets its name when the checks have passed",
            "the files of these recipes, the digest of the first generation, the settings that change builds, what the chain says of each generation",
            "the toolchains, their digests, and the contents of each of their archives",
            "as for toolchain and chroot-prep; a generation that the chain compares with an earlier one has the same packages with the same contents, and the receipt says how many of the archives are the same bit for bit: an archive names what made it, so it may differ there from one of another generation",
        ],
    }
}

fn system(phase: Phase) -> [&'static str; 5] {
    let (summary, does) = match phase {
        Phase::Core => (
            "What other packages need of tier core",
            "builds the recipes of the tiers toolchain and core that other recipes of the profile need, and installs those that the profile asks for with what they need to run",
        ),
        Phase::Config => (
            "The profile's configuration, as a package",
            "writes a recipe with host name, services, users, groups and files of the profile, builds it and installs it; nothing for a profile that has none of these",
        ),
        Phase::CoreExtra => (
            "What only the profile asks for of tier core",
            "builds and installs the recipes of the tiers toolchain and core that the profile asks for and that no other of its recipes needs",
        ),
        Phase::Base => (
            "Tier base",
            "builds the recipes of tier base that the profile needs, and installs those that it asks for with what they need to run",
        ),
        Phase::Kernel => (
            "The kernel of the profile",
            "builds the kernel package of the profile with the configuration fragments that it names, and installs it; nothing for a profile without a kernel",
        ),
        Phase::Desktop => (
            "Tier desktop",
            "builds the recipes of tier desktop that the profile needs, and installs those that it asks for with what they need to run",
        ),
        Phase::Ai => (
            "Tier ai",
            "builds the recipes of tier ai that the profile needs, and installs those that it asks for with what they need to run",
        ),
        _ => (
            "Tier extra, and the whole root",
            "builds the recipes of tier extra, and of no tier, that the profile needs, and installs those that it asks for; then removes everything that nothing asks for any more, and sets the passwords and groups that the profile says",
        ),
    };
    let check = if phase == Phase::Extra {
        "as for the phases before; every service that the profile starts is there, and everybody whose password it says. The root is verified also when the phase is skipped"
    } else {
        SYSTEM_CHECK
    };
    [summary, does, SYSTEM_INPUTS, SYSTEM_OUTPUTS, check]
}

fn later(phase: Phase) -> &'static str {
    match phase {
        Phase::Bootloader => "The boot loader (not there yet)",
        Phase::Image => "The disk image (not there yet)",
        Phase::Manifest => "The list of all archives (not there yet)",
        Phase::Squashfs => "The compressed file system (not there yet)",
        Phase::UkisVerity => "Kernel images with the digest of the file system (not there yet)",
        _ => "The installation medium (not there yet)",
    }
}
