//! What `/proc/PID/stat` says.

/// Returns the parent's id from the content of a `/proc/PID/stat`, see proc_pid_stat(5).
pub(crate) fn parent_of(stat: &[u8]) -> Option<i32> {
    field(stat, 4)?.parse().ok()
}

/// Returns the number of threads.
pub(crate) fn threads_of(stat: &[u8]) -> Option<u64> {
    field(stat, 20)?.parse().ok()
}

/// Returns the number of resident pages.
pub(crate) fn resident_pages_of(stat: &[u8]) -> Option<u64> {
    field(stat, 24)?.parse().ok()
}

/// Returns a field by its number in the manual page; the second one, the name, may itself contain anything.
fn field(stat: &[u8], number: usize) -> Option<&str> {
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    std::str::from_utf8(&stat[after_name..])
        .ok()?
        .split_ascii_whitespace()
        .nth(number - 3)
}

#[cfg(test)]
mod tests {
    use super::{parent_of, resident_pages_of, threads_of};

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_fields() {
        let stat = b"77 (a) R 1 (b) S 42 77 77 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 99 1000 250 18446744073709551615";
        assert_eq!(parent_of(stat), Some(42));
        assert_eq!(threads_of(stat), Some(3));
        assert_eq!(resident_pages_of(stat), Some(250));
    }

    #[test]
    fn nonsense_has_no_fields() {
        assert_eq!(parent_of(b""), None);
        assert_eq!(threads_of(b"1 (x"), None);
    }
}
