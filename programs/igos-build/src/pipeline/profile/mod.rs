//! Profiles: which packages a system has, and how it is configured.
//!
//! `docs/formats/profile.md` is the normative description.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use igos_format::declaration::{GroupDeclaration, UserDeclaration};
use igos_format::{PackageName, RelPath, Sha256};
use igos_report::Diagnostic;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::document::{self, DocumentError, Reader};
use super::logins::Login;

/// Directory of a recipe tree that profiles lie in.
pub const DIRECTORY: &str = "profiles";

const CODE: &str = "profile-invalid";

/// The user that is there without a profile, and its home directory.
const ROOT: &str = "root";
const ROOT_HOME: &str = "/root";

/// Longest label of a name (RFC 1035, 2.3.4).
const HOSTNAME_MAX_BYTES: usize = 63;

/// What a system is delivered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageKind {
    /// A root directory alone.
    Root,
    /// A disk image that boots.
    Disk,
    /// A medium that runs and installs.
    Live,
}

impl ImageKind {
    /// Returns the word of profiles.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ImageKind::Root => "root",
            ImageKind::Disk => "disk",
            ImageKind::Live => "live",
        }
    }
}

/// A runlevel of OpenRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runlevel {
    /// Kernel file systems and devices.
    Sysinit,
    /// What a system needs before its services.
    Boot,
    /// The services.
    Default,
    /// Nothing but what is needed to go down.
    Shutdown,
}

impl Runlevel {
    /// Returns the name of its directory below `etc/runlevels`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Runlevel::Sysinit => "sysinit",
            Runlevel::Boot => "boot",
            Runlevel::Default => "default",
            Runlevel::Shutdown => "shutdown",
        }
    }
}

/// The kernel of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelChoice {
    /// The package.
    pub package: PackageName,
    /// The fragments of its configuration, `NAME.config` in its recipe's directory `files`.
    pub fragments: Vec<PackageName>,
}

