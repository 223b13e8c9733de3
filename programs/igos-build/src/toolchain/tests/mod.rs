//! Packages made by hand, honest and hostile.

mod document;
mod files;
mod whole;

use std::io::Write;

use super::list::ToolchainList;

const LIST: &str = r#"
format = 1
name = "test"
suite = "bookworm"
packages = ["tool"]
drop = ["usr/share/doc/**"]
usr-merge = ["bin", "lib", "lib64"]
[links]
"usr/bin/cc" = "tool"
"#;

fn list() -> ToolchainList {
    ToolchainList::parse("list.toml", LIST).expect("the list is valid")
}

/// What one entry of a tar file is.
enum Item<'a> {
    File(&'a [u8]),
    Directory,
    Symlink(&'a str),
    Link(&'a str),
    Fifo,
}

/// Makes a tar file; every header is written as given, whether it makes sense or not.
fn tar(items: &[(&str, u32, Item<'_>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode, item) in items {
        let mut header = tar::Header::new_gnu();
        let (kind, content, target): (_, &[u8], _) = match item {
            Item::File(content) => (tar::EntryType::Regular, content, None),
            Item::Directory => (tar::EntryType::Directory, b"", None),
            Item::Symlink(target) => (tar::EntryType::Symlink, b"", Some(target)),
            Item::Link(target) => (tar::EntryType::Link, b"", Some(target)),
            Item::Fifo => (tar::EntryType::Fifo, b"", None),
        };
        header.set_entry_type(kind);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_size(content.len() as u64);
        // The builder refuses what a hostile packer would write.
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(target) = target {
            old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        }
        header.set_cksum();
        builder.append(&header, content).expect("memory takes all");
    }
    builder.into_inner().expect("memory takes all")
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
        0,
        0,
        0,
        100_644,
        content.len()
    )
    .into_bytes();
    bytes.extend(content);
    if content.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes
}

/// Makes a `.deb` around a data member of this name.
fn deb(name: &str, data: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("there is room");
    let mut bytes = b"!<arch>\n".to_vec();
    bytes.extend(member("debian-binary", b"2.0\n"));
    bytes.extend(member("control.tar.xz", b"not looked at"));
    bytes.extend(member(name, data));
    file.write_all(&bytes).expect("there is room");
    file
}
