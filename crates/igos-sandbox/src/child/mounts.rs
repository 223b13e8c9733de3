//! The root of a sandbox, made out of mounts, and the way into it.
//!
//! Everything is attached by descriptor. Order matters: our own skeleton exists before anything untrusted is
//! mounted, so that no path that we resolve later can be led astray.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags,
};

use super::devices;
use super::skeleton::{self, PointKind};
use crate::control::{BindPlan, ConfinementPlan, Refusal, RootPlan};
use crate::locks::{Lock, is_on};
use crate::syscall::{self, MountAttributes};

/// Size of our skeleton, in bytes: a few directories per bind and one link per layer.
const SKELETON_BYTES: u64 = 64 * 1024 * 1024;

/// Size of `/run`, in bytes: process ids and sockets.
const RUN_BYTES: u64 = 16 * 1024 * 1024;

/// How many mounts cover the new root after the change: the old root and our staging area.
const OLD_MOUNTS: usize = 2;

/// Directories of the host that are the root of [`crate::RootView::Host`], where they exist.
const HOST_DIRECTORIES: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What compilers and interpreters of the host need out of `/etc`: which program a name stands for, where
/// libraries are, and the module path of Debian's Perl. Nothing about users or the machine.
const HOST_FILES: [&str; 7] = [
    "etc/alternatives",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d",
    "etc/perl",
    "etc/sgml",
    "etc/xml",
];

/// A tree of mounts that is attached nowhere yet.
struct Detached {
    tree: OwnedFd,
    target: OsString,
    kind: PointKind,
}

/// Makes the root that `plan` describes and moves this process into it.
pub(super) fn enter_root(plan: &ConfinementPlan) -> Result<(), Refusal> {
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .map_err(Refusal::during("make all mounts private"))?;
    if !is_on(Lock::Root) {
        return Ok(());
    }
    let staging = tmpfs("skeleton", SKELETON_BYTES, 0o755)?;
    attach(staging.as_fd(), CWD, "/")?;
    let staging = staging.as_fd();
    let top = skeleton::directory(staging, "top", 0o755)?;
    let bottom = skeleton::directory(staging, "bottom", 0o755)?;
    skeleton::directory(staging, "root", 0o755)?;
    skeleton::fill_bottom(bottom.as_fd())?;
    for name in ["dev", "proc", "run", "tmp"] {
        skeleton::directory(top.as_fd(), name, 0o755)?;
    }
    let mut binds = Vec::new();
    let mut layers = vec![
        top.try_clone()
            .map_err(Refusal::during("copy a descriptor"))?,
    ];
    match &plan.root {
        RootPlan::Host => binds.extend(host_view(top.as_fd())?),
        RootPlan::Layers(paths) => {
            for path in paths {
                layers.push(open_layer(path)?);
            }
        }
    }
    layers.push(bottom);
    for bind in sorted(&plan.binds) {
        binds.push(detach(bind)?);
    }
    for bind in &binds {
        skeleton::mount_point(top.as_fd(), &bind.target, bind.kind)?;
    }
    let root = stack(&layers, staging)?;
    for bind in &binds {
        attach_below(bind.tree.as_fd(), root.as_fd(), &bind.target)?;
    }
    let tmp = tmpfs("tmp", plan.tmp_bytes, 0o1777)?;
    attach_below(tmp.as_fd(), root.as_fd(), "tmp")?;
    let run = tmpfs("run", RUN_BYTES, 0o755)?;
    attach_below(run.as_fd(), root.as_fd(), "run")?;
    devices::attach_devices(root.as_fd(), plan.tmp_bytes)?;
    devices::attach_proc(root.as_fd())?;
    pivot(root.as_fd())
}

