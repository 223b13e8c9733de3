//! What debuggers read, taken out of programs and libraries before they are stripped.
//!
//! It goes to `/usr/lib/debug/.build-id/XX/REST.debug`, where GDB, LLDB and `perf` look for the build id of what they
//! see running (GDB manual, "Debugging Information in Separate Files").

use std::collections::BTreeMap;
use std::ffi::OsString;

use igos_format::declaration::Provided;
use igos_format::{EntryKind, FileEntry, RelPath};
use igos_recipe::{Output, Recipe};
use igos_root::RootDir;

use super::collect::CollectError;
use super::elf::debug_id;
use super::strip::open;
use super::{ToolError, Tools};

/// Where the files are, below the root.
const DIRECTORY: &str = "usr/lib/debug/.build-id";

/// Most directories made, and files changed, by one program.
const BATCH: usize = 200;

/// A file with what debuggers read, and where that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DebugCopy {
    from: RelPath,
    directory: String,
    name: String,
}

/// Tells whether a path is that of a file which describes another.
pub(super) fn is_debug_file(path: &RelPath) -> bool {
    path.as_bytes()
        .strip_prefix(DIRECTORY.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// Returns the name that a package answers to with a file which describes another: `build-id-` and the build id, so that
/// whoever has that from a crash finds the package.
fn name_of(path: &RelPath) -> Option<Provided> {
    let below = path.as_bytes().strip_prefix(DIRECTORY.as_bytes())?;
    let below = std::str::from_utf8(below).ok()?.strip_prefix('/')?;
    let (directory, file) = below.split_once('/')?;
    let id = format!("{directory}{}", file.strip_suffix(".debug")?);
    let is_id = id
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_id.then(|| format!("build-id-{id}").parse().ok())?
}

/// Returns the names that a package answers to with these paths.
pub(super) fn provided(entries: &[FileEntry]) -> impl Iterator<Item = Provided> {
    let files = entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    files.filter_map(|entry| name_of(&entry.path))
}

/// Returns the outputs of a recipe, and one that takes what debuggers read before the others can.
pub(super) fn outputs(recipe: &Recipe) -> Vec<Output> {
    let mut outputs = recipe.outputs.clone();
    let name = format!("{}-debug", recipe.name);
    let (Ok(name), Ok(paths)) = (name.parse(), format!("{DIRECTORY}/**").parse()) else {
        return outputs;
    };
    if outputs.iter().any(|output| output.name == name) {
        return outputs;
    }
    let debug = Output {
        name,
        description: format!("What debuggers read of {}", recipe.name),
        paths: vec![paths],
        dependencies: Vec::new(),
        provides: Vec::new(),
        conflicts: Vec::new(),
        supersedes: Vec::new(),
        is_essential: false,
    };
    outputs.insert(1.min(outputs.len()), debug);
    outputs
}

/// Returns what to copy of programs and libraries: of those with the same build id the first.
pub(super) fn plan<'p>(
    root: &RootDir,
    programs: impl Iterator<Item = &'p RelPath>,
) -> Result<Vec<DebugCopy>, CollectError> {
    let mut copies = BTreeMap::new();
    for path in programs {
        // What does not parse is told when its needs are read.
        let Ok(Some(id)) = debug_id(open(root, path)?) else {
            continue;
        };
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let (directory, name) = id.split_at(2);
        let copy = DebugCopy {
            from: path.clone(),
            directory: format!("/dest/{DIRECTORY}/{directory}"),
            name: format!("{name}.debug"),
        };
        copies.entry(id).or_insert(copy);
    }
    Ok(copies.into_values().collect())
}

/// Makes the copies, by the toolchain's `objcopy`.
pub(super) fn run(copies: &[DebugCopy], tools: &mut dyn Tools) -> Result<(), ToolError> {
    for batch in copies.chunks(BATCH) {
        let directories = batch.iter().map(|copy| copy.directory.clone());
        tools.run(words(["mkdir", "-p", "--"], directories))?;
        for copy in batch {
            let from = std::path::Path::new("/dest").join(copy.from.as_path());
            let mut argv = words(["objcopy", "--only-keep-debug", "--"], []);
            argv.extend([from.into(), copy.path().into()]);
            tools.run(argv)?;
        }
        // Nobody runs them.
        let files = batch.iter().map(DebugCopy::path);
        tools.run(words(["chmod", "644", "--"], files))?;
    }
    Ok(())
}

impl DebugCopy {
    fn path(&self) -> String {
        format!("{}/{}", self.directory, self.name)
    }
}

fn words<const N: usize>(
    first: [&str; N],
    rest: impl IntoIterator<Item = String>,
) -> Vec<OsString> {
    let first = first.into_iter().map(OsString::from);
    first.chain(rest.into_iter().map(OsString::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::{is_debug_file, name_of};

    #[test]
    fn only_files_below_the_directory_of_build_ids_describe_others() {
        for (path, expected) in [
            ("usr/lib/debug/.build-id/ab/cdef.debug", true),
            ("usr/lib/debug/.build-ids/ab", false),
            ("usr/lib/debug/.build-id", false),
            ("usr/bin/a", false),
        ] {
            assert_eq!(is_debug_file(&path.parse().expect("a path")), expected);
        }
    }

    #[test]
    fn file_that_describes_another_is_found_by_build_id() {
        let name = |path: &str| {
            let provided = name_of(&path.parse().expect("a path"))?;
            Some(provided.to_string())
        };
        let id = "build-id-abcdef";
        assert_eq!(
            name("usr/lib/debug/.build-id/ab/cdef.debug").as_deref(),
            Some(id)
        );
        for other in [
            "usr/lib/debug/.build-id/ab/cdef",
            "usr/lib/debug/.build-id/ab.debug",
            "usr/lib/debug/.build-id/ab/c/d.debug",
            "usr/lib/debug/.build-id/ab/=1.debug",
            "usr/lib/debug/.build-ids/ab/cdef.debug",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
