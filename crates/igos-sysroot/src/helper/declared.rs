//! Which helpers there are, and what they ask for.

use igos_format::{PackageName, RelPath, Sha256};
use serde::{Deserialize, Serialize};

use super::error::HelperError;
use crate::Sysroot;

/// Where helpers are in a root.
const DIRECTORY: &str = "usr/lib/igos/helpers";

/// Longest helper, in bytes: programs and scripts, not what they bring.
const PROGRAM_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Longest declaration, in bytes.
const DECLARATION_MAX_BYTES: u64 = 64 * 1024;

/// The declaration's `format`.
const FORMAT: u32 = 1;

/// A helper of an installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Helper {
    /// Its name, which is that of the package it brings.
    pub name: PackageName,
    /// The package that it belongs to.
    pub package: PackageName,
    /// The program.
    pub program: RelPath,
    /// Digest of the program: what the package it makes was built with.
    pub sha256: Sha256,
    /// What it says it does.
    pub description: String,
    /// Whether it reaches the network.
    pub network: bool,
}

/// What stands beside the program, in `NAME.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    format: u32,
    #[serde(default)]
    description: String,
    #[serde(default)]
    network: bool,
}

impl Sysroot {
    /// Returns a helper by its name.
    ///
    /// # Errors
    ///
    /// Returns that there is none, that it does not belong to an installed package, or that its declaration is wrong.
    pub fn helper(&self, name: &PackageName) -> Result<Helper, HelperError> {
        let place = |file: String| -> RelPath {
            format!("{DIRECTORY}/{file}")
                .parse()
                .expect("names of packages are components of paths")
        };
        let program = place(name.to_string());
        let package = self.helper_owner(&program, name)?;
        let content = self
            .root()
            .read_file(&program, PROGRAM_MAX_BYTES)
            .map_err(|source| HelperError::Read { source })?
            .ok_or_else(|| HelperError::Absent { name: name.clone() })?;
        let beside = place(format!("{name}.json"));
        let text = self
            .root()
            .read_file(&beside, DECLARATION_MAX_BYTES)
            .map_err(|source| HelperError::Read { source })?;
        let declaration = match text {
            None => Declaration::default(),
            Some(text) => {
                // A file that anybody could have put there must not open the network.
                if self.helper_owner(&beside, name)? != package {
                    return Err(HelperError::NotOwned {
                        name: name.clone(),
                        path: beside,
                    });
                }
                read(&text).map_err(|problem| HelperError::Declaration {
                    path: beside,
                    problem,
                })?
            }
        };
        Ok(Helper {
            name: name.clone(),
            package,
            program,
            sha256: Sha256::of(&content),
            description: declaration.description,
            network: declaration.network,
        })
    }

    fn helper_owner(&self, path: &RelPath, name: &PackageName) -> Result<PackageName, HelperError> {
        match self.owner(path) {
            Ok(owned) => {
                Ok(owned
                    .packages
                    .into_iter()
                    .next()
                    .ok_or_else(|| HelperError::NotOwned {
                        name: name.clone(),
                        path: path.clone(),
                    })?)
            }
            Err(crate::QueryError::NotOwned { .. }) => match self.root().metadata(path) {
                Ok(None) => Err(HelperError::Absent { name: name.clone() }),
                Ok(Some(_)) => Err(HelperError::NotOwned {
                    name: name.clone(),
                    path: path.clone(),
                }),
                Err(source) => Err(HelperError::Read { source }),
            },
            Err(source) => Err(HelperError::Query { source }),
        }
    }
}

fn read(text: &[u8]) -> Result<Declaration, String> {
    let declaration: Declaration =
        serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if declaration.format != FORMAT {
        return Err(format!(
            "it has format {}, this program reads {FORMAT}",
            declaration.format
        ));
    }
    if declaration.description.chars().any(char::is_control) {
        return Err("its description has control characters".to_owned());
    }
    Ok(declaration)
}