/// Makes a tmpfs that is attached nowhere.
pub(super) fn tmpfs(name: &str, size_bytes: u64, mode: u32) -> Result<OwnedFd, Refusal> {
    file_system(
        "tmpfs",
        &[
            ("size", size_bytes.to_string()),
            ("mode", format!("{mode:o}")),
            ("source", format!("igos-{name}")),
        ],
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
}

/// Makes a file system that is attached nowhere.
pub(super) fn file_system(
    kind: &str,
    options: &[(&str, String)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Refusal> {
    let attributes = match is_on(Lock::MountAttributes) {
        true => attributes,
        false => MountAttrFlags::empty(),
    };
    let make = || -> Result<OwnedFd, Errno> {
        let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            rustix::mount::fsconfig_set_string(context.as_fd(), *key, value.as_str())?;
        }
        rustix::mount::fsconfig_create(context.as_fd())?;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    make().map_err(|error| match error {
        Errno::NODEV => Refusal::missing(
            format!("the file system {kind}"),
            "the kernel does not know it",
            format!("`modprobe {kind}` as root, or boot a kernel that has it"),
        ),
        Errno::PERM => Refusal::missing(
            format!("mounting {kind} in a user namespace"),
            "the kernel refuses",
            "run outside of a container that hides parts of /proc, and let AppArmor give user namespaces their rights: \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
        ),
        error => Refusal::during(format!("mount {kind}"))(error),
    })
}

/// Attaches a tree of mounts at a path below `directory`, in which no component may be a symbolic link.
pub(super) fn attach_below(
    tree: BorrowedFd<'_>,
    directory: BorrowedFd<'_>,
    path: impl AsRef<OsStr>,
) -> Result<(), Refusal> {
    let path = path.as_ref();
    let target = resolve(directory, path)?;
    attach(tree, target.as_fd(), "").map_err(|_| Refusal::Invalid {
        reason: format!(
            "/{} is a file on one side and a directory on the other",
            path.display()
        ),
    })
}

/// Opens a path below `directory`, refusing every symbolic link.
pub(super) fn resolve(
    directory: BorrowedFd<'_>,
    path: impl AsRef<OsStr>,
) -> Result<OwnedFd, Refusal> {
    let path = path.as_ref();
    rustix::fs::openat2(
        directory,
        path,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )
    .map_err(Refusal::during(format!(
        "find the mount point /{}",
        path.display()
    )))
}

fn attach(tree: BorrowedFd<'_>, at: BorrowedFd<'_>, path: &str) -> Result<(), Refusal> {
    let mut flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    if path.is_empty() {
        flags |= MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    }
    rustix::mount::move_mount(tree, "", at, path, flags).map_err(Refusal::during("attach a mount"))
}

/// Returns the binds with outer targets before inner ones.
fn sorted(binds: &[BindPlan]) -> Vec<&BindPlan> {
    let mut binds: Vec<&BindPlan> = binds.iter().collect();
    binds.sort_by(|a, b| a.target.cmp(&b.target));
    binds
}

/// Copies the tree of mounts at the source of a bind, with the attributes that it has inside.
fn detach(bind: &BindPlan) -> Result<Detached, Refusal> {
    let target = bind.target.to_str().map_or_else(
        || bind.target.clone(),
        |text| text.trim_start_matches('/').into(),
    );
    let access = MountAttributes {
        is_read_only: !bind.is_writable,
        forbids_devices: true,
        forbids_execution: false,
    };
    detach_path(&bind.source, target, access)
}

/// Copies the tree of mounts at `source`, relative to the working directory.
pub(super) fn clone_tree(source: &OsStr, attributes: MountAttributes) -> Result<OwnedFd, Refusal> {
    let clone = || -> Result<OwnedFd, Errno> {
        let tree = rustix::mount::open_tree(
            CWD,
            source,
            OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_RECURSIVE
                | OpenTreeFlags::AT_SYMLINK_NOFOLLOW,
        )?;
        syscall::set_mount_attributes(tree.as_fd(), attributes)?;
        Ok(tree)
    };
    clone().map_err(Refusal::during(format!("bind {}", source.display())))
}

fn detach_path(
    source: &OsStr,
    target: OsString,
    attributes: MountAttributes,
) -> Result<Detached, Refusal> {
    let tree = clone_tree(source, attributes)?;
    let status = rustix::fs::fstat(&tree)
        .map_err(Refusal::during(format!("look at {}", source.display())))?;
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => PointKind::Directory,
        FileType::RegularFile => PointKind::File,
        _ => {
            return Err(Refusal::Invalid {
                reason: format!("{} is neither directory nor file", source.display()),
            });
        }
    };
    Ok(Detached { tree, target, kind })
}

/// Copies the mounts of the host's programs, and repeats its links between them in the skeleton.
fn host_view(top: BorrowedFd<'_>) -> Result<Vec<Detached>, Refusal> {
    let read = MountAttributes {
        is_read_only: true,
        forbids_devices: true,
        forbids_execution: false,
    };
    let mut binds = Vec::new();
    for name in HOST_DIRECTORIES.into_iter().chain(HOST_FILES) {
        let path = Path::new("/").join(name);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() && !name.contains('/') => {
                let target = std::fs::read_link(&path)
                    .map_err(Refusal::during(format!("read the link {}", path.display())))?;
                skeleton::link(top, name, target)?;
            }
            Ok(metadata) if metadata.is_dir() || metadata.is_file() => {
                binds.push(detach_path(path.as_os_str(), name.into(), read)?);
            }
            // A host need not have all of them.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(binds)
}

fn open_layer(path: &OsStr) -> Result<OwnedFd, Refusal> {
    rustix::fs::open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(Refusal::during(format!(
        "open the layer {}",
        path.display()
    )))
}

/// Stacks the layers, topmost first, read-only, at `root` below `staging`, and opens the result.
///
/// Layers are named by descriptor: their paths may be long, or lead through directories that are closed to
/// us. Extended attributes in layers have no meaning to the stack, since only `trusted.` ones would, and in a
/// user namespace nobody can write or read these.
fn stack(layers: &[OwnedFd], staging: BorrowedFd<'_>) -> Result<OwnedFd, Refusal> {
    if !is_on(Lock::ReadOnlyLayers) {
        // The uppermost that is not ours, as it is.
        let layer = format!("/proc/self/fd/{}", layers[1].as_raw_fd());
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree =
            rustix::mount::open_tree(CWD, layer, flags).map_err(Refusal::during("bind a layer"))?;
        attach_below(tree.as_fd(), staging, "root")?;
        return Ok(tree);
    }
    let names: Vec<String> = layers
        .iter()
        .map(|layer| format!("/proc/self/fd/{}", layer.as_raw_fd()))
        .collect();
    match stack_by_name(&names) {
        Ok(overlay) => {
            attach_below(overlay.as_fd(), staging, "root")?;
            Ok(overlay)
        }
        // Linux before 6.5 takes all layers as one string only.
        Err(Errno::INVAL) => stack_by_option(&names, staging),
        Err(error) => Err(explain_stack(error)),
    }
}

fn stack_by_name(names: &[String]) -> Result<OwnedFd, Errno> {
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for name in names {
        rustix::mount::fsconfig_set_string(context.as_fd(), "lowerdir+", name.as_str())?;
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    rustix::mount::fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV,
    )
}

/// Stacks layers with mount(2), whose options are limited to a page: names are numbers in a directory of links.
fn stack_by_option(names: &[String], staging: BorrowedFd<'_>) -> Result<OwnedFd, Refusal> {
    let links = skeleton::directory(staging, "l", 0o755)?;
    let mut option = String::from("lowerdir=");
    for (number, name) in names.iter().enumerate() {
        skeleton::link(links.as_fd(), number.to_string(), name)?;
        if number > 0 {
            option.push(':');
        }
        option.push_str(&number.to_string());
    }
    let option = CString::new(option).expect("digits and colons have no null byte");
    let base = rustix::fs::open(".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(Refusal::during("open the base"))?;
    let mount = || -> Result<(), Errno> {
        rustix::process::fchdir(&links)?;
        rustix::mount::mount(
            "overlay",
            "../root",
            "overlay",
            MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
            option.as_c_str(),
        )?;
        rustix::process::fchdir(&base)
    };
    mount().map_err(explain_stack)?;
    resolve(staging, "root")
}

fn explain_stack(error: Errno) -> Refusal {
    match error {
        Errno::NODEV => Refusal::missing(
            "the file system overlay",
            "the kernel does not know it",
            "`modprobe overlay` as root, or boot a kernel built with CONFIG_OVERLAY_FS",
        ),
        Errno::PERM => Refusal::missing(
            "mounting overlay in a user namespace",
            "the kernel refuses",
            "boot Linux 5.11 or newer, and let AppArmor give user namespaces their rights: \
             `sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
        ),
        error => Refusal::during("stack the layers")(error),
    }
}

/// Makes `root` the root of this process and lets go of the old one, with everything mounted in it.
fn pivot(root: BorrowedFd<'_>) -> Result<(), Refusal> {
    let pivot = || -> Result<(), Errno> {
        rustix::process::fchdir(root)?;
        rustix::process::pivot_root(".", ".")?;
        let own = mount_id(".")?;
        // The old root now lies on top of the new one, and our staging area on top of that. A lookup of the root's parent
        // ends at the uppermost.
        for _ in 0..OLD_MOUNTS {
            if mount_id("..")? == own {
                return rustix::process::chdir("/");
            }
            rustix::mount::unmount(".", UnmountFlags::DETACH)?;
        }
        if mount_id("..")? == own {
            rustix::process::chdir("/")
        } else {
            Err(Errno::BUSY)
        }
    };
    pivot().map_err(Refusal::during("change the root"))
}

fn mount_id(path: &str) -> Result<u64, Errno> {
    rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID)
        .map(|status| status.stx_mnt_id)
}
