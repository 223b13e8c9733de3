//! What the racer does to those who go by paths: each of these must be seen to reach outside.

use std::collections::HashSet;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;
use rustix::fs::{CWD, Mode, OFlags};

use crate::arena::Arena;

/// How long a mistake may take to show; most take some milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// One operation done carelessly; what fails is tried again.
type Careless = fn(&Path, &mut HashSet<PathBuf>) -> io::Result<()>;

/// Each mistake with its name.
const MISTAKES: [(&str, Careless); 9] = [
    ("a file is written by its path", |data, _| {
        fs::write(data.join("file"), "of the package")
    }),
    ("a mode is set by path", |data, _| {
        fs::set_permissions(data.join("tool"), PermissionsExt::from_mode(0o4755))
    }),
    ("an owner is set by path", |data, _| {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Ok(rustix::fs::chown(data.join("tool"), Some(uid), Some(gid))?)
    }),
    ("a time is set by path", |data, _| {
        let file = fs::File::options().append(true).open(data.join("file"))?;
        file.file().set_modified(std::time::UNIX_EPOCH)
    }),
    ("a directory is made by path", |data, _| {
        fs::create_dir_all(data.join("made/below"))
    }),
    ("a staged file is renamed to a path", |data, _| {
        let staged = staged(data)?;
        fs::rename(staged, data.join("moved"))
    }),
    ("a file is deleted by path", |data, _| {
        fs::remove_file(data.join("sub/inner"))
    }),
    (
        "the directory is opened strictly and the file in it is not",
        |data, _| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = rustix::fs::openat(CWD, data, flags, Mode::empty())?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&directory, "file", flags, Mode::RUSR)?;
            std::fs::File::from(file).write_all(b"of the package")
        },
    ),
    (
        "that there is no link on the way is remembered",
        |data, known| {
            if !known.contains(data) {
                if !data.symlink_metadata()?.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                known.insert(data.to_owned());
            }
            fs::write(data.join("file"), "of the package")
        },
    ),
];

fn staged(data: &Path) -> io::Result<PathBuf> {
    let top = data.ancestors().nth(3).expect("it is three below the root");
    let staged = top.join("staged");
    fs::write(&staged, "of the package")?;
    Ok(staged)
}

/// Puts in place what a package that was installed has there.
fn install(data: &Path) -> io::Result<()> {
    fs::create_dir_all(data.join("sub"))?;
    for name in ["file", "tool", "sub/inner"] {
        fs::write(data.join(name), "of the package")?;
    }
    Ok(())
}

#[test]
#[expect(clippy::print_stdout, reason = "a test tells its figures")]
fn every_careless_operation_is_seen_to_reach_outside_under_the_same_racer() {
    for (mistake, act) in MISTAKES {
        let arena = Arena::new();
        let data = arena.theirs().join("data");
        install(&data).expect("nobody races yet");
        let before = arena.digest();
        let racer = arena.race(1_000);
        let begun = Instant::now();
        let mut known = HashSet::new();
        let mut tries = 0_u64;
        while arena.digest() == before {
            assert!(
                begun.elapsed() < PATIENCE,
                "{mistake}: {tries} tries reached nothing outside"
            );
            for _ in 0..50 {
                tries += 1;
                match act(&data, &mut known) {
                    // The racer made it fail, or an earlier try did it: the next one meets another moment.
                    Ok(()) | Err(_) => {}
                }
            }
        }
        racer.stop();
        println!("{mistake}: reached outside within {tries} tries");
    }
}
