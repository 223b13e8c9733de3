//! Against real directories.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use igos_format::RelPath;
use rustix::fs::{CWD, Mode};

use crate::{
    Descend, FollowedLinks, Kind, RootDir, delete_tree, extended_attribute, set_extended_attribute,
    set_mode, set_modified, set_owner, take_rights, walk,
};

fn path(text: &str) -> RelPath {
    text.parse().expect("a path")
}

fn root() -> (tempfile::TempDir, RootDir) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = RootDir::open(directory.path()).expect("it opens");
    (directory, root)
}

#[test]
fn no_link_is_followed_wherever_it_is_and_leads() {
    let (outside, _) = root();
    fs_err::write(outside.path().join("secret"), "secret").expect("it can be written");
    let (inside, root) = root();
    fs_err::create_dir(inside.path().join("real")).expect("directories");
    for (link, target) in [
        ("absolute", outside.path()),
        ("relative", Path::new("real")),
        ("up", Path::new("..")),
        ("magic", Path::new("/proc/self/root")),
        ("real/link", Path::new("../real")),
    ] {
        symlink(target, inside.path().join(link)).expect("links");
        let error = root.directory(&path(link)).expect_err("it is a link");
        assert!(error.is_way_blocked(), "{link}: {error:?}");
        let below = path(&format!("{link}/secret"));
        for result in [
            root.metadata(&below).map(drop),
            root.open_file(&below).map(drop),
            root.read_link(&below).map(drop),
            root.create_directories(&below, 0o755).map(drop),
        ] {
            assert!(result.is_err(), "{link}");
        }
        // Looked at, it is a link.
        let found = root.metadata(&path(link)).expect("it can be looked at");
        assert_eq!(found.map(|found| found.kind), Some(Kind::Symlink));
    }
    assert_eq!(
        fs_err::read_dir(outside.path())
            .expect("it can be read")
            .count(),
        1
    );
}

#[test]
fn names_are_single_components() {
    let (_directory, root) = root();
    for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0b"] {
        let top = root.top();
        for error in [
            top.metadata(name).map(drop),
            top.open_directory(name).map(drop),
            top.create_directory(name, 0o755).map(drop),
            top.create_file(name).map(drop),
            top.delete(name),
            top.rename(name, top, b"x"),
            top.exchange(b"x", top, name),
            top.create_symlink(b"x", name),
        ] {
            assert_eq!(
                error.expect_err("it is no component").kind(),
                ErrorKind::InvalidInput,
                "{name:?}"
            );
        }
    }
}

#[test]
fn only_regular_files_are_opened_and_nothing_is_waited_for() {
    let (directory, root) = root();
    rustix::fs::mkfifoat(CWD, directory.path().join("pipe"), Mode::RUSR).expect("pipes");
    fs_err::create_dir(directory.path().join("directory")).expect("directories");
    for name in ["pipe", "directory"] {
        root.open_file(&path(name)).expect_err("it is not a file");
    }
    assert!(
        root.open_file(&path("absent"))
            .expect("that is no error")
            .is_none()
    );
    assert!(
        root.open_file(&path("absent/below"))
            .expect("nor this")
            .is_none()
    );
}

