//! A program of a hundred bytes, so that hooks need nothing of the machine.

/// Where the program is loaded.
const BASE: u64 = 0x40_0000;
/// Bytes of the headers before the code.
const HEADERS: u64 = 120;
/// Bytes of the code before the strings.
const CODE: u32 = 54;

/// Returns an ELF program for x86-64 that writes `text` into the file `path`, making it with mode 0644, and ends
/// with 0 whatever happens.
pub(super) fn writes(path: &str, text: &str) -> Vec<u8> {
    let path: Vec<u8> = [path.as_bytes(), b"\0"].concat();
    let text_at = CODE + path.len() as u32;
    let text_length = text.len() as u32;
    let number = u32::to_le_bytes;
    let mut code = Vec::new();
    // lea rdi, [path]; mov esi, O_WRONLY|O_CREAT|O_TRUNC; mov edx, 0644; mov eax, open; syscall
    code.extend([&[0x48, 0x8d, 0x3d][..], &number(CODE - 7)].concat());
    code.extend([&[0xbe][..], &number(0o1101), &[0xba], &number(0o644)].concat());
    code.extend([&[0xb8][..], &number(2), &[0x0f, 0x05]].concat());
    // mov edi, eax; lea rsi, [text]; mov edx, length; mov eax, write; syscall
    code.extend([&[0x89, 0xc7, 0x48, 0x8d, 0x35][..], &number(text_at - 33)].concat());
    code.extend(
        [
            &[0xba][..],
            &number(text_length),
            &[0xb8],
            &number(1),
            &[0x0f, 0x05],
        ]
        .concat(),
    );
    // xor edi, edi; mov eax, exit; syscall
    code.extend([&[0x31, 0xff, 0xb8][..], &number(60), &[0x0f, 0x05]].concat());
    code.extend(&path);
    code.extend(text.as_bytes());
    [headers(code.len() as u64), code].concat()
}

fn headers(code_bytes: u64) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    // An executable for x86-64, version 1.
    bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [BASE + HEADERS, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    // Flags; sizes and counts of headers: one for the program, none for sections.
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    // One segment to load, readable and executable.
    bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    let size = HEADERS + code_bytes;
    for word in [0, BASE, BASE, size, size, 0x1000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::writes;

    #[test]
    fn program_writes_its_text_into_its_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("made");
        let program = directory.path().join("program");
        let code = writes(file.to_str().expect("UTF-8"), "some text\n");
        fs_err::write(&program, code).expect("it can be written");
        let mode = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(&program, mode).expect("it is ours");
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let status = Command::new(&program).status().expect("it can be started");
        assert!(status.success());
        let made = fs_err::read_to_string(&file).expect("it was made");
        assert_eq!(made, "some text\n");
    }
}
