//! From manifests to archives: every file is read again through the same descriptors and must still be what its
//! manifest says.

use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;

use igos_format::FileEntry;
use igos_format::archive::{WriteArchiveError, write_archive};
use igos_format::manifest::Manifest;
use igos_report::{Outcome, Subject, Task};
use igos_root::RootDir;

use super::{StageInput, StagedPackage};

/// An archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The file could not be made or brought to disk.
    #[error("cannot write archive {}", file.display())]
    File {
        /// The archive.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its content could not be made.
    #[error("cannot make archive {}", file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// Why.
        #[source]
        source: WriteArchiveError,
    },
}

/// Writes one archive for each manifest into the output directory.
pub(crate) fn pack(
    input: &StageInput<'_>,
    root: &RootDir,
    manifests: Vec<Manifest>,
) -> Result<Vec<StagedPackage>, PackError> {
    manifests
        .into_iter()
        .map(|manifest| pack_one(input, root, manifest))
        .collect()
}

fn pack_one(
    input: &StageInput<'_>,
    root: &RootDir,
    manifest: Manifest,
) -> Result<StagedPackage, PackError> {
    let archive = input
        .output
        .join(input.compression.format().file_name(&manifest.package));
    let failed = |source| PackError::File {
        file: archive.clone(),
        source,
    };
    let task = Task::start(
        input.task.reporter(),
        Some(input.task.id()),
        Subject::Pack(manifest.package.file_stem()),
    );
    let content = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
        match root.open_file(&entry.path) {
            Ok(Some(file)) => Ok(Box::new(file)),
            Ok(None) => Err(io::ErrorKind::NotFound.into()),
            Err(error) => Err(error.into_io()),
        }
    };
    let mut spool = tempfile::tempfile_in(&input.output).map_err(failed)?;
    let file = fs_err::File::create_new(&archive).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let summary = write_archive(
        &manifest,
        input.provenance,
        &content,
        input.compression,
        input.threads,
        &mut spool,
        &mut out,
    )
    .map_err(|source| PackError::Archive {
        file: archive.clone(),
        source,
    })?;
    out.flush().map_err(failed)?;
    task.finish(Outcome::Done);
    Ok(StagedPackage {
        manifest,
        archive,
        summary,
    })
}