#[test]
fn created_things_are_exclusive_and_have_exact_modes() {
    let (directory, root) = root();
    let top = root.top();
    let made = top
        .create_directory(b"open", 0o777)
        .expect("it can be made");
    assert_eq!(made.own_metadata().expect("it is open").mode, 0o777);
    top.create_file(b"file").expect("it can be made");
    assert_eq!(top.metadata(b"file").expect("it is there").mode, 0o600);
    symlink("elsewhere", directory.path().join("link")).expect("links");
    for name in [&b"file"[..], b"link", b"open"] {
        let error = top.create_file(name).expect_err("it exists");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    assert!(!directory.path().join("elsewhere").exists());
}

#[test]
fn names_are_exchanged_and_not_replaced() {
    let (directory, root) = root();
    let top = root.top();
    for name in ["a", "b"] {
        fs_err::write(directory.path().join(name), name).expect("it can be written");
    }
    let error = top.rename_new(b"a", top, b"b").expect_err("b is there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    top.exchange(b"a", top, b"b").expect("both are there");
    assert_eq!(
        root.read_file(&path("a"), 10)
            .expect("it can be read")
            .as_deref(),
        Some(&b"b"[..])
    );
    top.link(b"a", top, b"c").expect("links");
    assert_eq!(top.metadata(b"c").expect("it is there").links, 2);
    let error = root.read_file(&path("a"), 0).expect_err("it is longer");
    assert_eq!(error.to_string(), "cannot read a");
}

#[test]
fn attributes_are_set_on_descriptors_links_included() {
    let (_directory, root) = root();
    let top = root.top();
    let file = top.create_file(b"file").expect("it can be made");
    set_mode(&file, 0o4751).expect("its owner may");
    set_modified(&file, 1_000_000_000).expect("its owner may");
    let found = top.metadata(b"file").expect("it is there");
    assert_eq!((found.mode, found.modified), (0o4751, 1_000_000_000));
    top.create_symlink(b"file", b"link").expect("links");
    let handle = top.open_handle(b"link").expect("it opens");
    let own = top.metadata(b"link").expect("it is there");
    set_owner(&handle, own.uid, own.gid).expect("no change is no privilege");
    set_modified(&handle, 1_100_000_000).expect("its owner may");
    assert_eq!(
        top.metadata(b"link").expect("it is there").modified,
        1_100_000_000
    );
    assert_eq!(
        top.metadata(b"file").expect("it is there").modified,
        1_000_000_000
    );
    assert_eq!(
        extended_attribute(&file, "user.none").expect("absent is no error"),
        None
    );
    if set_extended_attribute(&file, "user.some", b"value").is_ok() {
        let all = crate::extended_attributes(&file).expect("they can be listed");
        assert_eq!(all.get("user.some").map(Vec::as_slice), Some(&b"value"[..]));
    }
}

/// Makes `depth` directories inside one another; a path of that length is more than the kernel takes.
fn deep(root: &RootDir, depth: usize) {
    let mut current = root
        .top()
        .create_directory(b"deep", 0o755)
        .expect("it can be made");
    for _ in 1..depth {
        current = current
            .create_directory(b"directory", 0o755)
            .expect("it can be made");
    }
    current.create_file(b"bottom").expect("it can be made");
}

/// An ordinary user may not remove file capabilities, not even where there are none.
#[test]
fn whoever_has_a_file_can_take_its_rights_away() {
    let (_directory, root) = root();
    let file = root.top().create_file(b"program").expect("it is new");
    set_mode(&file, 0o6755).expect("its owner may");
    take_rights(&file, 0o6755).expect("its owner may");
    assert_eq!(root.top().metadata(b"program").expect("there").mode, 0o755);
}

#[test]
fn walk_is_sorted_deep_and_reports_what_it_cannot_read() {
    let (directory, root) = root();
    for name in ["b/x", "b/\n", "a.txt", "a/y", "locked/z"] {
        let at = directory.path().join(name);
        fs_err::create_dir_all(at.parent().expect("it has one")).expect("directories");
        fs_err::write(at, "").expect("it can be written");
    }
    symlink("/", directory.path().join("link")).expect("links");
    let mut seen = Vec::new();
    walk(root.top(), &mut |visit| {
        seen.push(String::from_utf8_lossy(visit.path).into_owned());
        Ok(match visit.name {
            b"locked" => Descend::Past,
            _ => Descend::Into,
        })
    })
    .expect("it can be walked");
    assert_eq!(
        seen,
        ["a", "a/y", "a.txt", "b", "b/\n", "b/x", "link", "locked"]
    );

    deep(&root, 1500);
    let mut count = 0;
    walk(root.top(), &mut |_| {
        count += 1;
        Ok(Descend::Into)
    })
    .expect("it can be walked");
    assert_eq!(count, 9 + 1501);
    delete_tree(root.top(), b"deep").expect("it can be deleted");

    if !rustix::process::geteuid().is_root() {
        let locked = directory.path().join("locked");
        fs_err::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o400))
            .expect("modes");
        let mut errors = Vec::new();
        walk(root.top(), &mut |visit| {
            if visit.found.is_err() {
                errors.push(visit.path.to_vec());
            }
            Ok(Descend::Into)
        })
        .expect("the rest can be walked");
        assert_eq!(errors, [b"locked".to_vec()]);
    }
}

