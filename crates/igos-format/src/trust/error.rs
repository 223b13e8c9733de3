//! Why metadata cannot be read.

use igos_report::Explain;

use super::{JsonError, KeyId};

/// Metadata cannot be read. Nothing here is about signatures.
#[derive(Debug, thiserror::Error)]
pub enum ReadMetadataError {
    /// There are more bytes than such metadata may have.
    #[error("the metadata has {size_bytes} bytes, at most {limit} are allowed")]
    TooLarge {
        /// How many there are.
        size_bytes: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The bytes are not JSON as metadata may use it.
    #[error("the metadata is not valid JSON")]
    Json(#[source] JsonError),
    /// A field is missing, of the wrong kind, or has a value that is not allowed.
    #[error("the metadata's field `{field}` {problem}")]
    Field {
        /// The field, with the names of those around it.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A key stands under an id that is not its own.
    #[error("the metadata lists key {actual} as {listed}")]
    KeyId {
        /// The id it is listed as.
        listed: String,
        /// The id it has.
        actual: KeyId,
    },
    /// The metadata needs a reader that knows more.
    #[error("the metadata is of TUF {found}, this program reads TUF 1")]
    Specification {
        /// The version it names.
        found: String,
    },
}

impl Explain for ReadMetadataError {
    fn code(&self) -> &'static str {
        match self {
            ReadMetadataError::TooLarge { .. } => "metadata-too-large",
            ReadMetadataError::Json(_)
            | ReadMetadataError::Field { .. }
            | ReadMetadataError::KeyId { .. } => "metadata-malformed",
            ReadMetadataError::Specification { .. } => "metadata-incompatible",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ReadMetadataError::Specification { .. } => {
                vec!["use a newer version of this program".into()]
            }
            ReadMetadataError::TooLarge { .. }
            | ReadMetadataError::Json(_)
            | ReadMetadataError::Field { .. }
            | ReadMetadataError::KeyId { .. } => Vec::new(),
        }
    }
}
