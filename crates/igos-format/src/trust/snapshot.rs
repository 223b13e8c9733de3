//! Snapshot and timestamp: which metadata belongs together, and which is the newest.

use std::collections::BTreeMap;

use super::field::Field;
use super::role::{read_common, write_common};
use super::{Json, Metadata, ReadMetadataError, UtcTime};
use crate::Sha256;

/// The file that the timestamp is about.
const SNAPSHOT_FILE: &str = "snapshot.json";
/// The field with the time at which a timestamp was made.
const CREATED: &str = "x-igos-created";

/// Which version of a metadata file counts. Ours always say length and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaFile {
    /// Its version.
    pub version: u64,
    /// Its length in bytes.
    pub length: Option<u64>,
    /// Its digest.
    pub sha256: Option<Sha256>,
}

/// The role `snapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its version.
    pub version: u64,
    /// From when on it is not to be relied on.
    pub expires: UtcTime,
    /// `targets.json` and the files of all delegated roles, by names without version.
    pub meta: BTreeMap<String, MetaFile>,
}

/// The role `timestamp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// Its version.
    pub version: u64,
    /// From when on it is not to be relied on.
    pub expires: UtcTime,
    /// When it was made, as our repositories say: no clock is right that is before it.
    pub created: Option<UtcTime>,
    /// The newest snapshot.
    pub snapshot: MetaFile,
}

impl MetaFile {
    /// Returns what is said of the file that has this version and these bytes.
    #[must_use]
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        MetaFile {
            version,
            length: Some(bytes.len() as u64),
            sha256: Some(Sha256::of(bytes)),
        }
    }

    fn to_json(&self) -> Json {
        let mut fields = BTreeMap::from([("version".to_owned(), Json::number(self.version))]);
        if let Some(length) = self.length {
            fields.insert("length".into(), Json::number(length));
        }
        if let Some(digest) = self.sha256 {
            fields.insert("hashes".into(), write_hashes(&digest));
        }
        Json::Object(fields)
    }

    fn from_field(field: &Field<'_>) -> Result<Self, ReadMetadataError> {
        let length = field.optional("length")?;
        let hashes = field.optional("hashes")?;
        Ok(MetaFile {
            version: field.required("version")?.count()?,
            length: length.map(|field| field.size()).transpose()?,
            sha256: hashes.map(|field| read_hashes(&field)).transpose()?,
        })
    }
}

/// Returns the object `hashes` of a file.
pub(super) fn write_hashes(digest: &Sha256) -> Json {
    Json::object([("sha256", Json::text(digest))])
}

/// Reads the object `hashes` of a file; other algorithms are ignored.
pub(super) fn read_hashes(field: &Field<'_>) -> Result<Sha256, ReadMetadataError> {
    field
        .required("sha256")?
        .parse("is not 64 lowercase hexadecimal digits")
}

impl Metadata for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn to_json(&self) -> Json {
        let file = |(name, file): (&String, &MetaFile)| (name.clone(), file.to_json());
        let mut fields = write_common(self);
        let meta = self.meta.iter().map(file).collect();
        fields.insert("meta".into(), Json::Object(meta));
        Json::Object(fields)
    }

    fn from_json(signed: &Json) -> Result<Self, ReadMetadataError> {
        let signed = Field::top(signed, "signed");
        let (version, expires) = read_common::<Snapshot>(&signed)?;
        let mut meta = BTreeMap::new();
        for (name, field) in signed.required("meta")?.entries()? {
            meta.insert(name.to_owned(), MetaFile::from_field(&field)?);
        }
        Ok(Snapshot {
            version,
            expires,
            meta,
        })
    }
}

impl Metadata for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn to_json(&self) -> Json {
        let mut fields = write_common(self);
        if let Some(created) = self.created {
            fields.insert(CREATED.into(), Json::text(created));
        }
        let meta = Json::object([(SNAPSHOT_FILE, self.snapshot.to_json())]);
        fields.insert("meta".into(), meta);
        Json::Object(fields)
    }

    fn from_json(signed: &Json) -> Result<Self, ReadMetadataError> {
        let signed = Field::top(signed, "signed");
        let (version, expires) = read_common::<Timestamp>(&signed)?;
        let problem = "is not a time of the form 2030-01-31T12:00:00Z";
        let created = signed.optional(CREATED)?;
        let created = created.map(|field| Ok((field.parse(problem)?, field)));
        let created = match created.transpose()? {
            Some((created, field)) if created > expires => {
                return Err(field.refuse("is after `expires`"));
            }
            other => other.map(|(created, _)| created),
        };
        let snapshot = signed.required("meta")?.required(SNAPSHOT_FILE)?;
        Ok(Timestamp {
            version,
            expires,
            created,
            snapshot: MetaFile::from_field(&snapshot)?,
        })
    }
}
