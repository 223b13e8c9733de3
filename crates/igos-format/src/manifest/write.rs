//! Writing the text.

use std::fmt::Write as _;

use super::{Manifest, Origin};
use crate::declaration::{
    AlternativeDeclaration, GroupDeclaration, HookDeclaration, ServiceDeclaration,
    TriggerDeclaration, UserDeclaration,
};
use crate::escape::escape;
use crate::{EntryKind, FileEntry, Sha256};

/// Returns the text of `manifest`.
///
/// Only for a manifest that [`super::validate`] accepts is the result one that [`super::read()`] accepts.
#[must_use]
pub fn write(manifest: &Manifest) -> Vec<u8> {
    let format = format_of(manifest);
    let mut text = Text(format!("igos-manifest {format} {format}\n"));
    let package = &manifest.package;
    text.line("name", &package.name);
    text.line("epoch", package.epoch);
    text.line("version", &package.version);
    text.line("release", &package.release);
    text.line("arch", package.arch);
    text.line("recipe", &manifest.recipe);
    text.words("description", &manifest.description);
    text.words("license", &manifest.license);
    text.words("homepage", &manifest.homepage);
    if let Some(tier) = manifest.tier {
        text.line("tier", tier);
    }
    text.line("origin", manifest.origin.as_str());
    text.line("build-key", manifest.build_key);
    text.line("source-date-epoch", manifest.source_date_epoch);
    if manifest.is_essential {
        text.line("essential", "yes");
    }
    text.set("depends", &manifest.depends);
    text.set("provides", &manifest.provides);
    text.set("conflicts", &manifest.conflicts);
    text.set("supersedes", &manifest.supersedes);
    text.set("feature-provided", &manifest.features_provided);
    text.set("feature-required", &manifest.features_required);
    text.set("user", manifest.users.iter().map(user));
    text.set("group", manifest.groups.iter().map(group));
    text.set("service", manifest.services.iter().map(service));
    text.set("alternative", manifest.alternatives.iter().map(alternative));
    text.set("trigger", manifest.triggers.iter().map(trigger));
    text.set("hook", manifest.hooks.iter().map(hook));
    for entry in &manifest.entries {
        text.entry(entry);
    }
    let digest = Sha256::of(text.0.as_bytes());
    text.line("end", digest);
    text.0.into_bytes()
}

/// Returns the lowest format that has everything the manifest uses: hooks came with the second.
fn format_of(manifest: &Manifest) -> u32 {
    if manifest.hooks.is_empty() { 1 } else { 2 }
}

impl Origin {
    /// All origins.
    pub const ALL: [Origin; 3] = [Origin::Built, Origin::BuiltWeakened, Origin::Imported];

    /// Returns the word of manifests and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Built => "built",
            Origin::BuiltWeakened => "built-weakened",
            Origin::Imported => "imported",
        }
    }
}

struct Text(String);

impl Text {
    fn line(&mut self, key: &str, value: impl std::fmt::Display) {
        writeln!(self.0, "{key} {value}").expect("writing to a string cannot fail");
    }

    fn words(&mut self, key: &str, words: &str) {
        if !words.is_empty() {
            self.line(key, escape(words.as_bytes()));
        }
    }

    /// Writes one line for each member, sorted by the text of the line: simpler to state and to test than the
    /// order of the values.
    fn set(&mut self, key: &str, members: impl IntoIterator<Item = impl ToString>) {
        let mut values: Vec<String> = members.into_iter().map(|m| m.to_string()).collect();
        values.sort_unstable();
        for value in values {
            self.line(key, value);
        }
    }

    fn entry(&mut self, entry: &FileEntry) {
        let kind = match entry.kind {
            EntryKind::Directory => "directory",
            EntryKind::File { .. } => "file",
            EntryKind::Symlink { .. } => "symlink",
        };
        let owner = &entry.owner;
        let mut line = format!(
            "{kind} {:04o} {} {} {} {}",
            entry.mode, owner.user, owner.uid, owner.group, owner.gid
        );
        if let EntryKind::File { sha256, size, .. } = &entry.kind {
            push(&mut line, format_args!("{size} {sha256}"));
        }
        if entry.is_configuration {
            push(&mut line, format_args!("config"));
        }
        if let EntryKind::File {
            link_group: Some(group),
            ..
        } = &entry.kind
        {
            push(&mut line, format_args!("link={group}"));
        }
        if let Some(capabilities) = &entry.capabilities {
            push(&mut line, format_args!("caps={capabilities}"));
        }
        for (name, value) in &entry.xattrs {
            push(&mut line, format_args!("xattr={name}="));
            for byte in value {
                write!(line, "{byte:02x}").expect("writing to a string cannot fail");
            }
        }
        push(&mut line, format_args!("{}", escape(entry.path.as_bytes())));
        if let EntryKind::Symlink { target } = &entry.kind {
            push(&mut line, format_args!("{}", escape(target)));
        }
        self.0.push_str(&line);
        self.0.push('\n');
    }
}

fn push(line: &mut String, field: std::fmt::Arguments<'_>) {
    write!(line, " {field}").expect("writing to a string cannot fail");
}

fn push_words(line: &mut String, key: &str, words: Option<&str>) {
    if let Some(words) = words {
        push(line, format_args!("{key}={}", escape(words.as_bytes())));
    }
}

fn user(user: &UserDeclaration) -> String {
    let mut line = user.name.to_string();
    if let Some(uid) = user.uid {
        push(&mut line, format_args!("uid={uid}"));
    }
    if let Some(group) = &user.group {
        push(&mut line, format_args!("group={group}"));
    }
    push_words(&mut line, "home", user.home.as_deref());
    push_words(&mut line, "shell", user.shell.as_deref());
    push_words(&mut line, "description", user.description.as_deref());
    line
}

fn group(group: &GroupDeclaration) -> String {
    let mut line = group.name.to_string();
    if let Some(gid) = group.gid {
        push(&mut line, format_args!("gid={gid}"));
    }
    line
}

fn service(service: &ServiceDeclaration) -> String {
    let state = if service.enabled {
        "enabled"
    } else {
        "disabled"
    };
    format!("{} {state}", service.name)
}

fn alternative(alternative: &AlternativeDeclaration) -> String {
    format!(
        "{} {} {}",
        alternative.path, alternative.target, alternative.priority
    )
}

fn trigger(trigger: &TriggerDeclaration) -> String {
    let mut line = trigger.name.to_string();
    for path in &trigger.paths {
        push_words(&mut line, "path", Some(path));
    }
    for word in &trigger.run {
        push_words(&mut line, "run", Some(word));
    }
    line
}

fn hook(hook: &HookDeclaration) -> String {
    let mut line = hook.moment.to_string();
    for word in &hook.run {
        push_words(&mut line, "run", Some(word));
    }
    line
}
