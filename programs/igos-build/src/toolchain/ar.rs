//! The container of a `.deb`: an `ar` file with three members in fixed order (deb(5)).

use std::io::{self, Read};

/// What every `ar` file begins with.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Length of a member's header, in bytes.
const HEADER_BYTES: usize = 60;

/// Longest content of the members before the data, in bytes; the largest control archives have a few hundred KiB.
const CONTROL_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// An `ar` file is not one of a `.deb`.
#[derive(Debug, thiserror::Error)]
pub enum ArError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It does not begin like one.
    #[error("it does not begin like a .deb")]
    Magic,
    /// A header of a member is not what it should be.
    #[error("the header of member {number} is damaged")]
    Header {
        /// Which one, counted from 1.
        number: usize,
    },
    /// A member is not the one that belongs there.
    #[error("member {number} is {found:?}, expected {expected}")]
    Member {
        /// Which one, counted from 1.
        number: usize,
        /// Its name.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The format version is not 2.
    #[error("its format version is {found:?}, expected \"2.0\"")]
    Version {
        /// What it says.
        found: String,
    },
}

/// How the data of a `.deb` are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataCompression {
    None,
    Gzip,
    Xz,
    Zstd,
}

/// Reads up to the content of the data member, and returns how that is compressed and its length in bytes.
pub(super) fn find_data(input: &mut impl Read) -> Result<(DataCompression, u64), ArError> {
    let mut magic = [0; MAGIC.len()];
    read_all(input, &mut magic)?;
    if magic != *MAGIC {
        return Err(ArError::Magic);
    }
    let (name, size) = read_header(input, 1)?;
    if name != "debian-binary" || size > 16 {
        return Err(member(1, name, "debian-binary"));
    }
    let version = read_content(input, size)?;
    if !version.starts_with(b"2.") {
        let found = String::from_utf8_lossy(&version).trim_end().to_owned();
        return Err(ArError::Version { found });
    }
    let (name, size) = read_header(input, 2)?;
    if !name.starts_with("control.tar") || size > CONTROL_MAX_BYTES {
        return Err(member(2, name, "control.tar of at most 64 MiB"));
    }
    read_content(input, size)?;
    let (name, size) = read_header(input, 3)?;
    let compression = match name.as_str() {
        "data.tar" => DataCompression::None,
        "data.tar.gz" => DataCompression::Gzip,
        "data.tar.xz" => DataCompression::Xz,
        "data.tar.zst" => DataCompression::Zstd,
        _ => {
            return Err(member(
                3,
                name,
                "data.tar, plain or compressed with gz, xz or zst",
            ));
        }
    };
    Ok((compression, size))
}

fn member(number: usize, found: String, expected: &'static str) -> ArError {
    ArError::Member {
        number,
        found,
        expected,
    }
}

fn read_header(input: &mut impl Read, number: usize) -> Result<(String, u64), ArError> {
    let mut header = [0; HEADER_BYTES];
    read_all(input, &mut header)?;
    let text = std::str::from_utf8(&header)
        .ok()
        .filter(|text| text.is_ascii() && text.ends_with("`\n"));
    let text = text.ok_or(ArError::Header { number })?;
    // GNU ar writes a slash after the name.
    let name = text[..16].trim_end_matches(' ').trim_end_matches('/');
    let size = text[48..58].trim_end_matches(' ');
    let is_decimal = size.bytes().all(|byte| byte.is_ascii_digit());
    let size = size
        .parse()
        .ok()
        .filter(|_| is_decimal)
        .ok_or(ArError::Header { number })?;
    Ok((name.to_owned(), size))
}

/// Reads a member's content and the byte that pads it to an even length.
fn read_content(input: &mut impl Read, size: u64) -> Result<Vec<u8>, ArError> {
    let mut content = Vec::new();
    let padded = size + size % 2;
    let read = input
        .take(padded)
        .read_to_end(&mut content)
        .map_err(ArError::Read)?;
    if read as u64 != padded {
        return Err(ArError::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    content.truncate(size as usize);
    Ok(content)
}

fn read_all(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), ArError> {
    input.read_exact(buffer).map_err(ArError::Read)
}

#[cfg(test)]
mod tests {
    use super::{ArError, DataCompression, find_data};

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            content.len()
        )
        .into_bytes();
        bytes.extend(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
        bytes
    }

    fn deb(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            bytes.extend(member(name, content));
        }
        bytes
    }

    #[test]
    fn data_are_found_behind_the_other_members() {
        let bytes = deb(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", b"odd"),
            ("data.tar.zst", b"data"),
        ]);
        let mut input = bytes.as_slice();
        assert_eq!(
            find_data(&mut input).expect("it is a deb"),
            (DataCompression::Zstd, 4)
        );
        assert_eq!(input, b"data");
    }

    #[test]
    fn whatever_is_not_a_deb_is_refused() {
        let version = ("debian-binary", b"2.0\n".as_slice());
        let control = ("control.tar.xz", b"".as_slice());
        assert!(matches!(
            find_data(&mut &b"!<arch>"[..]),
            Err(ArError::Read(_))
        ));
        assert!(matches!(
            find_data(&mut &b"PK\x03\x04abcd"[..]),
            Err(ArError::Magic)
        ));
        for (bytes, what) in [
            (deb(&[("debian-binary", b"3.0\n"), control]), "version"),
            (deb(&[control, version]), "order"),
            (
                deb(&[version, control, ("data.tar.bz2", b"")]),
                "compression",
            ),
            (deb(&[version, control, ("data.tar.xz/evil", b"")]), "name"),
        ] {
            assert!(find_data(&mut bytes.as_slice()).is_err(), "{what}");
        }
        let bytes = deb(&[version, control, ("data.tar", b"")]);
        for length in 0..bytes.len() {
            assert!(find_data(&mut &bytes[..length]).is_err(), "{length}");
        }
        let mut sized = bytes.clone();
        sized[8 + 48..8 + 58].copy_from_slice(b"-1        ");
        assert!(matches!(
            find_data(&mut sized.as_slice()),
            Err(ArError::Header { number: 1 })
        ));
    }
}
