//! Archives of which only parts were fetched, and files that are in place already.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::MetadataExt;

use igos_format::archive::Head;
use igos_report::{Explain, Quiet};
use igos_sysroot::{ApplyError, ArchiveSource, FrameSource, Plan};

use crate::support::{NOW, TestArchive, TestRoot};

/// The head of an archive and some of its frames.
struct Parts {
    head: Head,
    frames: BTreeMap<usize, Vec<u8>>,
}

impl FrameSource for Parts {
    fn head(&self) -> &Head {
        &self.head
    }

    fn frame(&self, frame: usize) -> io::Result<Option<Box<dyn Read + '_>>> {
        let bytes = self.frames.get(&frame);
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes.clone())) as Box<dyn Read>))
    }
}

/// Returns so much of an archive as the numbers say.
fn parts(archive: &TestArchive, frames: &BTreeSet<usize>) -> Parts {
    let bytes = archive.bytes();
    let head = Head::read(bytes.as_slice()).expect("the archive is sound");
    let frames = frames
        .iter()
        .map(|number| {
            let frame = &head.frames().frames[*number];
            let from = usize::try_from(head.length() + frame.offset).expect("small");
            let length = usize::try_from(frame.compressed).expect("small");
            (*number, bytes[from..from + length].to_vec())
        })
        .collect();
    Parts { head, frames }
}

/// Applies a plan for one archive with the frames that it needs; returns their numbers.
fn apply_parts(
    root: &TestRoot,
    plan: &Plan,
    archive: &TestArchive,
) -> Result<BTreeSet<usize>, ApplyError> {
    let head = Head::read(archive.bytes().as_slice()).expect("the archive is sound");
    let needed = root
        .read()
        .frames_needed(plan, &plan.changes[0], &head)
        .expect("the root can be read");
    let source = RefCell::new(Some(parts(archive, &needed)));
    let mut sysroot = root.change();
    let open = |_: &_| {
        Ok(ArchiveSource::Frames(Box::new(
            source.take().expect("asked once"),
        )))
    };
    sysroot.apply(plan, plan.digest(), &open, NOW, &Quiet)?;
    sysroot.settle().expect("it can be settled");
    Ok(needed)
}

/// Content that has a frame of its own.
fn large(letter: u8) -> Vec<u8> {
    vec![letter; 1_200_000]
}

fn archive(version: &str, middle: u8) -> TestArchive {
    TestArchive::new("big", version)
        .file("usr/lib/a", &large(b'a'))
        .file_with("usr/lib/b", &large(middle), 0o755)
        .file("usr/lib/c", &large(b'c'))
        .hard_links(1, &["usr/lib/one", "usr/lib/two"], &large(b'l'))
        .file("usr/lib/empty", b"")
        .symlink("usr/lib/link", "a")
}

#[test]
fn upgrade_fetches_the_frames_with_new_contents_alone() {
    let root = TestRoot::new();
    let (old, new) = (archive("1", b'b'), archive("2", b'x'));
    root.install(&[&old]);
    let count = Head::read(new.bytes().as_slice())
        .expect("sound")
        .frames()
        .frames
        .len();
    assert_eq!(count, 6);
    let plan = root.plan(&[&new], &[&new]).expect("a plan");
    let needed = apply_parts(&root, &plan, &new).expect("it can be applied");
    assert_eq!(needed.len(), 1);
    assert!(root.content("usr/lib/b").starts_with("xxx"));
    assert_eq!(root.findings(), [""; 0]);
    let meta = |at: &str| root.path(at).metadata().expect("it is there");
    assert_eq!(meta("usr/lib/one").ino(), meta("usr/lib/two").ino());
}

