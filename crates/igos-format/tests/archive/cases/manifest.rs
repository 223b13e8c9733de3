//! Manifests that are not the one text for their values, or say what no package may say.

use igos_format::Sha256;
use igos_format::archive::ReadArchiveError as E;
use igos_format::manifest::{LineProblem, ManifestError, ManifestRule};

use super::case::{ALL, Case, cases};
use crate::forge::Forge;

/// The pattern of a refused line.
macro_rules! line {
    ($problem:ident) => {
        E::Manifest {
            source: ManifestError::Line {
                problem: LineProblem::$problem { .. },
                ..
            },
        }
    };
}

/// The pattern of a broken rule.
macro_rules! rule {
    ($rule:ident) => {
        E::Manifest {
            source: ManifestError::Line {
                problem: LineProblem::Rule(ManifestRule::$rule { .. }),
                ..
            },
        }
    };
}

/// The pattern of a refused text.
macro_rules! text {
    ($error:ident) => {
        E::Manifest {
            source: ManifestError::$error { .. },
        }
    };
}

pub(super) use {line, rule};

/// Replaces the one place where `from` is.
pub(super) fn replace(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let places: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    let [at] = places[..] else {
        panic!(
            "{:?} is there {} times",
            String::from_utf8_lossy(from),
            places.len()
        );
    };
    bytes.splice(at..at + from.len(), to.iter().copied());
}

/// Replaces a piece of the manifest's text, and makes its last line right again.
pub(super) fn say(forge: &mut Forge, from: &str, to: impl AsRef<[u8]>) {
    let length = forge.manifest.len() - "end \n".len() - 64;
    forge.manifest.truncate(length);
    replace(&mut forge.manifest, from.as_bytes(), to.as_ref());
    let end = format!("end {}\n", Sha256::of(&forge.manifest));
    forge.manifest.extend(end.into_bytes());
}

/// An archive whose manifest says `to` instead of `from`.
fn said(forge: &Forge, from: &str, to: impl AsRef<[u8]>) -> Vec<u8> {
    forge.change(|forge| say(forge, from, to))
}

/// An archive whose manifest has other lines after the recipe.
fn declares(forge: &Forge, lines: &str) -> Vec<u8> {
    said(forge, "origin built\n", format!("{lines}\norigin built\n"))
}

/// An archive whose manifest declares something after its time.
fn asks(forge: &Forge, lines: &str) -> Vec<u8> {
    let epoch = "source-date-epoch 1700000000\n";
    said(forge, epoch, format!("{epoch}{lines}\n"))
}

/// An archive whose manifest is of the format that has hooks, and has one.
fn hooks(forge: &Forge, hook: &str) -> Vec<u8> {
    forge.change(|forge| {
        say(forge, "igos-manifest 1 1", "igos-manifest 2 2");
        let epoch = "source-date-epoch 1700000000\n";
        say(forge, epoch, format!("{epoch}hook post-install {hook}\n"));
    })
}

/// An archive whose manifest is what `change` makes of it, the last line and all.
fn raw(forge: &Forge, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    forge.change(|forge| change(&mut forge.manifest))
}

pub(crate) fn manifests_that_are_not_the_one_text() -> Vec<Case> {
    [texts(), identities(), declarations()]
        .into_iter()
        .flatten()
        .collect()
}

