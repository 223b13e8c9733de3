//! Packages made on the spot.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::declaration::{HookDeclaration, HookMoment};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256, Xattrs};

use super::program;

/// What all packages give as modification time.
const EPOCH: u64 = 1_700_000_000;

/// A package and its contents.
#[derive(Debug, Clone)]
pub struct TestPackage {
    /// Its manifest.
    pub manifest: Manifest,
    contents: BTreeMap<RelPath, Vec<u8>>,
}

fn path(text: &str) -> RelPath {
    text.parse().expect("tests give paths")
}

impl TestPackage {
    /// Returns a package without files.
    ///
    /// # Panics
    ///
    /// Panics, as all methods do, if a test gives what is no name, version or path.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        let package = PackageId {
            name: name.parse().expect("tests give names"),
            epoch: 0,
            version: version.parse().expect("tests give versions"),
            release: "1".parse().expect("1 is a release"),
            arch: Arch::Any,
        };
        TestPackage {
            manifest: Manifest {
                recipe: package.name.clone(),
                description: format!("the package {name}"),
                license: "MIT".to_owned(),
                source_date_epoch: EPOCH,
                ..Manifest::new(package, Origin::Built, Sha256::of(name.as_bytes()))
            },
            contents: BTreeMap::new(),
        }
    }

    fn entry(mut self, at: &str, kind: EntryKind, mode: u16) -> Self {
        self.manifest.entries.push(FileEntry {
            path: path(at),
            kind,
            mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: Xattrs::new(),
        });
        self
    }

    /// Adds a directory.
    #[must_use]
    pub fn directory(self, at: &str, mode: u16) -> Self {
        self.entry(at, EntryKind::Directory, mode)
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, at: &str, content: impl AsRef<[u8]>, mode: u16) -> Self {
        let content = content.as_ref();
        self.contents.insert(path(at), content.to_vec());
        let kind = EntryKind::File {
            sha256: Sha256::of(content),
            size: content.len() as u64,
            link_group: None,
        };
        self.entry(at, kind, mode)
    }

    /// Adds names of one file.
    #[must_use]
    pub fn hard_links(mut self, paths: &[&str], content: &str) -> Self {
        for at in paths {
            self = self.file(at, content, 0o644);
            if let Some(last) = self.manifest.entries.last_mut()
                && let EntryKind::File { link_group, .. } = &mut last.kind
            {
                *link_group = Some(1);
            }
        }
        self
    }

    /// Adds a configuration file.
    #[must_use]
    pub fn configuration(mut self, at: &str, content: &str) -> Self {
        self = self.file(at, content, 0o640);
        if let Some(last) = self.manifest.entries.last_mut() {
            last.is_configuration = true;
        }
        self
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, at: &str, target: &str) -> Self {
        let target = target.as_bytes().to_vec();
        self.entry(at, EntryKind::Symlink { target }, 0o777)
    }

    /// Changes the manifest.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    fn hook(self, moment: HookMoment, program: &str) -> Self {
        let run = vec![program.to_owned()];
        self.with(|manifest| {
            manifest.hooks.insert(HookDeclaration { moment, run });
        })
    }

    /// Returns the archive.
    #[must_use]
    pub fn to_archive(&self) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        manifest::normalise(&mut manifest);
        let open = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Cursor::new(self.contents[&entry.path].clone())))
        };
        let mut bytes = Vec::new();
        write_archive(
            &manifest,
            b"{}",
            &open,
            Compression::new(CompressionFormat::Zstd, 1).expect("1 is a level"),
            NonZeroUsize::MIN,
            &mut Cursor::new(Vec::new()),
            &mut bytes,
        )
        .expect("memory can be written");
        bytes
    }
}

/// Returns the three packages in version 1 or 2.
#[must_use]
pub fn world(version: &str) -> [TestPackage; 3] {
    let body = |text: &str| format!("{text} {version}\n");
    let library = TestPackage::new("library", version)
        .directory("usr", 0o755)
        .directory("usr/lib", 0o755)
        .file(
            &format!("usr/lib/libx.so.1.{version}"),
            body("library"),
            0o755,
        )
        .symlink("usr/lib/libx.so.1", &format!("libx.so.1.{version}"))
        .symlink("usr/lib/libx.so", "libx.so.1")
        .hard_links(&["usr/lib/one", "usr/lib/two"], &body("linked"))
        .directory("usr/include", 0o755)
        .file("usr/include/x.h", "never changes\n", 0o644)
        .file("usr/include/y.h", body("header"), 0o644);
    let tool = TestPackage::new("tool", version)
        .with(|manifest| {
            let library = "library".parse().expect("a dependency");
            manifest.depends.insert(library);
        })
        .directory("usr/bin", 0o755)
        .file("usr/bin/tool", body("tool"), 0o755)
        .file("usr/bin/become", body("become"), 0o4755)
        .directory("usr/lib/tool", 0o750)
        .file(
            "usr/lib/tool/cache",
            program::writes("/var/lib/tool/cache", &body("cached")),
            0o755,
        )
        .directory("etc/tool", 0o700)
        .configuration("etc/tool/plain.conf", &body("configuration"))
        .configuration("etc/tool/edited.conf", &body("configuration"))
        .configuration("etc/tool/deleted.conf", &body("configuration"))
        .file("usr/share/tool/same-one", body("same"), 0o644)
        .file("usr/share/tool/same-two", body("same"), 0o644)
        .file(
            &format!("usr/share/tool/only-{version}/deep/file"),
            body("only"),
            0o644,
        )
        .directory("var/lib/tool", 0o755)
        .hook(HookMoment::PostInstall, "/usr/lib/tool/cache")
        .hook(HookMoment::PostUpgrade, "/usr/lib/tool/cache");
    let kinds = TestPackage::new("kinds", version).file("usr/share/big", vec![b'x'; 40_000], 0o444);
    let kinds = match version {
        "1" => kinds
            .file("usr/share/kind", "a file\n", 0o644)
            .symlink("usr/share/turns", "big"),
        _ => kinds.file("usr/share/kind/inside", "a tree\n", 0o644).file(
            "usr/share/turns",
            "a file now\n",
            0o600,
        ),
    };
    [library, tool, kinds]
}
