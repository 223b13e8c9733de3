//! The file `depends`: what the package needs.

use igos_report::Diagnostic;

use super::lines::{File, lines};
use crate::RecipeDependency;
use igos_format::{Dependency, DependencyKind, PackageName};

/// Returns the dependencies in the order of the lines.
pub(super) fn depends(file: &mut File<'_>) -> Vec<RecipeDependency> {
    let mut found = Vec::new();
    for line in lines(file.text) {
        if line.first.is_empty() || line.first.starts_with('#') {
            continue;
        }
        let name = match line.first.parse::<PackageName>() {
            Ok(name) => name,
            Err(error) => {
                file.error("kiss-depends-invalid", error.to_string(), &line.first_span);
                continue;
            }
        };
        if !matches!(line.rest, "" | "make") {
            let message = format!(
                "{:?} after {name} is not `make`; it is taken for it",
                line.rest
            );
            file.push(
                Diagnostic::warning("kiss-depends-kind", message),
                &line.span,
            );
        }
        // Any word makes it a dependency that is not looked for when the package is installed.
        let kind = if line.rest.is_empty() {
            DependencyKind::Run
        } else {
            DependencyKind::Build
        };
        found.push(RecipeDependency {
            dependency: Dependency {
                name,
                constraint: None,
            },
            kind,
        });
    }
    found
}
