//! What the last lines of a failed step usually mean.

use igos_format::PackageName;

/// Something that the log of a failed step shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Symptom {
    /// A program was not found.
    MissingProgram(String),
    /// A header was not found.
    MissingHeader(String),
    /// A library was not found by the linker.
    MissingLibrary(String),
    /// A pkg-config module was not found.
    MissingModule(String),
    /// The build wanted the network.
    Network,
}

/// Ways in which programs say that they reached for the network.
const NETWORK: [&str; 9] = [
    "Network is unreachable",
    "Temporary failure in name resolution",
    "Could not resolve host",
    "Name or service not known",
    "unable to resolve host",
    "Couldn't connect to server",
    "Failed to connect to",
    "Connection refused",
    "Transport endpoint is not connected",
];

/// Returns what the lines show, each once, in the order of the lines.
pub(crate) fn symptoms(lines: &[String]) -> Vec<Symptom> {
    let mut found: Vec<Symptom> = Vec::new();
    for line in lines {
        if let Some(symptom) = symptom(line)
            && !found.contains(&symptom)
        {
            found.push(symptom);
        }
    }
    found
}

fn symptom(line: &str) -> Option<Symptom> {
    if NETWORK.iter().any(|text| line.contains(text)) {
        return Some(Symptom::Network);
    }
    missing_program(line)
        .map(Symptom::MissingProgram)
        .or_else(|| missing_header(line).map(Symptom::MissingHeader))
        .or_else(|| missing_library(line).map(Symptom::MissingLibrary))
        .or_else(|| missing_module(line).map(Symptom::MissingModule))
}

/// `sh: 1: cmake: not found`, `bash: line 3: cmake: command not found`, `make: cmake: No such file or directory`,
/// `env: 'python3': No such file or directory`.
fn missing_program(line: &str) -> Option<String> {
    let before = [
        "command not found",
        "not found",
        "No such file or directory",
    ]
    .into_iter()
    .find_map(|end| line.trim_end().strip_suffix(end))?;
    let (before, name) = before.trim_end().strip_suffix(':')?.rsplit_once(": ")?;
    let name = name.trim().trim_matches(['\'', '"', '`', '‘', '’']);
    let speaker = before.split(": ").next()?;
    let is_shell = ["sh", "bash", "dash", "make", "env", "gmake", "build"]
        .iter()
        .any(|program| {
            speaker.split(['/', '[']).any(|part| {
                part.trim_end_matches(|c: char| c == ']' || c.is_ascii_digit()) == *program
                    || part == "build.sh"
            })
        })
        || line.contains(": line ");
    let is_program =
        !name.is_empty() && !name.contains(char::is_whitespace) && !name.ends_with(".h");
    (is_shell && is_program).then(|| name.to_owned())
}

/// `fatal error: zlib.h: No such file or directory`
fn missing_header(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("fatal error: ")?;
    let (name, _) = rest.split_once(": No such file")?;
    Some(name.to_owned())
}

/// `ld: cannot find -lz: No such file or directory`
fn missing_library(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("cannot find -l")?;
    let name = rest.split([':', ' ']).next()?;
    Some(name.to_owned())
}

/// `No package 'zlib' found`
fn missing_module(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("No package '")?;
    let (name, end) = rest.split_once('\'')?;
    end.trim_start()
        .starts_with("found")
        .then(|| name.to_owned())
}

impl Symptom {
    /// Returns why the step failed, in words.
    pub(crate) fn cause(&self) -> String {
        match self {
            Symptom::MissingProgram(name) => {
                format!("the program {name} is not in the build root: no declared dependency has it")
            }
            Symptom::MissingHeader(name) => {
                format!("the header {name} is not in the build root: no declared dependency has it")
            }
            Symptom::MissingLibrary(name) => {
                format!("the library lib{name} is not in the build root: no declared dependency has it")
            }
            Symptom::MissingModule(name) => {
                format!("the pkg-config module {name} is not in the build root: no declared dependency has it")
            }
            Symptom::Network => "the build tried to use the network; builds have none, not even that of this machine".into(),
        }
    }

    /// Returns what to do about it.
    pub(crate) fn hint(&self, package: &PackageName) -> String {
        match self {
            Symptom::MissingProgram(name)
            | Symptom::MissingHeader(name)
            | Symptom::MissingModule(name) => {
                format!("declare the package that has {name} as a build dependency of {package}")
            }
            Symptom::MissingLibrary(name) => {
                format!("declare the package that has lib{name} as a dependency of {package}")
            }
            Symptom::Network => {
                format!(
                    "list what is downloaded among the sources of {package}, or configure the download away"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Symptom, symptoms};

    #[test]
    fn usual_complaints_are_understood() {
        let program = |name: &str| Some(Symptom::MissingProgram(name.into()));
        for (line, expected) in [
            (
                "/recipe/build.sh: line 7: cmake: command not found",
                program("cmake"),
            ),
            ("/recipe/build: 3: meson: not found", program("meson")),
            ("sh: 1: flex: not found", program("flex")),
            ("bash: line 1: bison: command not found", program("bison")),
            (
                "make: makeinfo: No such file or directory",
                program("makeinfo"),
            ),
            ("make[2]: perl: No such file or directory", program("perl")),
            (
                "/usr/bin/env: 'python3': No such file or directory",
                program("python3"),
            ),
            (
                "a.c:1:10: fatal error: zlib.h: No such file or directory",
                Some(Symptom::MissingHeader("zlib.h".into())),
            ),
            (
                "/usr/bin/ld: cannot find -lz: No such file or directory",
                Some(Symptom::MissingLibrary("z".into())),
            ),
            (
                "No package 'libffi' found",
                Some(Symptom::MissingModule("libffi".into())),
            ),
            (
                "curl: (6) Could not resolve host: example.org",
                Some(Symptom::Network),
            ),
            (
                "bash: connect: Network is unreachable",
                Some(Symptom::Network),
            ),
            ("cat: notes.txt: No such file or directory", None),
            ("checking for flex... not found", None),
            ("everything is fine", None),
        ] {
            assert_eq!(
                symptoms(&[line.to_owned()]),
                expected.into_iter().collect::<Vec<_>>(),
                "{line}"
            );
        }
    }
}
