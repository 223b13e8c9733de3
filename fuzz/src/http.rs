//! Fields of answers, and answers as a downloader passes them on.

#[path = "../../crates/igos-repo/src/fetch/http/address.rs"]
mod address;
#[allow(dead_code, reason = "the program builds answers as well")]
#[path = "../../crates/igos-repo/src/fetch/http/answer.rs"]
mod answer;
#[allow(dead_code, reason = "the program speaks both sides")]
#[path = "."]
mod confined {
    #[path = "../../crates/igos-repo/src/fetch/http/confined/frames.rs"]
    mod frames;
    #[path = "../../crates/igos-repo/src/fetch/http/confined/wire.rs"]
    mod wire;

    use std::io::Read;

    /// Reads bytes as what a downloader says: never more data than there are bytes.
    pub(crate) fn answer(mut said: &[u8]) {
        let length = said.len();
        let Ok(Ok(head)) = frames::receive_head(&mut said) else {
            return;
        };
        let mut body = frames::Body::new(said);
        let mut bytes = Vec::new();
        let read = body.read_to_end(&mut bytes);
        assert!(bytes.len() + 5 <= length, "{head:?} {read:?}");
        if read.is_ok() {
            assert_eq!(body.read(&mut [0]).ok(), Some(0));
        }
    }
}
#[path = "../../crates/igos-repo/src/fetch/http/fields.rs"]
mod fields;

pub(crate) use confined::answer;

pub(crate) fn read(field: &str) {
    if let Some(start) = fields::range_start(field) {
        assert!(field.contains(&start.to_string()) || field.contains('0'));
    }
    if let Some(number) = fields::number(field) {
        assert!(field.trim_start_matches('0') == number.to_string() || number == 0);
    }
    for base in ["https://mirror.example/a/b", "http://mirror.example"] {
        let target = address::join(base, field);
        if !field.contains("://") && !field.starts_with("//") {
            let host = address::host_of(base);
            assert_eq!(address::host_of(&target), host, "{base} {field}");
            assert!(!address::is_downgrade(base, &target), "{base} {field}");
        }
    }
}
