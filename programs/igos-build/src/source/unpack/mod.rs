//! Unpacking sources, inside the sandbox.
//!
//! [`unpack`] is registered as a helper of the sandbox: it runs as the builder, sees nothing but the sources and
//! the build directory, and may be fooled by a hostile tarball into no more than a build script could do itself.
//! That is why it may follow what the tarball says about links; what it must not do is hang, use memory without
//! bound, or report success for half a tarball.

mod decoder;
mod order;
mod place;
mod tarball;
mod zipfile;

use std::path::Path;

pub use order::{Strip, UnpackAnswer, UnpackItem, UnpackKind, UnpackOrder};

/// The name under which the helper is registered.
pub const HELPER: &str = "unpack";

/// The file in which cargo looks for the digests of a package's files, none of which have to be named, and of the whole
/// (`src/sources/directory.rs` of cargo).
const CRATE_DIGESTS: &str = ".cargo-checksum.json";

/// Carries out an [`UnpackOrder`] and returns an [`UnpackAnswer`], both as JSON.
///
/// # Errors
///
/// Returns what could not be unpacked and why, as one line of text.
pub fn unpack(input: &[u8]) -> Result<Vec<u8>, String> {
    let order: UnpackOrder =
        serde_json::from_slice(input).map_err(|error| format!("cannot read the order: {error}"))?;
    let mut answer = UnpackAnswer::default();
    // Steps start in it, with sources or without.
    place::create_directories(Path::new(&order.target)).map_err(|error| error.to_string())?;
    for item in &order.items {
        let done = unpack_item(Path::new(&order.target), item).map_err(|error| {
            let mut text = format!("cannot unpack {}: {error}", item.file);
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                text.push_str(&format!(": {source}"));
                cause = source.source();
            }
            text
        })?;
        answer.entries += done.entries;
        answer.newest = answer.newest.max(done.newest);
    }
    serde_json::to_vec(&answer).map_err(|error| format!("cannot write the answer: {error}"))
}

fn unpack_item(target: &Path, item: &UnpackItem) -> Result<UnpackAnswer, place::UnpackError> {
    let directory = place::destination(target, &item.destination)?;
    match item.kind {
        UnpackKind::Archive if item.strip == Strip::OnlyTop => {
            let aside = place::aside(&directory);
            place::create_directories(&aside)?;
            let answer = unpack_archive(item, &aside)?;
            place::merge_aside(&directory)?;
            Ok(answer)
        }
        UnpackKind::Archive => unpack_archive(item, &directory),
        UnpackKind::Crate(sha256) => {
            let mut answer = unpack_archive(item, &directory)?;
            let text = format!("{{\"files\":{{}},\"package\":\"{sha256}\"}}");
            let to = directory.join(CRATE_DIGESTS);
            place::write(&mut text.as_bytes(), &to, 0o644)?;
            answer.entries += 1;
            Ok(answer)
        }
        UnpackKind::File => {
            let to = directory.join(&item.name);
            place::copy(Path::new(&item.file), &to)?;
            Ok(UnpackAnswer {
                entries: 1,
                newest: None,
            })
        }
        UnpackKind::Decompress => {
            let (mut file, _) = decoder::open(&item.file, &item.name)?;
            place::write(&mut file, &directory.join(&item.name), 0o644)?;
            file.finish()?;
            Ok(UnpackAnswer {
                entries: 1,
                newest: None,
            })
        }
        UnpackKind::Directory => place::copy_directory(Path::new(&item.file), &directory),
        UnpackKind::Member => {
            let member = item.member.as_deref().unwrap_or_default();
            let (mut file, _) = decoder::open(&item.file, &item.name)?;
            tarball::extract_member(&mut file, member, &directory.join(&item.name))?;
            Ok(UnpackAnswer {
                entries: 1,
                newest: None,
            })
        }
    }
}

fn unpack_archive(item: &UnpackItem, directory: &Path) -> Result<UnpackAnswer, place::UnpackError> {
    let (mut file, format) = decoder::open(&item.file, &item.name)?;
    if format == decoder::Format::Zip {
        return zipfile::unpack(file.into_file(), directory, item.strip);
    }
    let answer = tarball::unpack(&mut file, directory, item.strip)?;
    file.finish()?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
