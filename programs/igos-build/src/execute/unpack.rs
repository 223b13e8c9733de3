//! The first step: sources into the build directory, by the helper inside the sandbox.

use std::io::Read;

use fs_err as fs;
use igos_format::{Hasher, RelPath, Sha256};
use igos_root::RootDir;
use igos_sandbox::{SandboxError, Status};

use super::environment::{BUILD, PATCHES, SOURCES, source_directory};
use super::error::BuildError;
use super::package::Running;
use super::steps::Step;
use crate::source::unpack::{HELPER, Strip, UnpackAnswer, UnpackItem, UnpackKind, UnpackOrder};
use crate::source::{place_patches, place_sources};

/// Where files inside of alternatives are taken out to, below the build directory.
const INNER: &str = ".igos-inner";

impl Running<'_> {
    /// Unpacks the sources and returns the newest time among the files in them.
    pub(super) fn unpack(&mut self) -> Result<Option<u64>, BuildError> {
        let recipe = &self.input.entry.recipe;
        let sources = self.work.path().join("sources");
        self.input.files.copy_to(&self.work.path().join("recipe"))?;
        let mut items = place_sources(recipe, self.input.sources, &sources, SOURCES)?;
        let patches = place_patches(recipe, &self.work.path().join("recipe"), &sources, SOURCES)?;
        self.take_out_inner_files(&mut items)?;
        if !patches.is_empty() {
            self.run_order(UnpackOrder {
                target: PATCHES.into(),
                items: patches,
            })?;
        }
        let order = UnpackOrder {
            target: source_directory(recipe),
            items,
        };
        Ok(self.run_order(order)?.newest)
    }

    fn run_order(&mut self, order: UnpackOrder) -> Result<UnpackAnswer, BuildError> {
        let input = serde_json::to_vec(&order).expect("an order has plain values");
        let task = self.step_task(Step::Unpack);
        self.log.note(&format!(
            "unpack: {} sources into {}",
            order.items.len(),
            order.target
        ));
        let ended = {
            let log = &mut self.log;
            self.chamber
                .run_helper(HELPER, input, &mut |bytes| log.take(bytes, &task))
        };
        self.log.flush_line(&task);
        let failure = |status, reason| (status, reason);
        let (status, reason) = match ended {
            Ok(ended) if ended.status == Status::Exited(0) => {
                self.record(Step::Unpack, &ended);
                match serde_json::from_slice::<UnpackAnswer>(&ended.helper_output) {
                    Ok(answer) => {
                        task.finish(igos_report::Outcome::Done);
                        return Ok(answer);
                    }
                    Err(error) => {
                        failure(None, Some(format!("its answer makes no sense: {error}")))
                    }
                }
            }
            Ok(ended) if ended.status == Status::Interrupted => {
                let package = self.input.entry.recipe.name.clone();
                return Err(BuildError::Interrupted { package });
            }
            Ok(ended) => failure(Some(ended.status), None),
            Err(SandboxError::HelperFailed { message, .. }) => failure(None, Some(message)),
            Err(source) => {
                return Err(BuildError::Sandbox {
                    package: self.input.entry.recipe.name.clone(),
                    step: Step::Unpack,
                    source,
                });
            }
        };
        if let Some(reason) = &reason {
            self.log.note(reason);
        }
        task.finish(igos_report::Outcome::Failed(
            reason.clone().unwrap_or_default(),
        ));
        Err(self.step_failure(Step::Unpack, status, reason))
    }

    /// Takes the real source out of alternatives that wrap it, and puts it in their place once it was verified.
    fn take_out_inner_files(&mut self, items: &mut [UnpackItem]) -> Result<(), BuildError> {
        for (number, item) in items.iter_mut().enumerate() {
            let source = &self.input.entry.recipe.sources[number];
            let ready = &self.input.sources[number];
            let alternative = ready
                .input
                .alternative
                .and_then(|at| source.alternatives.get(at - 1));
            let Some(inner) = alternative.and_then(|alternative| alternative.inner.as_ref()) else {
                continue;
            };
            let name = format!("source-{number}");
            let order = UnpackOrder {
                target: format!("{BUILD}/{INNER}"),
                items: vec![UnpackItem {
                    name: name.clone(),
                    destination: String::new(),
                    kind: UnpackKind::Member,
                    strip: Strip::Nothing,
                    member: Some(inner.path.clone()),
                    ..item.clone()
                }],
            };
            self.run_order(order)?;
            let actual = self.take_inner(&name, number)?;
            if actual != inner.sha256 {
                return Err(BuildError::WrongInner {
                    package: self.input.entry.recipe.name.clone(),
                    location: source.location.clone(),
                    expected: inner.sha256,
                    actual,
                });
            }
            item.file = format!("{SOURCES}/{number}.inner");
        }
        Ok(())
    }

    /// Copies what a hostile archive gave to the sources, through descriptors, and returns its digest.
    fn take_inner(&self, name: &str, number: usize) -> Result<Sha256, BuildError> {
        let shown = format!("{INNER}/{name}");
        let failed = |source| BuildError::LeftUnusable {
            package: self.input.entry.recipe.name.clone(),
            path: shown.clone(),
            source,
        };
        let path: RelPath = shown
            .parse()
            .map_err(|error| failed(std::io::Error::other(error)))?;
        let build = RootDir::open(&self.work.path().join("build"))
            .map_err(|error| failed(error.into_io()))?;
        let file = build
            .open_file(&path)
            .map_err(|error| failed(error.into_io()))?;
        let mut file = file.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let to = self
            .work
            .path()
            .join("sources")
            .join(format!("{number}.inner"));
        let mut out = fs::File::create_new(&to).map_err(failed)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            std::io::Write::write_all(&mut out, &buffer[..count]).map_err(failed)?;
        }
        crate::cache::set_mode(&to, 0o644)?;
        Ok(hasher.sha256())
    }
}