#[test]
fn content_of_another_package_and_another_path_is_used() {
    let root = TestRoot::new();
    let other = TestArchive::new("other", "1")
        .file("usr/share/a", &large(b'a'))
        .file("usr/share/b", &large(b'b'))
        .file("usr/share/c", &large(b'c'))
        .file("usr/share/l", &large(b'l'));
    root.install(&[&other]);
    let new = archive("1", b'b');
    let plan = root.plan(&[&new], &[&new]).expect("a plan");
    // Nothing but the frame with the link and the empty file is left, and that has no content.
    assert_eq!(
        apply_parts(&root, &plan, &new).expect("it can be applied"),
        BTreeSet::new()
    );
    assert_eq!(root.mode("usr/lib/b"), 0o755);
    assert_eq!(root.mode("usr/share/b"), 0o644);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn file_that_changed_is_named_and_nothing_is_touched() {
    let root = TestRoot::new();
    let (old, new) = (archive("1", b'b'), archive("2", b'x'));
    root.install(&[&old]);
    let mut changed = large(b'a');
    changed[7] = b'!';
    fs_err::write(root.path("usr/lib/a"), &changed).expect("it can be changed");
    let before = root.tree();
    let plan = root.plan(&[&new], &[&new]).expect("a plan");
    let error = apply_parts(&root, &plan, &new).expect_err("the content is gone");
    assert_eq!(error.code(), "content-not-on-disk");
    assert!(
        matches!(&error, ApplyError::ContentGone { path, changed, .. }
            if path.as_bytes() == b"usr/lib/a" && changed.len() == 1),
        "{error:?}"
    );
    assert_eq!(root.tree(), before);
    // The whole archive does it.
    root.install(&[&new]);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn edited_configuration_is_no_source_of_contents() {
    let root = TestRoot::new();
    let old = TestArchive::new("daemon", "1").configuration("etc/daemon.conf", &large(b'a'));
    root.install(&[&old]);
    fs_err::write(root.path("etc/daemon.conf"), b"mine").expect("it can be edited");
    let new = TestArchive::new("other", "1").file("usr/share/a", &large(b'a'));
    let plan = root.plan(&[&new], &[&new]).expect("a plan");
    // The pristine copy has it all the same.
    assert_eq!(
        apply_parts(&root, &plan, &new).expect("it can be applied"),
        BTreeSet::new()
    );
    assert_eq!(root.findings(), ["etc/daemon.conf content"]);
}

#[test]
fn file_in_place_as_it_will_be_keeps_its_inode_and_a_changed_one_does_not() {
    let root = TestRoot::new();
    let old = archive("1", b'b');
    root.install(&[&old]);
    let inode = |at: &str| root.path(at).symlink_metadata().expect("it is there").ino();
    let names = [
        "usr/lib/a",
        "usr/lib/b",
        "usr/lib/c",
        "usr/lib/one",
        "usr/lib/link",
    ];
    let before = names.map(inode);
    // The same size and time, another content.
    let mut changed = large(b'c');
    changed[7] = b'!';
    let time = root
        .path("usr/lib/c")
        .metadata()
        .expect("it is there")
        .modified();
    fs_err::write(root.path("usr/lib/c"), &changed).expect("it can be changed");
    let file = fs_err::File::options()
        .write(true)
        .open(root.path("usr/lib/c"));
    let time = time.expect("a time");
    file.expect("a file")
        .file()
        .set_modified(time)
        .expect("times can be set");
    root.install(&[&archive("2", b'x')]);
    let after = names.map(inode);
    let kept: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a == b).collect();
    // Hard links are always made again: their group is one inode.
    assert_eq!(kept, [true, false, false, false, true]);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn file_with_another_time_or_another_name_beside_it_is_made_again() {
    let root = TestRoot::new();
    let old = archive("1", b'b');
    root.install(&[&old]);
    let inode = |at: &str| root.path(at).metadata().expect("it is there").ino();
    let before = ["usr/lib/a", "usr/lib/b"].map(inode);
    fs_err::hard_link(root.path("usr/lib/b"), root.path("usr/lib/extra")).expect("links");
    let file = fs_err::File::options()
        .write(true)
        .open(root.path("usr/lib/a"));
    let time = std::time::SystemTime::UNIX_EPOCH;
    file.expect("a file")
        .file()
        .set_modified(time)
        .expect("times can be set");
    root.install(&[&archive("2", b'b')]);
    let after = ["usr/lib/a", "usr/lib/b"].map(inode);
    assert_ne!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(root.findings(), [""; 0]);
}
