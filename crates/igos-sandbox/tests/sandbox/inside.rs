//! What runs inside: helpers that look around and try to do harm.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixStream};

use igos_sandbox::HelperFn;
use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::mount::{MountFlags, OpenTreeFlags};
use rustix::net::{AddressFamily, SocketType};

pub(crate) const HELPERS: &[(&str, HelperFn)] = &[
    ("list", |input| list(&text(input))),
    ("read", |input| read(&text(input))),
    ("change", |input| Ok(change(&text(input)).into_bytes())),
    ("connect", |input| Ok(connect(&text(input)).into_bytes())),
    ("escape", |_| Ok(escape().into_bytes())),
    ("fail", |input| Err(text(input))),
    ("panic", |_| panic!("a defect")),
    ("eat-memory", |_| eat_memory()),
    ("eat-memory-file", |_| eat_memory_file()),
    ("identity", |_| Ok(identity().into_bytes())),
    ("double", |_| double()),
    ("execute", |input| Ok(execute(&text(input)).into_bytes())),
];

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

/// Lists a directory, sorted.
fn list(path: &str) -> Result<Vec<u8>, String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names.join(" ").into_bytes())
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| error.to_string())
}

/// Tries every way to change a file; names those that worked.
fn change(path: &str) -> String {
    let now = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
        last_modification: rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
    };
    let attempts: [(&str, bool); 10] = [
        (
            "write",
            fs::OpenOptions::new().append(true).open(path).is_ok(),
        ),
        (
            "truncate",
            fs::OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(path)
                .is_ok(),
        ),
        (
            "chmod",
            fs::set_permissions(path, PermissionsExt::from_mode(0o4777)).is_ok(),
        ),
        ("chown", chown(path, Some(0), Some(0)).is_ok()),
        (
            "utimes",
            rustix::fs::utimensat(CWD, path, &now, rustix::fs::AtFlags::empty()).is_ok(),
        ),
        (
            "setxattr",
            rustix::fs::setxattr(path, "user.igos", b"x", XattrFlags::empty()).is_ok(),
        ),
        ("link", fs::hard_link(path, format!("{path}.link")).is_ok()),
        (
            "link-out",
            fs::hard_link(path, "/tmp/link").is_ok() || fs::hard_link(path, "/build/link").is_ok(),
        ),
        ("rename", fs::rename(path, format!("{path}.new")).is_ok()),
        ("unlink", fs::remove_file(path).is_ok()),
    ];
    worked(&attempts)
}

/// Connects to `tcp PORT` or `abstract NAME`.
fn connect(input: &str) -> String {
    let result = match input.split_once(' ') {
        Some(("tcp", port)) => TcpStream::connect(format!("127.0.0.1:{port}")).map(|_| ()),
        Some(("abstract", name)) => SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixStream::connect_addr(&address))
            .map(|_| ()),
        _ => Ok(()),
    };
    match result {
        Ok(()) => "connected".to_owned(),
        Err(error) => error.kind().to_string(),
    }
}

/// Answers each byte of standard input with its double; then tells how many there were, and how many descriptors it has.
fn double() -> Result<Vec<u8>, String> {
    let channel = rustix::stdio::stdin();
    let mut count = 0;
    let mut byte = [0];
    while rustix::io::read(channel, &mut byte).map_err(|error| error.to_string())? == 1 {
        rustix::io::write(channel, &[byte[0] * 2]).map_err(|error| error.to_string())?;
        count += 1;
    }
    let descriptors = fs::read_dir("/proc/self/fd").map_err(|error| error.to_string())?;
    Ok(format!("{count} {}", descriptors.count()).into_bytes())
}

/// Tries to execute a program.
fn execute(program: &str) -> String {
    match std::process::Command::new(program)
        .arg("-c")
        .arg(":")
        .status()
    {
        Ok(_) => "executed".to_owned(),
        Err(error) => error.kind().to_string(),
    }
}

/// Tries to gain rights; names the ways that worked.
fn escape() -> String {
    let socket = |family: u16, kind| {
        rustix::net::socket(AddressFamily::from_raw(family), kind, None).is_ok()
    };
    let device = |kind| {
        rustix::fs::mknodat(
            CWD,
            "/tmp/device",
            kind,
            Mode::from_raw_mode(0o666),
            rustix::fs::makedev(1, 1),
        )
        .is_ok()
    };
    let whiteout = rustix::fs::mknodat(
        CWD,
        "/tmp/whiteout",
        FileType::CharacterDevice,
        Mode::empty(),
        0,
    );
    let attempts: [(&str, bool); 15] = [
        (
            "mount-tmpfs",
            rustix::mount::mount("x", "/tmp", "tmpfs", MountFlags::empty(), None).is_ok(),
        ),
        (
            "mount-bind",
            rustix::mount::mount_bind("/tmp", "/run").is_ok(),
        ),
        (
            "remount",
            rustix::mount::mount_remount("/", MountFlags::empty(), "").is_ok(),
        ),
        (
            "unmount",
            rustix::mount::unmount("/proc/kcore", rustix::mount::UnmountFlags::DETACH).is_ok(),
        ),
        (
            "open-tree",
            rustix::mount::open_tree(CWD, "/", OpenTreeFlags::OPEN_TREE_CLONE).is_ok(),
        ),
        (
            "fsopen",
            rustix::mount::fsopen("tmpfs", rustix::mount::FsOpenFlags::empty()).is_ok(),
        ),
        ("chroot", rustix::process::chroot("/tmp").is_ok()),
        ("pivot-root", rustix::process::pivot_root("/", "/").is_ok()),
        ("character-device", device(FileType::CharacterDevice)),
        ("block-device", device(FileType::BlockDevice)),
        ("whiteout", whiteout.is_ok()),
        // AF_PACKET, AF_ALG, AF_VSOCK, raw IP.
        (
            "socket",
            socket(17, SocketType::RAW)
                || socket(38, SocketType::SEQPACKET)
                || socket(40, SocketType::STREAM)
                || socket(2, SocketType::RAW),
        ),
        ("host-name", rustix::system::sethostname(b"evil").is_ok()),
        (
            "groups",
            rustix::thread::set_thread_groups(&[rustix::process::Gid::ROOT]).is_ok(),
        ),
        (
            "signal-init",
            rustix::process::kill_process(
                rustix::process::Pid::INIT,
                rustix::process::Signal::KILL,
            )
            .is_ok(),
        ),
    ];
    worked(&attempts)
}

fn worked(attempts: &[(&str, bool)]) -> String {
    attempts
        .iter()
        .filter(|(_, worked)| *worked)
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Touches memory without end.
fn eat_memory() -> Result<Vec<u8>, String> {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 1024 * 1024]);
    }
}

/// Fills a file that exists in memory only, and is mapped by nobody.
fn eat_memory_file() -> Result<Vec<u8>, String> {
    let memory = rustix::fs::memfd_create("eaten", rustix::fs::MemfdFlags::CLOEXEC)
        .map_err(|error| error.to_string())?;
    let mut memory = fs::File::from(memory);
    let chunk = vec![1; 1024 * 1024];
    loop {
        memory
            .write_all(&chunk)
            .map_err(|error| error.to_string())?;
    }
}

/// Who this process is, and what it has open.
fn identity() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = [
        "Uid:",
        "Gid:",
        "Groups:",
        "CapPrm:",
        "CapBnd:",
        "NoNewPrivs:",
        "Seccomp:",
    ];
    status
        .lines()
        .filter(|line| wanted.iter().any(|name| line.starts_with(name)))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}
