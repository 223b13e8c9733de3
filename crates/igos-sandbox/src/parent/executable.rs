//! Which file the child is executed from.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Mutex;

use rustix::fs::{MemfdFlags, SealFlags};

use crate::Identity;

/// Our own program as the child executes it.
#[derive(Debug)]
pub(super) enum Executable {
    /// The file itself: it belongs to somebody else, so that nothing inside can change it.
    InPlace,
    /// A sealed copy in memory.
    ///
    /// Inside, `/proc/self/exe` of a helper leads to the file, and its owner may change mode and content of the
    /// program that the caller will start next (the way of CVE-2019-5736).
    Copy(OwnedFd),
}

/// How often the kernel is asked to seal the copy.
const SEAL_ATTEMPTS: usize = 40;

/// The copy, made once per process.
static COPY: Mutex<Option<OwnedFd>> = Mutex::new(None);

impl Executable {
    /// Chooses for a child that will run as `identity`.
    pub(super) fn choose(identity: Identity) -> io::Result<Self> {
        let mut file = File::open("/proc/self/exe")?;
        let metadata = file.metadata()?;
        // Capabilities inside reach files of this user alone; group and others could write without any.
        if metadata.uid() != identity.uid && metadata.mode() & 0o022 == 0 {
            return Ok(Executable::InPlace);
        }
        let mut copy = COPY
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(copy) = copy.as_ref() {
            return Ok(Executable::Copy(copy.try_clone()?));
        }
        let memory = make_memory()?;
        let mut memory = File::from(memory);
        io::copy(&mut file, &mut memory)?;
        rustix::fs::fchmod(&memory, rustix::fs::Mode::from_raw_mode(0o555))?;
        seal(&memory)?;
        let memory = OwnedFd::from(memory);
        *copy = Some(memory.try_clone()?);
        Ok(Executable::Copy(memory))
    }

    /// Returns the path to execute, valid while `self` lives.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Executable::InPlace => "/proc/self/exe".into(),
            // By our own id: in the process that executes it, which shares our descriptors' numbers only until then,
            // "self" would do, but not for a caller that starts it through another process.
            Executable::Copy(memory) => {
                format!("/proc/{}/fd/{}", std::process::id(), memory.as_raw_fd()).into()
            }
        }
    }
}

/// Seals memory against changes.
///
/// The kernel refuses as long as somebody holds a page, and on a busy machine its own lists do so for longer than it
/// waits (`memfd_wait_for_pins`, 150 ms); each time it is asked it empties them and waits again.
fn seal(memory: &File) -> io::Result<()> {
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    for _ in 1..SEAL_ATTEMPTS {
        match rustix::fs::fcntl_add_seals(memory, seals) {
            Err(rustix::io::Errno::BUSY) => {}
            result => return Ok(result?),
        }
    }
    Ok(rustix::fs::fcntl_add_seals(memory, seals)?)
}

fn make_memory() -> io::Result<OwnedFd> {
    const NAME: &str = "igos-sandbox-child";
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Linux before 6.3 does not know that memory can be made to be executed, and always lets it.
    match rustix::fs::memfd_create(NAME, flags | MemfdFlags::EXEC) {
        Err(rustix::io::Errno::INVAL) => Ok(rustix::fs::memfd_create(NAME, flags)?),
        result => Ok(result?),
    }
}
