//! The end of a build: from the destination directory to archives in the cache.

use std::ffi::OsString;
use std::path::Path;

use igos_format::Sha256;
use igos_sandbox::Terminal;

use super::chamber::Chamber;
use super::environment::{BuildEnvironment, Jobs};
use super::error::BuildError;
use super::package::Running;
use super::provenance::{CheckResult, Facts, origin, provenance, weakened};
use super::steps::working_directory;
use crate::cache::{CachedBuild, CachedOutput, Receipt, SourceReceipt};
use crate::plan::Debugging;
use crate::stage::{StageInput, StagedPackage, Strip, ToolError, Tools, UndeclaredPolicy, stage};

impl Running<'_> {
    /// Makes the packages of what was installed.
    pub(super) fn stage(
        &mut self,
        key: Sha256,
        check: CheckResult,
    ) -> Result<Vec<StagedPackage>, BuildError> {
        let input = self.input;
        let recipe = &input.entry.recipe;
        let imported = input.root.imported();
        let facts = Facts {
            entry: input.entry,
            files: input.files.files(),
            sources: input.sources,
            dependencies: input.dependencies,
            toolchain: input.toolchain,
            imported: &imported,
            key,
            flags: &self.environment.flags,
            source_date_epoch: self.epoch,
            check,
        };
        let provenance = provenance(input.settings, &facts);
        let visible = input.root.visible();
        let no_strip = Path::new(&working_directory(recipe))
            .file_name()
            .map(|name| self.work.path().join("build").join(name).join("nostrip"));
        let keeps_symbols = no_strip.is_some_and(|path| path.symlink_metadata().is_ok());
        let stage_input = StageInput {
            recipe,
            arch: input.settings.arch,
            build_key: key,
            source_date_epoch: self.epoch,
            origin: origin(recipe, &weakened(input.settings, input.sources)),
            destination: self.work.path().join("dest"),
            output: self.work.path().join("output"),
            visible: &visible,
            undeclared: if recipe.dialect.is_kiss() {
                UndeclaredPolicy::Add
            } else {
                UndeclaredPolicy::Refuse
            },
            strip: match input.settings.debugging {
                // What was not compiled here stays as it came.
                _ if keeps_symbols || recipe.imported.is_some() => Strip::Keep,
                Debugging::Packaged => Strip::Split,
                Debugging::Removed => Strip::Remove,
            },
            provenance: &provenance,
            compression: input.settings.compression,
            threads: input.settings.processors,
            task: self.task,
        };
        let mut tools = ChamberTools {
            chamber: &self.chamber,
            environment: &self.environment,
            epoch: self.epoch,
        };
        Ok(stage(&stage_input, &mut tools)?)
    }

    /// Puts the packages into the cache.
    pub(super) fn keep(
        &mut self,
        key: Sha256,
        check: CheckResult,
        packages: Vec<StagedPackage>,
    ) -> Result<CachedBuild, BuildError> {
        let recipe = &self.input.entry.recipe;
        let mut receipt = Receipt::new(recipe.name.clone(), recipe.full_version(), key);
        receipt.check = check.as_str().to_owned();
        receipt.steps = std::mem::take(&mut self.steps);
        receipt.measures = self.measures.take();
        receipt.sources = self
            .input
            .sources
            .iter()
            .map(|source| SourceReceipt {
                location: source.input.location.clone(),
                sha256: source.input.content,
                provider: source.provider.clone(),
            })
            .collect();
        receipt.outputs = packages
            .iter()
            .map(|package| CachedOutput {
                name: package.manifest.package.name.clone(),
                archive: package
                    .archive
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                seal: package.summary.seal,
                contents: package.manifest.contents_digest(),
                sha256: package.summary.sha256,
                size_bytes: package.summary.size,
            })
            .collect();
        let build = self
            .input
            .cache
            .add_build(receipt, &self.work.path().join("output"))?;
        self.input
            .cache
            .keep_key_document(&recipe.name, self.input.document.text())?;
        Ok(build)
    }
}

/// Programs of the toolchain in the sandbox of a build that is done.
struct ChamberTools<'a> {
    chamber: &'a Chamber,
    environment: &'a BuildEnvironment,
    epoch: u64,
}

impl Tools for ChamberTools<'_> {
    fn run(&mut self, argv: Vec<OsString>) -> Result<(), ToolError> {
        let program = argv
            .first()
            .map(|program| program.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut output = Vec::new();
        let env = self.environment.for_step(Jobs::Fixed(1), self.epoch);
        let ended = self
            .chamber
            .run_program(
                argv,
                env,
                super::environment::DEST,
                Terminal::None,
                &mut |bytes| {
                    let room = OUTPUT_MAX_BYTES.saturating_sub(output.len());
                    output.extend_from_slice(&bytes[..bytes.len().min(room)]);
                },
            )
            .map_err(|source| ToolError::Sandbox {
                program: program.clone(),
                source,
            })?;
        if ended.status.is_success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output).trim_end().to_owned();
        Err(ToolError::Failed {
            program,
            ended: ended.status.to_string(),
            output,
        })
    }
}

/// Most output of a tool that is kept for its error message, in bytes.
const OUTPUT_MAX_BYTES: usize = 4096;
