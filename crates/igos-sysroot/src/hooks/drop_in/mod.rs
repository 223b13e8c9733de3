//! What upstream declares in `sysusers.d` and `tmpfiles.d`, carried out by our own code.
//!
//! A transaction that brings such files gets a job that names them; when it is settled, the files are read again in
//! the root, by the rules of precedence of their documents, and what they say is done below the root's descriptor:
//! no link is followed, no program is run, the machine need not have systemd. Lines that are not for a package
//! manager are named in the job's output, lines that nobody understands make the job fail.
//! `docs/formats/hooks.md` says which are which.

mod accounts;
mod attributes;
mod declared;
mod files;
mod glob;
mod paths;
mod report;
mod rights;
mod specifiers;
mod sysusers;
mod tmpfiles;
mod words;

pub use files::DropIn;

pub(crate) use declared::DeclaredAttributes;
pub(super) use report::Report;

use std::collections::BTreeSet;

use igos_root::RootError;

use crate::LockedSysroot;

/// Carries out the files of these names.
pub(super) fn carry_out(
    sysroot: &LockedSysroot,
    kind: DropIn,
    names: &BTreeSet<&str>,
) -> Result<Report, RootError> {
    match kind {
        DropIn::Sysusers => accounts::carry_out(sysroot, names),
        DropIn::Tmpfiles => paths::carry_out(sysroot, names),
    }
}
