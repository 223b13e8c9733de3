//! Targets: which files there are, and who else may say so.

use std::collections::{BTreeMap, BTreeSet};

use super::field::Field;
use super::key::{read_keys, write_keys};
use super::pattern::{matches, test_pattern, test_target_path};
use super::role::{read_common, write_common};
use super::snapshot::{read_hashes, write_hashes};
use super::{
    Authority, Json, KeyId, Metadata, PublicKey, ReadMetadataError, RoleKeys, TopRole, UtcTime,
};
use crate::Sha256;

/// The field with keys that were rotated: they sign nothing new, and what they signed is still what it was.
const RETIRED_KEYS: &str = "x-igos-retired-keys";
/// The field with patterns of paths.
const PATHS: &str = "paths";
/// The field with beginnings of digests of paths.
const HASH_PREFIXES: &str = "path_hash_prefixes";
/// Longest name of a delegated role: it becomes part of a file's name.
const NAME_MAX_BYTES: usize = 128;

/// The role `targets`, and every role that it delegates to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// Its version.
    pub version: u64,
    /// From when on it is not to be relied on.
    pub expires: UtcTime,
    /// Files by their path below the repository's `targets`, without digest.
    pub targets: BTreeMap<String, TargetFile>,
    /// Other roles.
    pub delegations: Delegations,
    /// Keys that were rotated: what they signed may stay installed. A revoked key is not here.
    pub retired_keys: BTreeMap<KeyId, PublicKey>,
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFile {
    /// Its length in bytes.
    pub length: u64,
    /// Its digest.
    pub sha256: Sha256,
}

/// Who else may say what files there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delegations {
    /// All keys of all these roles.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// The roles; a path is looked up in the first that matches it.
    pub roles: Vec<Delegation>,
}

/// One role that others delegate to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Who signs it.
    pub keys: RoleKeys,
    /// Whether no role after it is asked for paths that match.
    pub is_terminating: bool,
    /// Which paths it may speak of.
    pub scope: Scope,
}

/// Which paths a role may speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those that match one of these patterns.
    Paths(Vec<String>),
    /// Those whose SHA-256, in lowercase hexadecimal digits, begins with one of these: parts of a long list.
    HashPrefixes(Vec<String>),
}

impl Scope {
    fn covers(&self, path: &str) -> bool {
        match self {
            Scope::Paths(patterns) => patterns.iter().any(|pattern| matches(pattern, path)),
            Scope::HashPrefixes(prefixes) => {
                let digest = Sha256::of(path.as_bytes()).to_string();
                prefixes.iter().any(|prefix| digest.starts_with(prefix))
            }
        }
    }

    fn write(&self) -> (String, Json) {
        let (name, items) = match self {
            Scope::Paths(items) => (PATHS, items),
            Scope::HashPrefixes(items) => (HASH_PREFIXES, items),
        };
        let items = items.iter().map(Json::text).collect();
        (name.to_owned(), Json::List(items))
    }

    fn read(field: &Field<'_>) -> Result<Self, ReadMetadataError> {
        let texts = |field: Field<'_>, test: fn(&Field<'_>) -> Result<(), ReadMetadataError>| {
            let mut texts = Vec::new();
            for item in field.items()? {
                test(&item)?;
                texts.push(item.text()?.to_owned());
            }
            Ok(texts)
        };
        let Some(prefixes) = field.optional(HASH_PREFIXES)? else {
            return Ok(Scope::Paths(texts(field.required(PATHS)?, test_pattern)?));
        };
        if field.optional(PATHS)?.is_some() {
            return Err(prefixes.refuse("stands beside `paths`"));
        }
        Ok(Scope::HashPrefixes(texts(prefixes, test_prefix)?))
    }
}

fn test_prefix(field: &Field<'_>) -> Result<(), ReadMetadataError> {
    let text = field.text()?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(is_digit) {
        return Ok(());
    }
    Err(field.refuse("is not the beginning of a digest"))
}

impl TargetFile {
    /// Returns what is said of the file that has these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        TargetFile {
            length: bytes.len() as u64,
            sha256: Sha256::of(bytes),
        }
    }
}

