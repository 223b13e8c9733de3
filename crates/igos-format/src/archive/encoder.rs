//! Compressing one frame at a time, with every setting that reaches the bytes fixed.

use std::io::{self, Write};

use flate2::GzBuilder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};

use super::{Compression, CompressionFormat};

/// Dictionary sizes of xz's levels 0 to 9, as powers of two (xz(1), "PRESET").
const XZ_DICTIONARY_LOG: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];

/// Smallest dictionary of xz, in bytes.
const XZ_DICTIONARY_MIN: u64 = 4096;

/// Compresses what is written to it into one frame.
pub(super) enum Encoder<W: Write> {
    Zstd(zstd::stream::write::Encoder<'static, W>),
    Gzip(flate2::write::GzEncoder<W>),
    Xz(liblzma::write::XzEncoder<W>),
}

impl<W: Write> Encoder<W> {
    /// Begins a frame that will hold exactly `length` bytes.
    pub(super) fn new(compression: Compression, length: u64, out: W) -> io::Result<Self> {
        let level = compression.level();
        Ok(match compression.format() {
            CompressionFormat::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, level.into())?;
                encoder.set_pledged_src_size(Some(length))?;
                encoder.include_contentsize(true)?;
                encoder.include_checksum(true)?;
                Encoder::Zstd(encoder)
            }
            CompressionFormat::Gzip => Encoder::Gzip(
                // 255: unknown operating system.
                GzBuilder::new()
                    .mtime(0)
                    .operating_system(255)
                    .write(out, flate2::Compression::new(level.into())),
            ),
            CompressionFormat::Xz => Encoder::Xz(liblzma::write::XzEncoder::new_stream(
                out,
                xz_stream(level, length)?,
            )),
        })
    }

    /// Completes the frame.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Xz(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Xz(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Xz(encoder) => encoder.flush(),
        }
    }
}

/// A dictionary larger than the frame buys nothing and costs both sides memory for every frame.
fn xz_stream(level: u8, length: u64) -> io::Result<Stream> {
    let largest = 1 << XZ_DICTIONARY_LOG[usize::from(level)];
    let dictionary = length.clamp(XZ_DICTIONARY_MIN, largest).next_power_of_two();
    let mut options = LzmaOptions::new_preset(level.into())?;
    options.dict_size(u32::try_from(dictionary).map_err(io::Error::other)?);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(Stream::new_stream_encoder(&filters, Check::Crc64)?)
}
