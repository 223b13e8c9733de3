//! Files of other makers: ELF, packages of Debian and their indexes, drop-in files, answers of servers.

#[path = "../../programs/igos-build/src/stage/elf.rs"]
#[allow(dead_code, reason = "shared with igos-build, which uses all of it")]
mod elf_file;

#[path = "../../crates/igos-repo/src/debian/control.rs"]
#[allow(dead_code, reason = "shared with igos-repo, which uses all of it")]
mod control;

/// Reads bytes as an ELF file: facts within bounds, or an error.
pub fn elf(data: &[u8]) {
    if let Ok(Some(facts)) = elf_file::read_elf(std::io::Cursor::new(data)) {
        assert!(data.starts_with(b"\x7fELF"));
        let strings = [facts.needed, facts.search_path].concat();
        assert!(strings.iter().all(|text| text.len() <= data.len()));
    }
}

/// Reads bytes as a package of Debian.
pub fn deb(data: &[u8]) {
    thread_local! {
        static FILE: tempfile::NamedTempFile = tempfile::NamedTempFile::new().expect("a temporary file");
    }
    FILE.with(|file| {
        std::fs::write(file.path(), data).expect("it is ours");
        crate::deb_file::read(file.path());
    });
}

/// Reads text as an index of Debian.
pub fn debian_index(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for paragraph in control::paragraphs(text, &["Package", "Depends", "Checksums-Sha256"]) {
        if let Some(first) = paragraph.field("package") {
            assert_eq!(
                paragraph.lines("Package").and_then(|lines| lines.first()),
                Some(&first)
            );
        }
    }
}

/// Reads bytes as lines of `sysusers.d` and `tmpfiles.d`.
pub fn drop_ins(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        crate::drop_in::read(line);
    }
}

/// Reads bytes as what a downloader says.
pub fn downloader(data: &[u8]) {
    crate::http::answer(data);
}

/// Reads text as fields of an answer: numbers, ranges, and where it leads.
pub fn http_fields(data: &[u8]) {
    if let Ok(field) = std::str::from_utf8(data) {
        crate::http::read(field);
    }
}