impl Delegations {
    /// Returns the role with this name and what it takes to verify its metadata.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<(&Delegation, Authority)> {
        let role = self.roles.iter().find(|role| role.name == name)?;
        Some((role, role.keys.authority(&self.keys)))
    }
}

impl Delegation {
    /// Tells whether the role may speak of this path.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.scope.covers(path)
    }

    fn to_json(&self) -> Json {
        let mut fields = BTreeMap::from([
            ("name".to_owned(), Json::text(&self.name)),
            ("terminating".to_owned(), Json::Boolean(self.is_terminating)),
            self.scope.write(),
        ]);
        self.keys.write(&mut fields);
        Json::Object(fields)
    }

    fn from_field(
        field: &Field<'_>,
        known: &BTreeMap<KeyId, PublicKey>,
    ) -> Result<Self, ReadMetadataError> {
        let name = field.required("name")?;
        test_role_name(&name)?;
        Ok(Delegation {
            name: name.text()?.to_owned(),
            keys: RoleKeys::read(field, known)?,
            is_terminating: field.required("terminating")?.boolean()?,
            scope: Scope::read(field)?,
        })
    }
}

fn test_role_name(field: &Field<'_>) -> Result<(), ReadMetadataError> {
    let name = field.text()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = !name.is_empty() && name.len() <= NAME_MAX_BYTES && name.bytes().all(is_plain);
    if !is_name || name.starts_with('.') {
        return Err(field.refuse("is not the name of a role"));
    }
    if TopRole::ALL.iter().any(|role| role.name() == name) {
        return Err(field.refuse("is a name that the root gives"));
    }
    Ok(())
}

fn read_delegations(field: &Field<'_>) -> Result<Delegations, ReadMetadataError> {
    let keys = read_keys(&field.required("keys")?)?;
    let mut names = BTreeSet::new();
    let mut roles = Vec::new();
    for item in field.required("roles")?.items()? {
        let role = Delegation::from_field(&item, &keys)?;
        if !names.insert(role.name.clone()) {
            return Err(item.refuse("has the name of another role"));
        }
        roles.push(role);
    }
    Ok(Delegations { keys, roles })
}

impl Metadata for Targets {
    const TYPE: &'static str = "targets";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn to_json(&self) -> Json {
        let file = |(path, file): (&String, &TargetFile)| {
            let fields = [
                ("length", Json::number(file.length)),
                ("hashes", write_hashes(&file.sha256)),
            ];
            (path.clone(), Json::object(fields))
        };
        let mut fields = write_common(self);
        let targets = self.targets.iter().map(file).collect();
        fields.insert("targets".into(), Json::Object(targets));
        if !self.delegations.roles.is_empty() {
            let roles = &self.delegations.roles;
            let delegations = [
                ("keys", write_keys(&self.delegations.keys)),
                (
                    "roles",
                    Json::List(roles.iter().map(Delegation::to_json).collect()),
                ),
            ];
            fields.insert("delegations".into(), Json::object(delegations));
        }
        if !self.retired_keys.is_empty() {
            fields.insert(RETIRED_KEYS.into(), write_keys(&self.retired_keys));
        }
        Json::Object(fields)
    }

    fn from_json(signed: &Json) -> Result<Self, ReadMetadataError> {
        let signed = Field::top(signed, "signed");
        let (version, expires) = read_common::<Targets>(&signed)?;
        let mut targets = BTreeMap::new();
        for (path, field) in signed.required("targets")?.entries()? {
            test_target_path(path, &field)?;
            let file = TargetFile {
                length: field.required("length")?.size()?,
                sha256: read_hashes(&field.required("hashes")?)?,
            };
            targets.insert(path.to_owned(), file);
        }
        let delegations = signed.optional("delegations")?;
        let delegations = delegations.map(|field| read_delegations(&field));
        let retired_keys = signed.optional(RETIRED_KEYS)?;
        let retired_keys = retired_keys.map(|field| read_keys(&field));
        Ok(Targets {
            version,
            expires,
            targets,
            delegations: delegations.transpose()?.unwrap_or_default(),
            retired_keys: retired_keys.transpose()?.unwrap_or_default(),
        })
    }
}