fn texts() -> Vec<Case> {
    cases! {
        "an empty manifest" "X5" ALL, |f| raw(f, Vec::clear) => text!(NotAManifest),
        "a manifest that begins with a byte order mark" "X5 P13" ALL, |f| said(f, "igos-manifest 1 1", "\u{feff}igos-manifest 1 1") => text!(NotAManifest),
        "a manifest for a newer reader" "X5" ALL, |f| said(f, "igos-manifest 1 1", "igos-manifest 1 3") => text!(NewerFormat),
        "a manifest of a newer version" "X5" ALL, |f| said(f, "igos-manifest 1 1", "igos-manifest 3 1") => text!(NewerFormat),
        "a manifest of the wrong older version" "X5" ALL, |f| said(f, "igos-manifest 1 1", "igos-manifest 2 2") => line!(NotCanonical),
        "a manifest without a last line" "X6" ALL, |f| raw(f, |m| m.truncate(m.len() - 69)) => text!(NoEnd),
        "a manifest without a last line feed" "X6" ALL, |f| raw(f, |m| { m.pop(); }) => text!(NoEnd),
        "a manifest whose last line has another digest" "X6 P9" ALL, |f| raw(f, |m| {
            let at = m.len() - 2;
            m[at] = if m[at] == b'0' { b'1' } else { b'0' };
        }) => text!(Damaged),
        "a manifest whose last line has a shortened digest" "P9" ALL, |f| raw(f, |m| { let at = m.len() - 10; m.drain(at..m.len() - 1); }) => text!(NoEnd),
        "a manifest whose last line has an empty digest" "P9" ALL, |f| raw(f, |m| { let at = m.len() - 65; m.drain(at..m.len() - 1); }) => text!(NoEnd),
        "a manifest with spaces behind its last line" "X5 P9" ALL, |f| raw(f, |m| { m.pop(); m.extend(b"  \n"); }) => line!(NotCanonical),
        "a manifest with a line after the last" "X5" ALL, |f| raw(f, |m| m.extend(b"x\n")) => text!(NoEnd),
        "a manifest with an empty line" "X5" ALL, |f| said(f, "epoch 0\n", "epoch 0\n\n") => line!(UnknownKey),
        "a manifest with carriage returns" "X5 P13" ALL, |f| said(f, "epoch 0\n", "epoch 0\r\n") => line!(Value),
        "a manifest with a NUL" "P13 E12" ALL, |f| said(f, "name tiny", "name tiny\0") => line!(Value),
        "a manifest that is not UTF-8" "E12" ALL, |f| said(f, "recipe tiny", b"recipe tin\xff") => text!(NotText),
        "a manifest with a key twice" "X5" ALL, |f| said(f, "epoch 0\n", "epoch 0\nepoch 1\n") => line!(Missing),
        "a manifest with keys out of order" "X5" ALL, |f| said(f, "name tiny\nepoch 0\n", "epoch 0\nname tiny\n") => line!(Missing),
        "a manifest without a name" "X5 P10" ALL, |f| said(f, "name tiny\n", "") => line!(Missing),
        "a manifest with an unknown key behind the rest" "X5" ALL, |f| asks(f, "colour red") => line!(UnknownKey),
        "a manifest with a tab for a space" "X5" ALL, |f| said(f, "epoch 0", "epoch\t0") => line!(UnknownKey),
        "a manifest with two spaces for one" "X5 P9" ALL, |f| said(f, "epoch 0", "epoch  0") => line!(Value),
    }
}

fn identities() -> Vec<Case> {
    cases! {
        "a name that climbs" "P9 X1" ALL, |f| said(f, "\nname tiny", "\nname ../tiny") => line!(Value),
        "a name with a slash" "P9 X1" ALL, |f| said(f, "\nname tiny", "\nname tiny/x") => line!(Value),
        "a name that is a flag" "P9" ALL, |f| said(f, "\nname tiny", "\nname -rf") => line!(Value),
        "a name that is a dot" "P9 X1" ALL, |f| said(f, "\nname tiny", "\nname .") => line!(Value),
        "an empty name" "P9" ALL, |f| said(f, "\nname tiny", "\nname ") => line!(Value),
        "a name of 129 bytes" "P9 X7" ALL, |f| said(f, "\nname tiny", format!("\nname {}", "n".repeat(129))) => line!(Value),
        "a name with ESC" "P9 P13" ALL, |f| said(f, "\nname tiny", "\nname ti\x1b[2Jny") => line!(Value),
        "a name with shell characters" "P9" ALL, |f| said(f, "\nname tiny", "\nname tiny;reboot") => line!(Value),
        "a name that is not ASCII" "P9" ALL, |f| said(f, "\nname tiny", "\nname t\u{456}ny") => line!(Value),
        "a version that climbs" "P9 X1" ALL, |f| said(f, "version 1.0", "version 1/../0") => line!(Value),
        "an empty version" "P9" ALL, |f| said(f, "version 1.0", "version ") => line!(Value),
        "a version of 129 bytes" "P9 X7" ALL, |f| said(f, "version 1.0", format!("version {}", "1".repeat(129))) => line!(Value),
        "a release with a hyphen" "P9 P10" ALL, |f| said(f, "release 1", "release 1-2") => line!(Value),
        "an unknown machine" "P10" ALL, |f| said(f, "arch any", "arch i386") => line!(Value),
        "an epoch below zero" "X8" ALL, |f| said(f, "\nepoch 0", "\nepoch -1") => line!(Value),
        "an epoch of 2^32" "X8" ALL, |f| said(f, "\nepoch 0", "\nepoch 4294967296") => line!(Value),
        "an epoch with a plus sign" "X8 X5" ALL, |f| said(f, "\nepoch 0", "\nepoch +0") => line!(NotCanonical),
        "a recipe that climbs" "P9 X1" ALL, |f| said(f, "recipe tiny", "recipe ../tiny") => line!(Value),
        "an unknown origin" "P13" ALL, |f| said(f, "origin built", "origin blessed") => line!(Value),
        "a build key of 12 digits" "P9" ALL, |f| {
            let text = String::from_utf8(f.manifest.clone()).expect("it is text");
            let key = text.lines().find(|line| line.starts_with("build-key ")).expect("it has one");
            said(f, key, &key[..22])
        } => line!(Value),
        "a build key with a space before it" "P9" ALL, |f| said(f, "build-key ", "build-key  ") => line!(Value),
        "a time before 1970" "X8" ALL, |f| said(f, "epoch 1700000000", "epoch -1") => line!(Value),
        "a time that tar cannot hold" "X8" ALL, |f| said(f, "epoch 1700000000", "epoch 8589934592") => rule!(Epoch),
        "a time past 64 bits" "X8" ALL, |f| said(f, "epoch 1700000000", "epoch 18446744073709551616") => line!(Value),
    }
}

