//! Tar headers as a pure function of what the manifest says: ustar (POSIX.1-1988), with one pax extended header
//! (POSIX.1-2001) before it where ustar has no room.

use crate::{Capabilities, EntryKind, FileEntry, RelPath};

/// Headers and contents take whole blocks of this many bytes.
pub(super) const BLOCK: usize = 512;

/// What ends an archive: two blocks of zeros.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Longest text of the ustar fields `name` and `linkname`.
const NAME_MAX: usize = 100;
/// Longest text of the ustar field `prefix`.
const PREFIX_MAX: usize = 155;
/// Longest text of the ustar fields `uname` and `gname`; they end with a NUL.
const OWNER_MAX: usize = 31;
/// Largest number of the fields of eight bytes.
const SHORT_MAX: u64 = 0o777_7777;
/// Largest number of the fields of twelve bytes.
const LONG_MAX: u64 = 0o777_7777_7777;

/// The time on members that are not files of the package: GNU tar complains about 0 when it extracts.
const MEMBER_TIME: u64 = 1;

/// The name on extended headers; programs that do not know these extract them as files.
const PAX_NAME: &[u8] = b".igos/pax";

/// The bytes before a member's content, and how long that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) bytes: Vec<u8>,
    pub(super) content: u64,
}

impl Header {
    /// Returns the header of a payload member; `link` is the earlier member that holds its content.
    pub(super) fn of_entry(entry: &FileEntry, link: Option<&RelPath>, epoch: u64) -> Header {
        let mut path = entry.path.as_bytes().to_vec();
        let (type_flag, content, target): (u8, u64, &[u8]) = match (&entry.kind, link) {
            (EntryKind::Directory, _) => {
                path.push(b'/');
                (b'5', 0, b"")
            }
            (EntryKind::File { .. }, Some(link)) => (b'1', 0, link.as_bytes()),
            (EntryKind::File { size, .. }, None) => (b'0', *size, b""),
            (EntryKind::Symlink { target }, _) => (b'2', 0, target),
        };
        let member = Member {
            path: &path,
            type_flag,
            content,
            target,
            mode: entry.mode,
            uid: entry.owner.uid,
            gid: entry.owner.gid,
            user: entry.owner.user.as_str(),
            group: entry.owner.group.as_str(),
            time: epoch,
        };
        let mut records = member.records();
        // A hard link has the attributes of what it links to.
        if link.is_none() {
            records.extend(attribute_records(entry));
        }
        Header {
            bytes: member.encode(records),
            content,
        }
    }

    /// Returns the header of a member of our own.
    pub(super) fn of_member(name: &str, content: u64) -> Header {
        let member = Member::our_own(name.as_bytes(), b'0', content, MEMBER_TIME);
        Header {
            bytes: member.encode(member.records()),
            content,
        }
    }

    /// Returns the length of header, content and padding, `None` if that is more than a number can say.
    pub(super) fn total(&self) -> Option<u64> {
        (self.bytes.len() as u64)
            .checked_add(self.content)?
            .checked_add(padding(self.content) as u64)
    }
}

/// Returns how many zeros fill the last block of a content of this size.
pub(super) fn padding(content: u64) -> usize {
    let used = (content % BLOCK as u64) as usize;
    (BLOCK - used) % BLOCK
}

/// Returns the size field of a header of one of our own members, whose size cannot be known in advance.
pub(super) fn size_field(header: &[u8; BLOCK]) -> Option<u64> {
    let digits = std::str::from_utf8(&header[124..135]).ok()?;
    u64::from_str_radix(digits, 8).ok()
}

fn attribute_records(entry: &FileEntry) -> impl Iterator<Item = (String, Vec<u8>)> {
    let capabilities = entry
        .capabilities
        .map(|capabilities| (Capabilities::XATTR, capabilities.to_xattr().to_vec()));
    entry
        .xattrs
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .chain(capabilities)
        .map(|(name, value)| (format!("SCHILY.xattr.{name}"), value))
}

