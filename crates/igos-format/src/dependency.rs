//! What a package needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{PackageName, Version};

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// To run on the machine that builds.
    Build,
    /// To be linked with or read while building, for the machine that will run the package.
    Host,
    /// To run the package.
    Run,
}

impl DependencyKind {
    /// Returns the word of JSON and manifests: `build`, `host` or `run`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DependencyKind::Build => "build",
            DependencyKind::Host => "host",
            DependencyKind::Run => "run",
        }
    }
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Operator {
    /// Returns the operator as recipes and manifests write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Equal => "=",
            Operator::GreaterOrEqual => ">=",
            Operator::Greater => ">",
        }
    }
}

/// Which versions satisfy a dependency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constraint {
    /// The comparison.
    pub operator: Operator,
    /// What is compared with.
    pub version: Version,
}

impl Constraint {
    /// Tells whether `version` satisfies the constraint.
    #[must_use]
    pub fn is_satisfied_by(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Equal => order.is_eq(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Greater => order.is_gt(),
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.operator.as_str(), self.version)
    }
}

/// One thing a package needs: a name, perhaps with a constraint, as `zlib` or `zlib>=1.3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// The package, or a name that a package provides.
    pub name: PackageName,
    /// Which versions will do; any where absent.
    pub constraint: Option<Constraint>,
}

/// A text is not a dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a dependency such as `zlib` or `zlib>=1.3`")]
pub struct DependencyError {
    text: String,
}

impl FromStr for Dependency {
    type Err = DependencyError;

    fn from_str(text: &str) -> Result<Self, DependencyError> {
        let error = || DependencyError {
            text: text.to_owned(),
        };
        let Some(at) = text.find(['<', '=', '>']) else {
            return Ok(Dependency {
                name: text.parse().map_err(|_| error())?,
                constraint: None,
            });
        };
        let rest = &text[at..];
        let operator = [
            Operator::LessOrEqual,
            Operator::GreaterOrEqual,
            Operator::Less,
            Operator::Equal,
            Operator::Greater,
        ]
        .into_iter()
        .find(|operator| rest.starts_with(operator.as_str()))
        .ok_or_else(error)?;
        Ok(Dependency {
            name: text[..at].trim_end().parse().map_err(|_| error())?,
            constraint: Some(Constraint {
                operator,
                version: rest[operator.as_str().len()..]
                    .trim_start()
                    .parse()
                    .map_err(|_| error())?,
            }),
        })
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.constraint
            .iter()
            .try_for_each(|constraint| write!(f, "{constraint}"))
    }
}

impl Serialize for Dependency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Dependency;

    #[test]
    fn dependency_text_round_trips() {
        for text in [
            "zlib",
            "zlib>=1.3",
            "gtk+3.0<4",
            "a=1.0-rc1",
            "b<=2",
            "c>0.1~x",
        ] {
            assert_eq!(
                text.parse::<Dependency>().map(|d| d.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            "zlib >= 1.3".parse::<Dependency>().map(|d| d.to_string()),
            Ok("zlib>=1.3".to_owned())
        );
    }

    #[test]
    fn constraint_without_a_version_or_name_is_refused() {
        for text in ["", ">=1", "zlib>=", "zlib=>1", "zlib>=1 2", "z lib"] {
            assert!(text.parse::<Dependency>().is_err(), "{text}");
        }
    }
}
