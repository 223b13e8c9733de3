//! New versions of edited configuration files that wait for the administrator's answer.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{RelPath, Sha256};

use crate::state_text::{StateText, parse_path};
use crate::{PathAction, PathChange, layout};

/// Which places wait, and which version each edited file was made from; `None` where no package's version was.
///
/// The new version is the one of the installed package's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) bases: BTreeMap<RelPath, Option<Sha256>>,
}

impl StateText for Pending {
    const KEYWORD: &'static str = "igos-configuration";

    fn place() -> RelPath {
        layout::pending()
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let (base, place) = line.strip_prefix("pending ")?.split_once(' ')?;
        let base = match base {
            "-" => None,
            digest => Some(digest.parse().ok()?),
        };
        self.bases.insert(parse_path(place)?, base);
        Some(())
    }

    fn lines(&self) -> BTreeSet<String> {
        self.bases
            .iter()
            .map(|(place, base)| match base {
                None => format!("pending - {place}"),
                Some(digest) => format!("pending {digest} {place}"),
            })
            .collect()
    }
}

impl Pending {
    /// Returns what waits when these actions were carried out.
    pub(crate) fn after(&self, actions: &[PathAction]) -> Pending {
        let mut after = self.clone();
        for action in actions {
            match &action.change {
                PathChange::KeepEdited {
                    beside: Some(_),
                    base,
                } => {
                    after.bases.insert(action.place.clone(), *base);
                }
                PathChange::Merge { base, .. } => {
                    after.bases.insert(action.place.clone(), Some(*base));
                }
                _ => {
                    after.bases.remove(&action.place);
                }
            }
        }
        after
    }
}