/// What one header says.
struct Member<'a> {
    path: &'a [u8],
    type_flag: u8,
    content: u64,
    target: &'a [u8],
    mode: u16,
    uid: u32,
    gid: u32,
    user: &'a str,
    group: &'a str,
    time: u64,
}

impl<'a> Member<'a> {
    fn our_own(path: &'a [u8], type_flag: u8, content: u64, time: u64) -> Self {
        Member {
            path,
            type_flag,
            content,
            target: b"",
            mode: 0o644,
            uid: 0,
            gid: 0,
            user: "root",
            group: "root",
            time,
        }
    }

    /// Returns what the ustar header has no room for.
    fn records(&self) -> Vec<(String, Vec<u8>)> {
        let text = |key: &str, value: &[u8]| (key.to_owned(), value.to_vec());
        let number = |key: &str, value: u64| (key.to_owned(), value.to_string().into_bytes());
        let mut records = Vec::new();
        if split(self.path).is_none() {
            records.push(text("path", self.path));
        }
        if self.target.len() > NAME_MAX {
            records.push(text("linkpath", self.target));
        }
        if self.content > LONG_MAX {
            records.push(number("size", self.content));
        }
        for (key, id) in [("uid", self.uid), ("gid", self.gid)] {
            if u64::from(id) > SHORT_MAX {
                records.push(number(key, id.into()));
            }
        }
        for (key, name) in [("uname", self.user), ("gname", self.group)] {
            if name.len() > OWNER_MAX {
                records.push(text(key, name.as_bytes()));
            }
        }
        records
    }

    fn encode(&self, mut records: Vec<(String, Vec<u8>)>) -> Vec<u8> {
        if records.is_empty() {
            return self.block().to_vec();
        }
        records.sort();
        let body: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| record(key, value))
            .collect();
        let size = body.len() as u64;
        let mut bytes = Member::our_own(PAX_NAME, b'x', size, self.time)
            .block()
            .to_vec();
        bytes.extend(body);
        bytes.resize(bytes.len() + padding(size), 0);
        bytes.extend(self.block());
        bytes
    }

    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let (prefix, name) = split(self.path)
            .unwrap_or_else(|| (b"".as_slice(), &self.path[..NAME_MAX.min(self.path.len())]));
        let short = |field: &str| field.len() <= OWNER_MAX;
        put(&mut block, 0, name);
        put_number(&mut block, 100, 7, self.mode.into());
        put_number(&mut block, 108, 7, self.uid.into());
        put_number(&mut block, 116, 7, self.gid.into());
        put_number(&mut block, 124, 11, self.content);
        put_number(&mut block, 136, 11, self.time);
        block[156] = self.type_flag;
        put(
            &mut block,
            157,
            &self.target[..NAME_MAX.min(self.target.len())],
        );
        put(&mut block, 257, b"ustar\x0000");
        put(
            &mut block,
            265,
            Some(self.user)
                .filter(|u| short(u))
                .unwrap_or_default()
                .as_bytes(),
        );
        put(
            &mut block,
            297,
            Some(self.group)
                .filter(|g| short(g))
                .unwrap_or_default()
                .as_bytes(),
        );
        put_number(&mut block, 329, 7, 0);
        put_number(&mut block, 337, 7, 0);
        put(&mut block, 345, prefix);
        // The sum counts its own field as spaces.
        let sum = block.iter().map(|byte| u64::from(*byte)).sum::<u64>() + 8 * u64::from(b' ');
        put_number(&mut block, 148, 6, sum);
        block[155] = b' ';
        block
    }
}

fn put(block: &mut [u8; BLOCK], at: usize, text: &[u8]) {
    block[at..at + text.len()].copy_from_slice(text);
}

/// Writes a number as octal digits; the byte after them stays NUL. One that does not fit becomes 0: its value is
/// in the extended header.
fn put_number(block: &mut [u8; BLOCK], at: usize, digits: usize, number: u64) {
    let text = format!("{number:0digits$o}");
    if text.len() == digits {
        put(block, at, text.as_bytes());
    } else {
        put(block, at, "0".repeat(digits).as_bytes());
    }
}

