//! Paths of targets, and patterns of paths that are delegated.

use super::ReadMetadataError;
use super::field::Field;
use crate::RelPath;

/// Tests the path of a target: relative, nowhere upward, without control bytes.
pub(super) fn test_target_path(path: &str, field: &Field<'_>) -> Result<(), ReadMetadataError> {
    let problem = "is not named by a relative path";
    match RelPath::from_bytes(path.as_bytes()) {
        Ok(_) if !path.contains('\\') => Ok(()),
        _ => Err(field.refuse(problem)),
    }
}

/// Tests a pattern: components with `*` and `?`. Classes of characters are not supported.
pub(super) fn test_pattern(field: &Field<'_>) -> Result<(), ReadMetadataError> {
    match field.text()? {
        pattern if pattern.contains(['[', ']']) => {
            Err(field.refuse("has a class of characters, which is not supported"))
        }
        pattern => test_target_path(pattern, field),
    }
}

/// Tells whether a path of a target matches: component by component, `*` and `?` do not stand for `/`.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let patterns = pattern.split('/');
    let mut components = path.split('/');
    for pattern in patterns {
        let Some(component) = components.next() else {
            return false;
        };
        let pattern: Vec<char> = pattern.chars().collect();
        let component: Vec<char> = component.chars().collect();
        if !matches_component(&pattern, &component) {
            return false;
        }
    }
    components.next().is_none()
}

/// Goes back to the last star alone, so that the time is at most the product of both lengths.
fn matches_component(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut done) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while done < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, done));
                at += 1;
            }
            Some(character) if *character == '?' || *character == text[done] => {
                at += 1;
                done += 1;
            }
            _ => match star {
                Some((position, taken)) => {
                    star = Some((position, taken + 1));
                    at = position + 1;
                    done = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_component() {
        for (pattern, path, expected) in [
            ("index/*", "index/packages.index", true),
            ("index/*", "index/", true),
            ("index/*", "index", false),
            ("index/*", "index/a/b", false),
            ("*/packages.index", "index/packages.index", true),
            ("*", "index/packages.index", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXbd", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("***", "", true),
            ("archives/x", "archives/x", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
