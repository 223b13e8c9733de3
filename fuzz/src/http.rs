//! Fields of answers.

#[path = "../../crates/igos-repo/src/fetch/http/address.rs"]
mod address;
#[path = "../../crates/igos-repo/src/fetch/http/fields.rs"]
mod fields;

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
