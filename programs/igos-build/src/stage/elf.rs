//! What an ELF file says of itself, read from the same tables as the loader reads (never by running it).
//!
//! Source: System V ABI, chapters 4 and 5, and `elf(5)`. The bytes are hostile: every offset is tested by the
//! `object` crate, and whatever does not parse is an error of this one file.

use object::elf;
use object::endian::Endianness;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadCacheOps, ReadRef};

/// Most entries of a dynamic table that are looked at; real libraries stay below a hundred.
const DYNAMIC_MAX_ENTRIES: usize = 65_536;
/// Longest string taken from a string table, in bytes (`PATH_MAX`).
const STRING_MAX_BYTES: u64 = 4096;

/// How long build ids are: 8 bytes of `ld --build-id=fast`, 16 of `md5`, 20 of `sha1`, and whatever people choose.
const BUILD_ID_BYTES: std::ops::RangeInclusive<usize> = 2..=64;

/// What kind of ELF file it is, as far as stripping and loading care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElfKind {
    /// `ET_REL`: an object file or kernel module.
    Relocatable,
    /// `ET_EXEC` or `ET_DYN`: a program or a shared library.
    Loadable,
    /// Anything else, for example a core dump.
    Other,
}

/// What one ELF file needs and offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ElfFacts {
    /// What kind of file it is.
    pub(crate) kind: ElfKind,
    /// `e_machine`.
    pub(crate) machine: u16,
    /// The interpreter of a dynamic program, from `PT_INTERP`.
    pub(crate) interpreter: Option<Vec<u8>>,
    /// `DT_SONAME`.
    pub(crate) soname: Option<Vec<u8>>,
    /// `DT_NEEDED`, in file order.
    pub(crate) needed: Vec<Vec<u8>>,
    /// The elements of `DT_RUNPATH` or, where that is absent, of `DT_RPATH`.
    pub(crate) search_path: Vec<Vec<u8>>,
}

/// A file begins like ELF but cannot be read as such.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElfError {
    /// A header or table is cut off or inconsistent.
    #[error("not a valid ELF file")]
    Invalid(#[from] object::read::Error),
    /// The dynamic table points outside of the file.
    #[error("the {what} of this ELF file lies outside of it")]
    Outside {
        /// What it points at.
        what: &'static str,
    },
}

/// Returns what the file says of itself, `None` if it does not begin with ELF's magic bytes.
pub(crate) fn read_elf(file: impl ReadCacheOps) -> Result<Option<ElfFacts>, ElfError> {
    let cache = ReadCache::new(file);
    let data = &cache;
    let Ok(ident) = data.read_bytes_at(0, 5) else {
        return Ok(None);
    };
    if ident[..4] != elf::ELFMAG {
        return Ok(None);
    }
    match ident[4] {
        class if class == elf::ELFCLASS32.0 => facts::<elf::FileHeader32<Endianness>, _>(data),
        _ => facts::<elf::FileHeader64<Endianness>, _>(data),
    }
    .map(Some)
}

/// Returns the build id of a file that has information for debuggers (`.debug_info`); `None` without one of the two.
pub(crate) fn debug_id(file: impl ReadCacheOps) -> Result<Option<Vec<u8>>, ElfError> {
    let cache = ReadCache::new(file);
    let data = &cache;
    match data.read_bytes_at(0, 5) {
        Ok(ident) if ident[..4] == elf::ELFMAG => match ident[4] {
            class if class == elf::ELFCLASS32.0 => {
                debug_id_of::<elf::FileHeader32<Endianness>, _>(data)
            }
            _ => debug_id_of::<elf::FileHeader64<Endianness>, _>(data),
        },
        _ => Ok(None),
    }
}

fn debug_id_of<'data, Header, R>(data: R) -> Result<Option<Vec<u8>>, ElfError>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    if sections.section_by_name(endian, b".debug_info").is_none() {
        return Ok(None);
    }
    for segment in header.program_headers(endian, data)? {
        let Some(mut notes) = segment.notes(endian, data)? else {
            continue;
        };
        while let Some(note) = notes.next()? {
            let is_id =
                note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID;
            if is_id && BUILD_ID_BYTES.contains(&note.desc().len()) {
                return Ok(Some(note.desc().to_vec()));
            }
        }
    }
    Ok(None)
}