/// Returns the ustar fields `prefix` and `name` for a path: all of it in `name` if it fits, else cut at the first
/// slash that leaves a name of at most 100 bytes; `None` if the prefix is too long then or there is no such slash.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME_MAX {
        return Some((b"", path));
    }
    let earliest = path.len() - NAME_MAX - 1;
    let slash = path[earliest..path.len() - 1]
        .iter()
        .position(|byte| *byte == b'/')?
        + earliest;
    (slash <= PREFIX_MAX).then(|| (&path[..slash], &path[slash + 1..]))
}

/// Returns `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    let mut bytes = format!("{length} {key}=").into_bytes();
    bytes.extend(value);
    bytes.push(b'\n');
    bytes
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Header, record, size_field, split};
    use crate::{EntryKind, FileEntry, Owner, RelPath, Sha256, Xattrs};

    #[test]
    fn record_counts_its_own_length() {
        for length in [1, 90, 91, 92, 93, 94, 95, 985, 986, 987, 988, 989, 4095] {
            let bytes = record("path", &vec![b'a'; length]);
            let text = String::from_utf8(bytes.clone()).expect("the value is ASCII");
            let stated = text.split(' ').next().expect("split gives one piece");
            assert_eq!(stated.parse(), Ok(bytes.len()), "{length}");
        }
    }

    #[test]
    fn long_paths_are_cut_at_the_first_slash_that_fits() {
        let directory = "d".repeat(60);
        let path = format!("{directory}/{directory}/{}", "f".repeat(39));
        assert_eq!(
            split(path.as_bytes()),
            Some((directory.as_bytes(), &path.as_bytes()[61..]))
        );
        let sooner = format!("a/{}/{}", "d".repeat(98), "f".repeat(50));
        let cut = split(sooner.as_bytes());
        assert_eq!(cut, Some((&sooner.as_bytes()[..100], &[b'f'; 50][..])));
        assert_eq!(split(&[b'a'; 101]), None);
        let only_slash_is_last = [[b'a'; 101].as_slice(), b"/"].concat();
        assert_eq!(split(&only_slash_is_last), None);
        let long_prefix = [[b'a'; 156].as_slice(), b"/b"].concat();
        assert_eq!(split(&long_prefix), None);
        let longest = [[b'a'; 155].as_slice(), b"/", [b'b'; 100].as_slice()].concat();
        assert_eq!(split(&longest), Some((&longest[..155], &longest[156..])));
    }

    #[test]
    fn header_of_the_seal_is_the_documented_one() {
        let header = Header::of_member(".igos/seal", 8).bytes;
        let block = header
            .first_chunk()
            .expect("a header is one block at least");
        assert_eq!(size_field(block), Some(8));
        assert_eq!(&header[..11], b".igos/seal\0");
        assert_eq!(&header[100..108], b"0000644\0");
        assert_eq!(&header[136..148], b"00000000001\0");
        assert_eq!(&header[148..157], b"012673\0 0");
        assert_eq!(&header[257..270], b"ustar\x0000root\0");
    }

    fn path(text: &str) -> RelPath {
        RelPath::from_bytes(text.as_bytes()).expect("the test gives a path")
    }

    fn file(at: &str, size: u64, change: impl FnOnce(&mut Owner)) -> FileEntry {
        let mut owner = Owner::root();
        change(&mut owner);
        FileEntry {
            path: path(at),
            kind: EntryKind::File {
                sha256: Sha256::of(b""),
                size,
                link_group: None,
            },
            mode: 0o644,
            owner,
            is_configuration: false,
            capabilities: None,
            xattrs: Xattrs::new(),
        }
    }

    /// The text of the extended header, if there is one, and the bytes of a field of the header after it.
    fn extended(header: &Header, field: std::ops::Range<usize>) -> (String, &[u8]) {
        let (body, block) = header.bytes.split_at(header.bytes.len() - BLOCK);
        let text = body
            .split_first_chunk()
            .map_or(String::new(), |(block, text)| {
                assert_eq!(block[156], b'x');
                let size = size_field(block).expect("it has a size") as usize;
                assert_eq!(text.len(), size.next_multiple_of(BLOCK));
                assert!(text[size..].iter().all(|byte| *byte == 0));
                String::from_utf8(text[..size].to_vec()).expect("the test gives text")
            });
        (text, &block[field])
    }

    #[test]
    fn numbers_and_owners_are_in_the_extended_header_where_ustar_has_no_room_for_them() {
        let name = |length: usize| "n".repeat(length).parse().expect("it is a name");
        let no_change = |_: &mut Owner| {};
        let of = |entry: &FileEntry| Header::of_entry(entry, None, 0);
        let size = |size: u64| of(&file("a", size, no_change));
        let uid = |id: u32| of(&file("a", 0, |owner| owner.uid = id));
        let gid = |id: u32| of(&file("a", 0, |owner| owner.gid = id));
        let user = |length: usize| of(&file("a", 0, |owner| owner.user = name(length)));
        let group = |length: usize| of(&file("a", 0, |owner| owner.group = name(length)));
        let (longest, too_long) = ("n".repeat(31), "n".repeat(32));
        // POSIX.1-1988: eleven or seven octal digits, or 31 bytes, and what ends them.
        for (header, field, record, wanted) in [
            (
                size(8_589_934_591),
                124..136,
                "",
                "77777777777\0".to_owned(),
            ),
            (
                size(8_589_934_592),
                124..136,
                "19 size=8589934592\n",
                "00000000000\0".to_owned(),
            ),
            (uid(2_097_151), 108..116, "", "7777777\0".to_owned()),
            (
                uid(2_097_152),
                108..116,
                "15 uid=2097152\n",
                "0000000\0".to_owned(),
            ),
            (gid(2_097_151), 116..124, "", "7777777\0".to_owned()),
            (
                gid(2_097_152),
                116..124,
                "15 gid=2097152\n",
                "0000000\0".to_owned(),
            ),
            (user(31), 265..297, "", format!("{longest}\0")),
            (
                user(32),
                265..297,
                &format!("42 uname={too_long}\n"),
                "\0".repeat(32),
            ),
            (group(31), 297..329, "", format!("{longest}\0")),
            (
                group(32),
                297..329,
                &format!("42 gname={too_long}\n"),
                "\0".repeat(32),
            ),
        ] {
            assert_eq!(
                extended(&header, field),
                (record.to_owned(), wanted.as_bytes())
            );
        }
    }

    #[test]
    fn paths_and_targets_are_in_the_extended_header_where_ustar_has_no_room_for_them() {
        let (longest, too_long) = ("n".repeat(100), "n".repeat(101));
        let entry = |at: &str| file(at, 0, |_| {});
        let link = |to: &str| Header::of_entry(&entry("a"), Some(&path(to)), 0);
        let symlink = |to: &str| {
            let target = to.as_bytes().to_vec();
            let kind = EntryKind::Symlink { target };
            Header::of_entry(&FileEntry { kind, ..entry("a") }, None, 0)
        };
        let at = |at: &str| Header::of_entry(&entry(at), None, 0);
        for (header, field, record) in [
            (at(&longest), 0..100, String::new()),
            (at(&too_long), 0..100, format!("111 path={too_long}\n")),
            (link(&longest), 157..257, String::new()),
            (
                link(&too_long),
                157..257,
                format!("115 linkpath={too_long}\n"),
            ),
            (symlink(&longest), 157..257, String::new()),
            (
                symlink(&too_long),
                157..257,
                format!("115 linkpath={too_long}\n"),
            ),
        ] {
            assert_eq!(extended(&header, field), (record, longest.as_bytes()));
        }
    }
}
