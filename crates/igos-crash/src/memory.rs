//! Memory and descriptors of a thread that is stopped.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use fs_err as fs;
use nix::unistd::Pid;

/// Longest string read: a path of the kernel, or the value of an extended attribute.
const STRING_MAX_BYTES: usize = 64 * 1024;

/// What is read at a time: a page never ends in the middle.
const PAGE_BYTES: u64 = 4096;

fn open(thread: Pid) -> io::Result<fs::File> {
    fs::File::open(format!("/proc/{thread}/mem"))
}

/// Reads bytes.
pub(crate) fn bytes(thread: Pid, address: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    open(thread)?.file().read_exact_at(&mut bytes, address)?;
    Ok(bytes)
}

/// Reads a string up to its NUL.
pub(crate) fn string(thread: Pid, address: u64) -> io::Result<Vec<u8>> {
    let memory = open(thread)?;
    let mut found = Vec::new();
    while found.len() < STRING_MAX_BYTES {
        let at = address + found.len() as u64;
        let mut page = vec![0; usize::try_from(PAGE_BYTES - at % PAGE_BYTES).unwrap_or(1)];
        memory.file().read_exact_at(&mut page, at)?;
        if let Some(end) = page.iter().position(|byte| *byte == 0) {
            found.extend_from_slice(&page[..end]);
            return Ok(found);
        }
        found.extend_from_slice(&page);
    }
    Err(io::Error::other("a string does not end"))
}

/// Reads numbers of 64 bits.
pub(crate) fn words(thread: Pid, address: u64, count: u64) -> io::Result<Vec<u64>> {
    let bytes = bytes(thread, address, count.saturating_mul(8))?;
    let words = bytes.as_chunks::<8>().0.iter();
    Ok(words.map(|word| u64::from_ne_bytes(*word)).collect())
}

/// Returns a path that leads to what a descriptor of the thread is open for.
pub(crate) fn descriptor(thread: Pid, number: u64) -> PathBuf {
    // Arguments are 32 bits wide; the rest of the register is anything.
    let number = number as u32;
    PathBuf::from(format!("/proc/{thread}/fd/{number}"))
}

/// Returns where the next byte is read or written, and the flags of the open file.
pub(crate) fn position(thread: Pid, number: u64) -> io::Result<(u64, u64)> {
    let number = number as u32;
    let text = fs::read_to_string(format!("/proc/{thread}/fdinfo/{number}"))?;
    let field = |name: &str, radix| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| u64::from_str_radix(value.trim(), radix).ok())
    };
    match (field("pos:", 10), field("flags:", 8)) {
        (Some(position), Some(flags)) => Ok((position, flags)),
        _ => Err(io::Error::other("a descriptor tells no position")),
    }
}
