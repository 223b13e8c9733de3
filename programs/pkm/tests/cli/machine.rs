//! A machine of QEMU's with a kernel of Debian's, for what the kernel of the host does not have: disks that fold names.

#![expect(
    clippy::disallowed_methods,
    reason = "a test starts a machine of its own"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;

use crate::openrc::copy_program;
use crate::world::TestPackage;

/// Seconds after which the machine is given up: it computes for one minute, and for many more if it has to share.
const MACHINE_SECONDS: &str = "1800";

/// Flags of a directory of ext4 whose names are folded: `EXT4_EXTENTS_FL` and `EXT4_CASEFOLD_FL`.
const FOLDING: &str = "0x40080000";

/// What `./test --full` unpacked of a kernel: its image, and modules by name.
pub(crate) struct Kernel {
    image: PathBuf,
    modules: Vec<PathBuf>,
}

/// Returns the kernel that `./test --full` unpacked, or why there is none that will do.
pub(crate) fn kernel() -> Result<Kernel, String> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/linux");
    let named = |directory: &Path, begin: &str| -> Option<PathBuf> {
        let entries = fs::read_dir(directory).ok()?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_named = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(begin))
        };
        paths.filter(is_named).max()
    };
    let none = "there is no kernel in target/tools, where `./test --full` unpacks it";
    let image = named(&place.join("boot"), "vmlinuz-").ok_or(none)?;
    let settings = named(&place.join("boot"), "config-").ok_or(none)?;
    let settings = fs::read_to_string(settings).map_err(|error| error.to_string())?;
    for needed in [
        "CONFIG_EXT4_FS=y",
        "CONFIG_UNICODE=y",
        "CONFIG_BLK_DEV_NVME=y",
    ] {
        if !settings.lines().any(|line| line == needed) {
            return Err(format!("the kernel is not made with {needed}"));
        }
    }
    let modules = named(&place.join("lib/modules"), "").map(|top| top.join("kernel"));
    let modules = modules.iter().flat_map(|top| {
        let known = ["lib/libcrc32c.ko", "fs/xfs/xfs.ko"].map(|name| top.join(name));
        known.into_iter().filter(|path| path.exists())
    });
    Ok(Kernel {
        modules: modules.collect(),
        image,
    })
}

/// Returns a program of the host, which an ordinary user's `PATH` need not have.
fn program(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is there");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What the test needs of the host.
pub(crate) struct Tools {
    qemu: PathBuf,
    busybox: PathBuf,
    mke2fs: PathBuf,
    debugfs: PathBuf,
    mkfs_xfs: PathBuf,
}

impl Tools {
    pub(crate) fn find() -> Result<Tools, String> {
        let program = |name: &str| program(name).ok_or_else(|| format!("there is no {name}"));
        Ok(Tools {
            qemu: program("qemu-system-x86_64")?,
            busybox: program("busybox")?,
            mke2fs: program("mke2fs")?,
            debugfs: program("debugfs")?,
            mkfs_xfs: program("mkfs.xfs")?,
        })
    }
}

/// Makes the disks: the tree that the machine starts with, and XFS that folds the letters of ASCII.
fn disks(directory: &Path, tree: &Path, tools: &Tools) -> [PathBuf; 2] {
    let made = |name: &str| {
        let path = directory.join(name);
        let image = fs::File::create(&path).expect("made");
        image.set_len(1 << 30).expect("a file with holes");
        path
    };
    let (disk, ascii) = (made("disk"), made("ascii"));
    let options = [
        "-q",
        "-t",
        "ext4",
        "-O",
        "casefold",
        "-E",
        "encoding=utf8",
        "-d",
    ];
    run(Command::new(&tools.mke2fs)
        .args(options)
        .args([tree, &disk]));
    let request = format!("set_inode_field /folding flags {FOLDING}");
    run(Command::new(&tools.debugfs)
        .args(["-w", "-R", &request])
        .arg(&disk));
    run(Command::new(&tools.mkfs_xfs)
        .args(["-q", "-n", "version=ci"])
        .arg(&ascii));
    [disk, ascii]
}

/// Starts a machine with these archives, and returns what `first`, the first process, printed on the second serial line.
pub(crate) fn machine(
    kernel: &Kernel,
    tools: &Tools,
    archives: &[(&str, TestPackage)],
    first: &str,
) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    let tree = directory.join("tree");
    for made in [
        "bin", "dev", "proc", "tmp", "archives", "folding", "plain", "ascii",
    ] {
        fs::create_dir_all(tree.join(made)).expect("made");
    }
    copy_program(&tree, &tools.busybox, "bin/busybox");
    copy_program(&tree, Path::new(env!("CARGO_BIN_EXE_pkm")), "bin/pkm");
    for module in &kernel.modules {
        let name = module.file_name().expect("it is a file");
        fs::copy(module, tree.join(name)).expect("copied");
    }
    for (name, package) in archives {
        let file = tree.join(format!("archives/{name}.igos.tar.zst"));
        fs::write(file, package.to_archive()).expect("written");
    }
    let program = tree.join("first");
    fs::write(&program, first).expect("written");
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("ours");
    let disks = disks(directory, &tree, tools);
    let said = directory.join("said");
    let mut command = Command::new("timeout");
    command.arg(MACHINE_SECONDS).arg(&tools.qemu);
    // The clock counts instructions: on a busy host the kernel would otherwise miss interrupts of its timer.
    let machine = "-accel tcg,thread=single -icount shift=auto -cpu max -m 512 -nodefaults -no-reboot -display none \
                   -nic none -serial stdio -serial";
    command.args(machine.split_ascii_whitespace());
    command.arg(format!("file:{}", said.display()));
    for (number, disk) in disks.iter().enumerate() {
        let drive = format!(
            "file={},format=raw,if=none,id=disk{number},cache=unsafe",
            disk.display()
        );
        let device = format!("nvme,drive=disk{number},serial={number}");
        command.args(["-drive", &drive, "-device", &device]);
    }
    let line = "root=/dev/nvme0n1 rw init=/first console=ttyS0 panic=-1 no_timer_check quiet";
    command
        .arg("-kernel")
        .arg(&kernel.image)
        .args(["-append", line]);
    let console = command
        .stdin(Stdio::null())
        .output()
        .expect("coreutils are there");
    let said = fs::read(&said).unwrap_or_default();
    assert!(
        console.status.success() && !said.is_empty(),
        "the machine ended with {}: {}{}",
        console.status,
        String::from_utf8_lossy(&console.stdout),
        String::from_utf8_lossy(&console.stderr)
    );
    String::from_utf8(said).expect("programs print text")
}
