//! What a key draft changes and whose signatures it has, for people and as JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use igos_cli::{Globals, Render};
use igos_format::trust::KeyId;
use igos_repo::publish::{Demand, Need, OfflineChange, OfflineDocument, RoleChange, Stay};
use serde::Serialize;

/// A key draft in its file.
#[derive(Debug, Serialize)]
pub(super) struct DraftAnswer {
    file: PathBuf,
    documents: Vec<DocumentAnswer>,
    is_complete: bool,
    is_dry_run: bool,
}

#[derive(Debug, Serialize)]
struct DocumentAnswer {
    role: &'static str,
    old_version: u64,
    version: u64,
    old_expires: String,
    expires: String,
    roles: Vec<RoleAnswer>,
    retired: Vec<KeyAnswer>,
    signers: Vec<SignersAnswer>,
}

#[derive(Debug, Serialize)]
struct RoleAnswer {
    name: String,
    old_threshold: u64,
    threshold: u64,
    keys: Vec<KeyAnswer>,
}

#[derive(Debug, Serialize)]
struct KeyAnswer {
    id: String,
    change: KeyChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum KeyChange {
    Stays,
    Comes,
    Goes,
}

#[derive(Debug, Serialize)]
struct SignersAnswer {
    root: u64,
    is_required: bool,
    is_met: bool,
    threshold: u64,
    signed: Vec<String>,
    unsigned: Vec<String>,
}

impl DraftAnswer {
    pub(super) fn new(file: &Path, change: &OfflineChange, globals: &Globals) -> Self {
        let documents = change.documents();
        let mut demands = documents.iter().flat_map(|document| &document.demands);
        DraftAnswer {
            file: file.to_owned(),
            is_complete: demands.all(Demand::is_met),
            documents: documents.into_iter().map(DocumentAnswer::from).collect(),
            is_dry_run: globals.dry_run,
        }
    }

    /// Returns what is shown before somebody signs.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        self.render(&mut text).expect("a string takes everything");
        text
    }

    /// Returns a past participle for what was done, or would be.
    pub(super) fn verb(&self, done: &str) -> String {
        if self.is_dry_run {
            format!("would be {done}")
        } else {
            done.to_owned()
        }
    }
}

impl From<OfflineDocument> for DocumentAnswer {
    fn from(document: OfflineDocument) -> Self {
        DocumentAnswer {
            role: document.role.name(),
            old_version: document.old_version,
            version: document.version,
            old_expires: document.old_expires.to_string(),
            expires: document.expires.to_string(),
            roles: document.roles.into_iter().map(RoleAnswer::from).collect(),
            retired: keys(document.retired),
            signers: document
                .demands
                .into_iter()
                .map(SignersAnswer::from)
                .collect(),
        }
    }
}

impl From<RoleChange> for RoleAnswer {
    fn from(role: RoleChange) -> Self {
        RoleAnswer {
            name: role.name,
            old_threshold: role.old_threshold,
            threshold: role.threshold,
            keys: keys(role.keys),
        }
    }
}

fn keys(keys: impl IntoIterator<Item = (KeyId, Stay)>) -> Vec<KeyAnswer> {
    let key = |(id, stay): (KeyId, Stay)| KeyAnswer {
        id: id.to_string(),
        change: match stay {
            Stay::Stays => KeyChange::Stays,
            Stay::Comes => KeyChange::Comes,
            Stay::Goes => KeyChange::Goes,
        },
    };
    keys.into_iter().map(key).collect()
}

impl From<Demand> for SignersAnswer {
    fn from(demand: Demand) -> Self {
        let ids = |keys: &BTreeSet<KeyId>| keys.iter().map(ToString::to_string).collect();
        SignersAnswer {
            root: demand.by_root,
            is_required: demand.need == Need::Required,
            is_met: demand.is_met(),
            threshold: demand.threshold,
            signed: ids(&demand.signed),
            unsigned: ids(&demand.unsigned),
        }
    }
}

impl Render for DraftAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for document in &self.documents {
            document.render(out)?;
        }
        let state = if self.is_complete {
            "complete"
        } else {
            "waits for signatures"
        };
        writeln!(out, "{}: {state}", self.file.display())
    }
}

impl DocumentAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(
            out,
            "{} {} in place of {} {}",
            self.role, self.version, self.role, self.old_version
        )?;
        writeln!(
            out,
            "    expires at {}, not at {}",
            self.expires, self.old_expires
        )?;
        for role in &self.roles {
            role.render(out)?;
        }
        for key in &self.retired {
            let what = match key.change {
                KeyChange::Stays => continue,
                KeyChange::Comes => "signs nothing new, what it signed stays good",
                KeyChange::Goes => "what it signed counts no longer",
            };
            writeln!(out, "    {}: {what}", key.id)?;
        }
        for signers in &self.signers {
            signers.render(out)?;
        }
        Ok(())
    }
}

impl RoleAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let count = self.keys.iter().filter(|key| key.change != KeyChange::Goes);
        write!(
            out,
            "    {}: {} of {} keys must sign",
            self.name,
            self.threshold,
            count.count()
        )?;
        if self.threshold != self.old_threshold {
            write!(out, ", not {}", self.old_threshold)?;
        }
        writeln!(out)?;
        for key in &self.keys {
            let sign = match key.change {
                KeyChange::Stays => ' ',
                KeyChange::Comes => '+',
                KeyChange::Goes => '-',
            };
            writeln!(out, "      {sign} {}", key.id)?;
        }
        Ok(())
    }
}

impl SignersAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let need = if self.is_required { "must" } else { "should" };
        writeln!(
            out,
            "    {} of the keys that root {} names {need} sign, {} did",
            self.threshold,
            self.root,
            self.signed.len()
        )?;
        for (word, keys) in [("signed", &self.signed), ("not yet", &self.unsigned)] {
            for key in keys {
                writeln!(out, "      {word}  {key}")?;
            }
        }
        Ok(())
    }
}