/// A system: what it consists of, and how it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name, that of its file.
    pub name: PackageName,
    /// One line.
    pub description: String,
    /// The packages that are there for their own sake, in the order of the file.
    pub packages: Vec<PackageName>,
    /// The kernel; a root that runs in somebody else's needs none.
    pub kernel: Option<KernelChoice>,
    /// What it is delivered as.
    pub image: ImageKind,
    /// The machine's name.
    pub hostname: Option<String>,
    /// The services that are started, by runlevel.
    pub services: BTreeMap<Runlevel, Vec<PackageName>>,
    /// Users that the system does not have without the profile.
    pub users: Vec<UserDeclaration>,
    /// How users log in, root among them if the profile names it.
    pub logins: Vec<Login>,
    /// Groups.
    pub groups: Vec<GroupDeclaration>,
    /// Texts of files below `etc`.
    pub files: BTreeMap<RelPath, String>,
    /// The digest of its text.
    pub sha256: Sha256,
    file: PathBuf,
    text: String,
    places: BTreeMap<String, Range<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: Spanned<u32>,
    description: Spanned<String>,
    packages: Vec<Spanned<String>>,
    image: ImageKind,
    hostname: Option<Spanned<String>>,
    kernel: Option<WrittenKernel>,
    #[serde(default)]
    services: BTreeMap<Runlevel, Vec<Spanned<String>>>,
    #[serde(default)]
    users: Vec<WrittenUser>,
    #[serde(default)]
    groups: Vec<WrittenGroup>,
    #[serde(default)]
    files: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKernel {
    package: Spanned<String>,
    #[serde(default)]
    fragments: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    name: Spanned<String>,
    uid: Option<u32>,
    group: Option<Spanned<String>>,
    home: Option<Spanned<String>>,
    shell: Option<Spanned<String>>,
    description: Option<Spanned<String>>,
    #[serde(default)]
    groups: Vec<Spanned<String>>,
    password_hash: Option<Spanned<String>>,
    #[serde(default)]
    authorized_keys: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGroup {
    name: Spanned<String>,
    gid: Option<u32>,
}

impl Profile {
    /// Returns the file of a profile in a recipe tree.
    #[must_use]
    pub fn path(tree: &Path, name: &PackageName) -> PathBuf {
        tree.join(DIRECTORY).join(format!("{name}.toml"))
    }

    /// Reads the profile of this name in a recipe tree.
    ///
    /// # Errors
    ///
    /// Returns that there is none, or everything that is wrong with it.
    pub fn load(tree: &Path, name: &PackageName) -> Result<Self, DocumentError> {
        let file = Self::path(tree, name);
        let text = document::read(&file)?;
        Self::parse(&file, name, &text)
    }

    /// Reads all profiles that lie where this one does, this one among them.
    ///
    /// # Errors
    ///
    /// Returns the directory that cannot be read, or everything that is wrong with the first profile that cannot be used.
    pub fn all_beside(&self) -> Result<Vec<Self>, DocumentError> {
        let directory = self.file.parent().unwrap_or(Path::new("."));
        let mut names = BTreeSet::new();
        for entry in fs_err::read_dir(directory).map_err(document::unreadable(directory))? {
            let entry = entry.map_err(document::unreadable(directory))?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".toml"));
            names.extend(name.and_then(|name| name.parse::<PackageName>().ok()));
        }
        let load = |name: &PackageName| {
            let file = directory.join(format!("{name}.toml"));
            let text = document::read(&file)?;
            Self::parse(&file, name, &text)
        };
        names.iter().map(load).collect()
    }

    /// Parses the text of a profile; `file` names it in messages.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it.
    pub fn parse(file: &Path, name: &PackageName, text: &str) -> Result<Self, DocumentError> {
        let (mut reader, written) =
            Reader::parse(CODE, file, text, |written: &Written| &written.format)?;
        let mut places = BTreeMap::new();
        for one in written
            .packages
            .iter()
            .chain(written.kernel.iter().map(|kernel| &kernel.package))
            .chain(written.kernel.iter().flat_map(|kernel| &kernel.fragments))
            .chain(written.services.values().flatten())
        {
            places
                .entry(one.get_ref().clone())
                .or_insert_with(|| one.span());
        }
        let profile = Profile {
            name: name.clone(),
            description: line(&mut reader, &written.description),
            packages: reader.values(&written.packages),
            kernel: written.kernel.and_then(|kernel| {
                Some(KernelChoice {
                    package: reader.value(&kernel.package)?,
                    fragments: reader.values(&kernel.fragments),
                })
            }),
            image: written.image,
            hostname: written.hostname.map(|name| hostname(&mut reader, &name)),
            services: services(&mut reader, written.services),
            users: users(&mut reader, &written.users),
            logins: logins(&mut reader, &written.users),
            groups: groups(&mut reader, &written.groups),
            files: files(&mut reader, written.files),
            sha256: Sha256::of(text.as_bytes()),
            file: file.to_owned(),
            text: text.to_owned(),
            places,
        };
        reader.finish(Some(profile))
    }

    /// Returns all packages that are there for their own sake, the kernel last.
    pub fn requested(&self) -> impl Iterator<Item = &PackageName> {
        let kernel = self.kernel.as_ref().map(|kernel| &kernel.package);
        let packages = self.packages.iter();
        packages
            .filter(move |name| Some(*name) != kernel)
            .chain(kernel)
    }

    /// Returns what is told about a name that the profile gives.
    #[must_use]
    pub fn diagnostic(&self, name: &str, code: &str, message: String) -> Diagnostic {
        let file = self.file.display().to_string();
        match self.places.get(name) {
            Some(place) => {
                Diagnostic::error(code, message).at_source(file, &self.text, place.clone())
            }
            None => Diagnostic::error(code, message).at(file),
        }
    }
}

fn line(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = written.get_ref();
    if text.is_empty() || text.chars().any(char::is_control) {
        reader.refuse(written.span(), "this has to be one line of text");
    }
    text.clone()
}

fn hostname(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = written.get_ref();
    let is_label = !text.is_empty()
        && text.len() <= HOSTNAME_MAX_BYTES
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_label {
        reader.refuse(
            written.span(),
            "a machine's name has 1 to 63 letters, digits and hyphens, no hyphen first or last",
        );
    }
    text.clone()
}

