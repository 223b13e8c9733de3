//! Whether a phase has to run: what it would be made from now, compared with its receipt.

use std::collections::BTreeMap;

use igos_format::{PackageName, Sha256};

use super::receipt::{Found, Receipt, Receipts};
use super::system::Earlier;
use super::work::Pipeline;
use super::{Facts, Phase, PhaseError, generations, people, root, sources, system, validate};

/// Why a phase that is skipped is.
pub(super) const UNCHANGED: &str = "its inputs did not change, and what it made is there";

/// What has to happen with a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing: what it would make is there.
    Skip(Box<Receipt>),
    /// It has to run, and why.
    Run(String),
    /// It has to run, and what lies there is no receipt.
    Damaged(String),
}

/// Looks at phases one after the other.
#[derive(Debug)]
pub(super) struct Judge<'p> {
    pipeline: &'p Pipeline<'p>,
    receipts: Receipts,
    /// The outputs of the phases so far.
    pub(super) earlier: Earlier,
    /// The digest of the last receipt.
    pub(super) previous: Option<Sha256>,
    installed: Option<BTreeMap<PackageName, root::InRoot>>,
}

impl<'p> Judge<'p> {
    pub(super) fn new(pipeline: &'p Pipeline<'p>) -> Self {
        Judge {
            pipeline,
            receipts: Receipts::new(&pipeline.directory(), &pipeline.profile.name),
            earlier: Earlier::new(),
            previous: None,
            installed: None,
        }
    }

    /// Returns the receipts.
    pub(super) fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// Returns what a phase is made from, and the rules that it is made by.
    pub(super) fn inputs(&self, phase: Phase) -> Result<Facts, PhaseError> {
        let mut facts = self.made_from(phase)?;
        if let Some(rules) = rules(phase) {
            facts.add("rules", phase, rules);
        }
        Ok(facts)
    }

    fn made_from(&self, phase: Phase) -> Result<Facts, PhaseError> {
        let pipeline = self.pipeline;
        match phase {
            Phase::Validate => validate::inputs(pipeline),
            Phase::VerifySources => sources::inputs(pipeline),
            Phase::Setup => Ok(generations::setup_inputs(pipeline)),
            Phase::Toolchain | Phase::ChrootPrep | Phase::ChrootTools => self.chain_inputs(phase),
            _ if phase.builds_system() => system::inputs(pipeline, phase, &self.earlier),
            Phase::Publish => Ok(system::published(&self.earlier)),
            _ => Err(PhaseError::NotThere { phase }),
        }
    }

    /// Returns what the generations of a phase are made from.
    fn chain_inputs(&self, phase: Phase) -> Result<Facts, PhaseError> {
        let count = self.pipeline.bootstrap.generations.len();
        let numbers = match phase {
            Phase::ChrootTools => 1..count.max(1),
            _ => 0..count.min(1),
        };
        let mut facts = Facts::default();
        facts.add("chain", "generations", count);
        for number in numbers {
            let builder = self.pipeline.bootstrap.builder_of(number).as_str();
            let digest = self
                .earlier
                .values()
                .find_map(|outputs| outputs.get(generations::TOOLCHAIN, builder));
            // Within one phase a generation follows from the one before, which is among the inputs by its recipes.
            let digest = digest.or((number > 1).then_some("made here"));
            facts.extend(generations::generation_inputs(
                self.pipeline,
                number,
                digest,
            )?);
        }
        Ok(facts)
    }

    /// Says whether a phase has to run, whose inputs are these.
    pub(super) fn decide(&mut self, phase: Phase, inputs: &Facts) -> Result<Decision, PhaseError> {
        let receipt = match self.receipts.read(phase).map_err(PhaseError::of)? {
            Found::Absent => return Ok(Decision::Run("it was never done here".to_owned())),
            Found::Damaged(reason) => return Ok(Decision::Damaged(reason)),
            Found::Receipt(receipt) => receipt,
        };
        if let Some(changes) = inputs.changes_since(&receipt.inputs) {
            return Ok(Decision::Run(changes));
        }
        Ok(match self.lost(phase, &receipt)? {
            Some(reason) => Decision::Run(reason),
            None => Decision::Skip(receipt),
        })
    }

    /// Returns why what a phase made is not there any more.
    fn lost(&mut self, phase: Phase, receipt: &Receipt) -> Result<Option<String>, PhaseError> {
        let (pipeline, outputs) = (self.pipeline, &receipt.outputs);
        Ok(match phase {
            Phase::VerifySources => sources::lost(pipeline, outputs)?,
            Phase::Setup | Phase::Toolchain | Phase::ChrootPrep | Phase::ChrootTools => {
                generations::lost(pipeline, outputs)
            }
            _ if phase.builds_system() => {
                let installed = match self.installed.take() {
                    Some(installed) => installed,
                    None => root::installed(&pipeline.root())?,
                };
                let lost = system::lost(pipeline, outputs, &installed);
                self.installed = Some(installed);
                match lost {
                    None if phase == Phase::Extra => drift(pipeline),
                    lost => lost,
                }
            }
            Phase::Publish => Some("it was asked for".to_owned()),
            _ => None,
        })
    }

    /// Takes up the outputs of a phase that was skipped or run.
    pub(super) fn take(&mut self, receipt: &Receipt) {
        self.previous = Some(receipt.digest());
        self.earlier.insert(receipt.phase, receipt.outputs.clone());
    }

    /// Forgets what is installed: a phase changed it.
    pub(super) fn root_changed(&mut self) {
        self.installed = None;
    }
}

/// Returns which edition of this program's rules a phase is made by: a receipt of another one is no reason to skip it.
///
/// Publishing runs whenever it is asked for.
fn rules(phase: Phase) -> Option<u32> {
    match phase {
        Phase::Validate => Some(validate::RULES),
        Phase::VerifySources => Some(sources::RULES),
        Phase::Setup | Phase::Toolchain | Phase::ChrootPrep | Phase::ChrootTools => {
            Some(generations::RULES)
        }
        phase => phase.builds_system().then_some(system::RULES),
    }
}

/// Returns that files of the root are not as recorded; what exactly, the phase says when it runs.
fn drift(pipeline: &Pipeline<'_>) -> Option<String> {
    match root::verify(&pipeline.root(), Phase::Extra, pipeline.reporter) {
        Ok(()) if people::are_lacking(pipeline) => {
            Some("passwords or groups of the root are not what the profile says".to_owned())
        }
        Ok(()) => None,
        Err(error) => Some(format!("the root is not as recorded: {error}")),
    }
}