#[test]
fn deep_trees_and_closed_directories_are_deleted() {
    let (directory, root) = root();
    deep(&root, 1500);
    let closed = directory.path().join("deep/closed/inside");
    fs_err::create_dir_all(&closed).expect("directories");
    fs_err::write(closed.join("file"), "").expect("it can be written");
    for at in [closed.as_path(), closed.parent().expect("it has one")] {
        fs_err::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o0))
            .expect("modes");
    }
    symlink("/etc", directory.path().join("deep/link")).expect("links");
    delete_tree(root.top(), b"deep").expect("it can be deleted");
    assert_eq!(root.top().entries().expect("it can be read"), []);
    delete_tree(root.top(), b"deep").expect("nothing is nothing to do");
}

#[test]
fn privileged_what_is_mounted_inside_is_not_deleted() {
    let (directory, root) = root();
    let (from, to) = (
        directory.path().join("from"),
        directory.path().join("tree/to"),
    );
    fs_err::create_dir_all(&from).expect("directories");
    fs_err::create_dir_all(&to).expect("directories");
    fs_err::write(from.join("precious"), "").expect("it can be written");
    if rustix::mount::mount_bind(&from, &to).is_err() {
        skipped("mounting is not allowed here");
        return;
    }
    let result = delete_tree(root.top(), b"tree");
    rustix::mount::unmount(&to, rustix::mount::UnmountFlags::DETACH).expect("it is mounted");
    assert_eq!(
        result.expect_err("something is mounted").kind(),
        ErrorKind::CrossesDevices
    );
    assert!(from.join("precious").exists());
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

#[test]
fn listed_links_are_substituted_and_others_are_not() {
    let (directory, root) = root();
    fs_err::create_dir(directory.path().join("var")).expect("directories");
    for (link, target) in [
        ("bin", "usr/bin"),
        ("lib", "/usr/lib"),
        ("sbin", "sbin/loop"),
        ("lib64", "../../../usr/lib"),
        ("var/run", "../run"),
        ("opt", "usr/opt"),
    ] {
        symlink(target, directory.path().join(link)).expect("links");
    }
    let links = FollowedLinks::read(&root).expect("they can be read");
    for (asked, place) in [
        ("bin/sh", "usr/bin/sh"),
        ("bin", "bin"),
        ("binary/x", "binary/x"),
        ("lib/a/b", "usr/lib/a/b"),
        ("lib64/ld.so", "usr/lib/ld.so"),
        ("sbin/x", "sbin/x"),
        ("var/run/lock/x", "run/lock/x"),
        ("opt/x", "opt/x"),
    ] {
        assert_eq!(links.place(&path(asked)), path(place));
    }
    assert_eq!(links.directory_place(&path("bin")), path("usr/bin"));
    assert_eq!(links.target(&path("opt")), None);
}

#[test]
fn way_that_others_can_replace_is_not_private() {
    let (directory, root) = root();
    let at = path("var/lib/state");
    root.create_directories(&at, 0o755).expect("directories");
    root.private_directory(&at).expect("it is ours alone");
    let change = |place: &str, mode: u32| {
        let place = directory.path().join(place);
        fs_err::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .expect("modes");
    };
    for (place, mode, is_private) in [
        ("var", 0o777, false),
        ("var", 0o775, false),
        ("var", 0o1777, true),
        ("var", 0o755, true),
        ("var/lib/state", 0o757, false),
        ("var/lib/state", 0o700, true),
    ] {
        change(place, mode);
        let opened = root.private_directory(&at);
        assert_eq!(opened.is_ok(), is_private, "{place} {mode:o}: {opened:?}");
    }
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        let lib = root.directory(&path("var/lib")).expect("it opens");
        set_owner(&lib, 65_534, 65_534).expect("owners");
        let error = root.private_directory(&at).expect_err("it is another's");
        assert_eq!(error.into_io().kind(), ErrorKind::PermissionDenied);
    }
}

#[test]
fn what_is_open_is_known_by_its_inode_whatever_its_name_leads_to() {
    let (directory, root) = root();
    let file = directory.path().join("file");
    let open = fs_err::File::create(&file).expect("it can be made");
    let found = root.top().metadata(b"file").expect("it is there");
    assert!(crate::is_held_open(&found).expect("descriptors can be listed"));
    fs_err::rename(&file, directory.path().join("moved")).expect("it moves");
    fs_err::write(&file, "another").expect("it can be made");
    let other = root.top().metadata(b"file").expect("it is there");
    assert!(crate::is_held_open(&found).expect("descriptors can be listed"));
    assert!(!crate::is_held_open(&other).expect("descriptors can be listed"));
    drop(open);
    assert!(!crate::is_held_open(&found).expect("descriptors can be listed"));
}