fn files(
    reader: &mut Reader<'_>,
    written: BTreeMap<String, Spanned<String>>,
) -> BTreeMap<RelPath, String> {
    let mut files = BTreeMap::new();
    for (path, text) in written {
        let span = text.span();
        let text = text.into_inner();
        match RelPath::from_bytes(path.as_bytes()) {
            Ok(path) if path.as_bytes().starts_with(b"etc/") && !text.contains('\0') => {
                files.insert(path, text);
            }
            _ => reader.refuse(
                span,
                "a file of a profile is a text with a path below etc, as `etc/fstab`",
            ),
        }
    }
    files
}

fn services(
    reader: &mut Reader<'_>,
    written: BTreeMap<Runlevel, Vec<Spanned<String>>>,
) -> BTreeMap<Runlevel, Vec<PackageName>> {
    written
        .into_iter()
        .map(|(level, names)| (level, reader.values(&names)))
        .collect()
}

fn path(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = written.get_ref();
    let odd = |c: char| c.is_control() || c == ':';
    if !text.starts_with('/') || text.chars().any(odd) {
        reader.refuse(
            written.span(),
            "this has to be a path from `/`, without a colon",
        );
    }
    text.clone()
}

fn users(reader: &mut Reader<'_>, written: &[WrittenUser]) -> Vec<UserDeclaration> {
    let mut seen = BTreeSet::new();
    let mut users = Vec::new();
    for one in written {
        if !seen.insert(one.name.get_ref().clone()) {
            reader.refuse(one.name.span(), "this user stands twice");
        }
        let Some(name) = reader.value(&one.name) else {
            continue;
        };
        if one.name.get_ref() == ROOT {
            let said = [&one.group, &one.home, &one.shell, &one.description];
            if one.uid.is_some() || said.into_iter().any(Option::is_some) {
                reader.refuse(
                    one.name.span(),
                    "root is there without a profile: `groups`, `password_hash` and `authorized_keys` alone can be said of it",
                );
            }
            continue;
        }
        users.push(UserDeclaration {
            name,
            uid: one.uid,
            group: one.group.as_ref().and_then(|group| reader.value(group)),
            home: one.home.as_ref().map(|home| path(reader, home)),
            shell: one.shell.as_ref().map(|shell| path(reader, shell)),
            description: one.description.as_ref().map(|text| line(reader, text)),
        });
    }
    users
}

/// What was refused in [`users`] is not told again.
fn logins(reader: &mut Reader<'_>, written: &[WrittenUser]) -> Vec<Login> {
    let mut logins = Vec::new();
    for one in written {
        let is_root = one.name.get_ref() == ROOT;
        let home = match &one.home {
            _ if is_root => Some(ROOT_HOME.to_owned()),
            home => home.as_ref().map(|home| home.get_ref().clone()),
        };
        if let Some(first) = one.authorized_keys.first()
            && !home
                .as_deref()
                .is_some_and(|home| is_root || is_of_a_person(home))
        {
            reader.refuse(
                first.span(),
                "keys lie in the user's home directory: say `home`, a path below /home",
            );
        }
        let login = Login {
            name: match one.name.get_ref().parse() {
                Ok(name) => name,
                Err(_) => continue,
            },
            group: one
                .group
                .as_ref()
                .and_then(|group| group.get_ref().parse().ok()),
            home,
            password: one
                .password_hash
                .as_ref()
                .and_then(|hash| reader.value(hash)),
            groups: reader.values(&one.groups),
            keys: reader.values(&one.authorized_keys),
        };
        logins.push(login);
    }
    logins
}

/// Returns whether a home directory is made by the profile: one below `/home`, where nobody else makes any.
pub(super) fn is_of_a_person(home: &str) -> bool {
    home.strip_prefix("/home/")
        .is_some_and(|rest| RelPath::from_bytes(rest.as_bytes()).is_ok())
}

fn groups(reader: &mut Reader<'_>, written: &[WrittenGroup]) -> Vec<GroupDeclaration> {
    let mut seen = BTreeSet::new();
    let mut groups = Vec::new();
    for one in written {
        if !seen.insert(one.name.get_ref().clone()) {
            reader.refuse(one.name.span(), "this group stands twice");
        }
        let name = reader.value(&one.name);
        groups.extend(name.map(|name| GroupDeclaration { name, gid: one.gid }));
    }
    groups
}

#[cfg(test)]
mod tests;