fn declarations() -> Vec<Case> {
    cases! {
        "a description with an escape sequence" "P13" ALL, |f| declares(f, "description a\\x1b[2J") => rule!(Control),
        "a description with a raw escape sequence" "P13" ALL, |f| declares(f, "description a\x1b[2J") => line!(Value),
        "a description with a line feed" "P13 E12" ALL, |f| declares(f, "description a\\x0afile") => rule!(Control),
        "a description with a C1 control" "P13" ALL, |f| declares(f, "description \\xc2\\x9b") => rule!(Control),
        "a description with a NUL" "P13" ALL, |f| declares(f, "description a\\x00b") => rule!(Control),
        "a description that is not UTF-8" "E12" ALL, |f| declares(f, "description a\\xff") => line!(Value),
        "a description escaped needlessly" "E12 X5" ALL, |f| declares(f, "description \\x61") => line!(Value),
        "a description escaped with capitals" "E12 X5" ALL, |f| declares(f, "description a\\x1B") => line!(Value),
        "a description with half an escape" "E12 X5" ALL, |f| declares(f, "description a\\x1") => line!(Value),
        "a licence with a bell" "P13" ALL, |f| declares(f, "license MIT\\x07") => rule!(Control),
        "a homepage with ESC" "P13" ALL, |f| declares(f, "homepage https://a\\x1b") => rule!(Control),
        "an essential that says no" "X5" ALL, |f| asks(f, "essential no") => line!(NotCanonical),
        "a dependency with a slash" "P9" ALL, |f| asks(f, "depends ../a") => line!(Value),
        "a dependency twice" "X5" ALL, |f| asks(f, "depends a\ndepends a") => line!(Order),
        "a package it replaces by a path" "P9" ALL, |f| asks(f, "supersedes a/b") => line!(Value),
        "a user with a colon" "P13 P16" ALL, |f| asks(f, "user evil:0") => line!(Value),
        "a user with a line in its home" "P13 P16" ALL, |f| asks(f, "user evil home=/\\x0aroot::0:0:") => rule!(Control),
        "a user with a line in its shell" "P13 P16" ALL, |f| asks(f, "user evil shell=/bin/sh\\x0a") => rule!(Control),
        "a user with a number of 2^32" "X8 P16" ALL, |f| asks(f, "user evil uid=4294967296") => line!(Value),
        "a user with an unknown property" "P13 P16" ALL, |f| asks(f, "user evil sudo=yes") => line!(Value),
        "a group with a comma" "P13 P16" ALL, |f| asks(f, "group a,b") => line!(Value),
        "a service that climbs" "P9 X1" ALL, |f| asks(f, "service ../../a enabled") => line!(Value),
        "an alternative that climbs" "X1" ALL, |f| asks(f, "alternative ../a bin/a 1") => line!(Value),
        "an alternative that is absolute" "X1" ALL, |f| asks(f, "alternative /etc/shadow bin/a 1") => line!(Value),
        "an alternative with a climbing target" "X1" ALL, |f| asks(f, "alternative bin/g ../../a 1") => line!(Value),
        "an alternative without a priority" "X5" ALL, |f| asks(f, "alternative bin/g bin/a") => line!(Missing),
        "a trigger with ESC in its program" "P13" ALL, |f| asks(f, "trigger t path=x run=/bin/a\\x1b") => rule!(Control),
        "a hook in the format without hooks" "X5" ALL, |f| asks(f, "hook post-install run=/bin/a") => line!(NotCanonical),
        "a hook with a relative program" "P13" ALL, |f| hooks(f, "run=bin/a") => rule!(HookProgram),
        "a hook with a climbing program" "X1" ALL, |f| hooks(f, "run=/bin/../../a") => rule!(HookProgram),
        "a hook without a program" "P13" ALL, |f| hooks(f, "run=") => rule!(HookProgram),
        "a hook with a line feed in an argument" "P13" ALL, |f| hooks(f, "run=/bin/a run=x\\x0ay") => rule!(Control),
        "a hook at an unknown moment" "X5" ALL, |f| hooks(f, "run=/bin/a\nhook mid-install run=/bin/a") => line!(Value),
    }
}
