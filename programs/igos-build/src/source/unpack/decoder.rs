//! From a compressed file to the bytes in it.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::PathBuf;

use fs_err as fs;
use liblzma::stream::Stream;

use super::place::UnpackError;

/// Most memory a decoder may use, in bytes: xz needs 1.5 GiB for its largest dictionary, which nobody uses;
/// presets stop at 65 MiB.
const DECODER_MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Largest window of zstd, as a power of two: what `zstd --ultra --long=27` makes (RFC 8878 recommends 8 MiB).
const ZSTD_WINDOW_LOG: u32 = 27;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Gzip,
    Bzip2,
    Xz,
    Lzip,
    Lzma,
    Zstd,
    Zip,
}

impl Format {
    /// Returns the format that the first bytes show; `.lzma` has no magic bytes and is known by its name.
    pub(super) fn detect(first: &[u8], name: &str) -> Format {
        const MAGIC: [(&[u8], Format); 7] = [
            (b"\x1f\x8b", Format::Gzip),
            (b"BZh", Format::Bzip2),
            (b"\xfd7zXZ\0", Format::Xz),
            (b"LZIP", Format::Lzip),
            (b"\x28\xb5\x2f\xfd", Format::Zstd),
            (b"PK\x03\x04", Format::Zip),
            (b"PK\x05\x06", Format::Zip),
        ];
        MAGIC
            .into_iter()
            .find(|(magic, _)| first.starts_with(magic))
            .map(|(_, format)| format)
            .unwrap_or(if name.ends_with(".lzma") || name.ends_with(".tlz") {
                Format::Lzma
            } else {
                Format::Plain
            })
    }
}

/// An open source and its decoder.
pub(super) struct Decoder {
    file: PathBuf,
    inner: Inner,
}

enum Inner {
    Zip(fs::File),
    Stream(Box<dyn Read>),
}

/// Opens a source.
pub(super) fn open(file: &str, name: &str) -> Result<(Decoder, Format), UnpackError> {
    let path = PathBuf::from(file);
    let failed = |source| UnpackError::io("open", &path, source);
    let mut reader = BufReader::with_capacity(256 * 1024, fs::File::open(&path).map_err(failed)?);
    let format = Format::detect(reader.fill_buf().map_err(failed)?, name);
    let stream: Box<dyn Read> = match format {
        Format::Zip => {
            let mut file = reader.into_inner();
            file.rewind().map_err(failed)?;
            return Ok((
                Decoder {
                    file: path,
                    inner: Inner::Zip(file),
                },
                format,
            ));
        }
        Format::Plain => Box::new(reader),
        Format::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Format::Xz | Format::Lzip | Format::Lzma => {
            let stream = match format {
                Format::Xz => {
                    Stream::new_stream_decoder(DECODER_MAX_BYTES, liblzma::stream::CONCATENATED)
                }
                Format::Lzip => {
                    Stream::new_lzip_decoder(DECODER_MAX_BYTES, liblzma::stream::CONCATENATED)
                }
                _ => Stream::new_lzma_decoder(DECODER_MAX_BYTES),
            };
            let stream = stream.map_err(|error| failed(error.into()))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader).map_err(failed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(failed)?;
            Box::new(decoder)
        }
    };
    Ok((
        Decoder {
            file: path,
            inner: Inner::Stream(stream),
        },
        format,
    ))
}

impl Decoder {
    /// Reads what follows, so that a file cut off behind the last entry is found.
    pub(super) fn finish(mut self) -> Result<(), UnpackError> {
        io::copy(&mut self, &mut io::sink())
            .map(drop)
            .map_err(|source| UnpackError::io("read", &self.file, source))
    }

    /// Returns the file of a zip archive, which is read at random places.
    pub(super) fn into_file(self) -> (PathBuf, Option<fs::File>) {
        match self.inner {
            Inner::Zip(file) => (self.file, Some(file)),
            Inner::Stream(_) => (self.file, None),
        }
    }

    /// Returns the name of the file, for messages.
    pub(super) fn path(&self) -> &std::path::Path {
        &self.file
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Stream(stream) => stream.read(buffer),
            Inner::Zip(file) => file.read(buffer),
        }
    }
}
