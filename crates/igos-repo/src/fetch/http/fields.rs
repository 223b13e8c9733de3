//! Values of the fields of an answer.

/// Reads a number of bytes: `Content-Length` (RFC 9110, 8.6).
pub(super) fn number(value: &str) -> Option<u64> {
    let is_decimal = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| is_decimal)
}

/// Returns where a partial answer begins: `Content-Range: bytes START-END/TOTAL` (RFC 9110, 14.4).
pub(super) fn range_start(value: &str) -> Option<u64> {
    let (start, end) = value.strip_prefix("bytes ")?.split_once('-')?;
    let (end, _total) = end.split_once('/')?;
    let (start, end) = (number(start)?, number(end)?);
    (start <= end).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::{number, range_start};

    #[test]
    fn fields_are_read_as_their_document_says_and_not_otherwise() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for other in ["", "+1", "-1", "1 ", "1,1", "18446744073709551616"] {
            assert_eq!(number(other), None, "{other}");
        }
        assert_eq!(range_start("bytes 7-9/12"), Some(7));
        assert_eq!(range_start("bytes 0-0/*"), Some(0));
        for other in [
            "bytes */12",
            "bytes 9-7/12",
            "bytes 7-9",
            "bytes +7-9/12",
            "7-9/12",
        ] {
            assert_eq!(range_start(other), None, "{other}");
        }
    }
}