fn facts<'data, Header, R>(data: R) -> Result<ElfFacts, ElfError>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let mut facts = ElfFacts {
        kind: match header.e_type(endian) {
            elf::ET_REL => ElfKind::Relocatable,
            elf::ET_EXEC | elf::ET_DYN => ElfKind::Loadable,
            _ => ElfKind::Other,
        },
        machine: header.e_machine(endian).0,
        interpreter: None,
        soname: None,
        needed: Vec::new(),
        search_path: Vec::new(),
    };
    if facts.kind != ElfKind::Loadable {
        return Ok(facts);
    }
    let segments = header.program_headers(endian, data)?;
    for segment in segments {
        if let Some(interpreter) = segment.interpreter(endian, data)? {
            facts.interpreter = Some(interpreter.to_vec());
        }
        if let Some(dynamic) = segment.dynamic(endian, data)? {
            read_dynamic::<Header, R>(&mut facts, dynamic, segments, endian, data)?;
        }
    }
    Ok(facts)
}

fn read_dynamic<'data, Header, R>(
    facts: &mut ElfFacts,
    dynamic: &[Header::Dyn],
    segments: &[Header::ProgramHeader],
    endian: Endianness,
    data: R,
) -> Result<(), ElfError>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let entries: Vec<(elf::DynamicTag, u64)> = dynamic
        .iter()
        .take(DYNAMIC_MAX_ENTRIES)
        .map(|entry| (entry.tag(endian), entry.val(endian)))
        .take_while(|(tag, _)| *tag != elf::DT_NULL)
        .collect();
    let value = |wanted| {
        entries
            .iter()
            .find(|(tag, _)| *tag == wanted)
            .map(|(_, value)| *value)
    };
    let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else {
        return Ok(());
    };
    let Some(start) = file_offset::<Header>(address, segments, endian) else {
        return Err(ElfError::Outside {
            what: "string table",
        });
    };
    let string = |offset: u64| -> Result<Vec<u8>, ElfError> {
        let length = size.saturating_sub(offset).min(STRING_MAX_BYTES);
        let at = start.checked_add(offset);
        let text = at
            .and_then(|at| {
                data.read_bytes_at_until(at..at.saturating_add(length), 0)
                    .ok()
            })
            .ok_or(ElfError::Outside { what: "string" })?;
        Ok(text.to_vec())
    };
    let mut rpath = None;
    let mut runpath = None;
    for (tag, value) in &entries {
        match *tag {
            elf::DT_NEEDED => facts.needed.push(string(*value)?),
            elf::DT_SONAME => facts.soname = Some(string(*value)?),
            elf::DT_RPATH => rpath = Some(string(*value)?),
            elf::DT_RUNPATH => runpath = Some(string(*value)?),
            _ => {}
        }
    }
    if let Some(path) = runpath.or(rpath) {
        facts.search_path = path
            .split(|byte| *byte == b':')
            .filter(|element| !element.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
    }
    Ok(())
}

/// Returns where in the file the byte at a virtual address lies.
fn file_offset<Header: FileHeader<Endian = Endianness>>(
    address: u64,
    segments: &[Header::ProgramHeader],
    endian: Endianness,
) -> Option<u64> {
    segments
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
        .find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr(endian).into())?;
            let in_file: u64 = segment.p_filesz(endian).into();
            if inside < in_file {
                Into::<u64>::into(segment.p_offset(endian)).checked_add(inside)
            } else {
                None
            }
        })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::{ElfKind, read_elf};

    fn own_program() -> Vec<u8> {
        let path = std::env::current_exe().expect("a test program has a path");
        fs_err::read(path).expect("a running program can be read")
    }

    #[test]
    fn this_test_program_names_its_interpreter_and_its_c_library() {
        let facts = read_elf(Cursor::new(own_program()))
            .expect("valid")
            .expect("ELF");
        assert_eq!(facts.kind, ElfKind::Loadable);
        let interpreter = facts.interpreter.expect("a dynamic program has one");
        assert!(
            interpreter.starts_with(b"/lib"),
            "{}",
            interpreter.escape_ascii()
        );
        assert!(
            facts.needed.iter().any(|name| name.starts_with(b"libc.")),
            "{:?}",
            facts.needed
        );
        assert_eq!(facts.soname, None);
    }

    #[test]
    fn text_and_short_files_are_not_elf() {
        for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\n"] {
            assert_eq!(read_elf(Cursor::new(bytes)).expect("no error"), None);
        }
    }

    #[test]
    fn truncated_elf_is_an_error() {
        let program = own_program();
        for length in [5, 40, 63] {
            assert!(
                read_elf(Cursor::new(&program[..length])).is_err(),
                "{length}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damaged_elf_never_panics(damage in proptest::collection::vec((0_usize..4096, any::<u8>()), 1..40)) {
            let mut program = own_program();
            program.truncate(1 << 20);
            for (at, byte) in damage {
                program[at] = byte;
            }
            let _outcome = read_elf(Cursor::new(program)).is_ok();
        }
    }
}
