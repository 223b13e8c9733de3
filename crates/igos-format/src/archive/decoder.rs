//! Decompressing one frame at a time, within bounds.

use std::io;

use flate2::{Decompress, FlushDecompress};
use liblzma::stream::{Action, Stream};
use zstd::stream::raw::{DParameter, InBuffer, Operation, OutBuffer};

use super::CompressionFormat;

/// Largest window of a zstd frame, as a power of two: 128 MiB (threats note, X9).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Most memory an xz decoder may take, in bytes; its highest level needs 65 MiB.
const XZ_MEMORY_MAX: u64 = 128 * 1024 * 1024;

/// Window of deflate, as a power of two.
const GZIP_WINDOW_BITS: u8 = 15;

/// How many bytes of a frame [`starts_canonically`] looks at.
pub(super) const START_BYTES: usize = 18;

/// Turns stored bytes of one frame into decompressed ones.
pub(super) enum Decoder {
    Zstd(Box<zstd::stream::raw::Decoder<'static>>),
    Gzip(Box<Decompress>),
    Xz(Box<Stream>),
}

/// What one step did.
pub(super) struct Step {
    /// Stored bytes taken.
    pub(super) consumed: usize,
    /// Decompressed bytes given.
    pub(super) produced: usize,
    /// Whether the frame is complete, with its checksum compared.
    pub(super) is_end: bool,
}

impl Decoder {
    pub(super) fn new(format: CompressionFormat) -> io::Result<Self> {
        Ok(match format {
            CompressionFormat::Zstd => {
                let mut decoder = zstd::stream::raw::Decoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
                Decoder::Zstd(Box::new(decoder))
            }
            CompressionFormat::Gzip => {
                Decoder::Gzip(Box::new(Decompress::new_gzip(GZIP_WINDOW_BITS)))
            }
            CompressionFormat::Xz => {
                Decoder::Xz(Box::new(Stream::new_stream_decoder(XZ_MEMORY_MAX, 0)?))
            }
        })
    }

    /// Takes some of `input`, gives some bytes into `output`.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let step = match self {
            Decoder::Zstd(decoder) => {
                let mut input = InBuffer::around(input);
                let mut output = OutBuffer::around(output);
                let rest = decoder.run(&mut input, &mut output)?;
                Step {
                    consumed: input.pos(),
                    produced: output.pos(),
                    is_end: rest == 0,
                }
            }
            Decoder::Gzip(decoder) => {
                let before = (decoder.total_in(), decoder.total_out());
                let status = decoder.decompress(input, output, FlushDecompress::None)?;
                Step {
                    consumed: (decoder.total_in() - before.0) as usize,
                    produced: (decoder.total_out() - before.1) as usize,
                    is_end: status == flate2::Status::StreamEnd,
                }
            }
            Decoder::Xz(decoder) => {
                let before = (decoder.total_in(), decoder.total_out());
                let status = decoder.process(input, output, Action::Run)?;
                Step {
                    consumed: (decoder.total_in() - before.0) as usize,
                    produced: (decoder.total_out() - before.1) as usize,
                    is_end: status == liblzma::stream::Status::StreamEnd,
                }
            }
        };
        if step.consumed == 0 && step.produced == 0 && !step.is_end {
            // Asked again it would say the same, for ever.
            return Err(io::Error::other("the decoder makes no progress"));
        }
        Ok(step)
    }
}

/// Tells whether a frame begins as ours do: no optional features, no names, no times, sizes and checksums present.
///
/// `length` is what the frame must state as its decompressed length, where the form states it and it is known.
pub(super) fn starts_canonically(
    format: CompressionFormat,
    bytes: &[u8],
    length: Option<u64>,
) -> bool {
    let Some(rest) = bytes.strip_prefix(format.magic()) else {
        return false;
    };
    match format {
        CompressionFormat::Zstd => zstd_content_size(rest)
            .is_some_and(|stated| length.is_none_or(|length| length == stated)),
        // No flags, no time, any hint about the level, no operating system (RFC 1952, 2.3).
        CompressionFormat::Gzip => {
            matches!(rest, [0, 0, 0, 0, 0, 0 | 2 | 4, 0xff, ..])
        }
        // CRC64 as the integrity check (The .xz File Format, 2.1.1.2).
        CompressionFormat::Xz => rest.starts_with(&[0, 4]),
    }
}

/// Returns the content size that a zstd frame header states (RFC 8878, 3.1.1.1), `None` if it does not state one,
/// lacks the checksum, or has a dictionary.
fn zstd_content_size(header: &[u8]) -> Option<u64> {
    let (&descriptor, rest) = header.split_first()?;
    let is_single_segment = descriptor & 0x20 != 0;
    // Two unused bits are 0, the checksum bit is 1, the two bits about a dictionary are 0.
    if descriptor & 0x1f != 0x04 {
        return None;
    }
    let rest = if is_single_segment {
        rest
    } else {
        rest.split_first()?.1
    };
    let field = |count: usize| {
        let mut bytes = [0; 8];
        bytes[..count].copy_from_slice(rest.get(..count)?);
        Some(u64::from_le_bytes(bytes))
    };
    match (descriptor >> 6, is_single_segment) {
        (0, false) => None,
        (0, true) => field(1),
        (1, _) => field(2).map(|size| size + 256),
        (2, _) => field(4),
        _ => field(8),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{CompressionFormat, Decoder, starts_canonically};

    #[test]
    fn decoder_that_can_make_no_progress_says_so_instead_of_going_round() {
        for format in CompressionFormat::ALL {
            let mut decoder = Decoder::new(format).expect("there is memory");
            let mut output = [0; 16];
            let first = decoder.step(&[], &mut output);
            assert!(first.is_err(), "{format}");
        }
    }

    #[test]
    fn xz_with_the_dictionary_of_its_highest_level_is_decoded() {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 9);
        encoder.write_all(b"content").expect("there is memory");
        let stored = encoder.finish().expect("there is memory");
        let mut decoder = Decoder::new(CompressionFormat::Xz).expect("there is memory");
        let mut output = [0; 16];
        let (mut taken, mut given) = (0, 0);
        loop {
            let step = decoder
                .step(&stored[taken..], &mut output[given..])
                .expect("64 MiB are allowed");
            taken += step.consumed;
            given += step.produced;
            if step.is_end {
                break;
            }
        }
        assert_eq!((&output[..given], taken), (&b"content"[..], stored.len()));
    }

    #[test]
    fn zstd_frame_that_states_no_size_is_not_ours_even_where_none_is_expected() {
        let begins = |descriptor: u8| {
            let header = [&[0x28, 0xb5, 0x2f, 0xfd, descriptor][..], &[0; 12]].concat();
            starts_canonically(CompressionFormat::Zstd, &header, None)
        };
        assert!(begins(0x24));
        assert!(!begins(0x04));
        let short = [&[0x28, 0xb5, 0x2f, 0xfd, 0x24, 5][..], &[1; 11]].concat();
        assert!(starts_canonically(CompressionFormat::Zstd, &short, Some(5)));
    }
}
