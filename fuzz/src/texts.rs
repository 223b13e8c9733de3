//! Texts of a root and of its administrator: the record, settings of repositories, and advisories.

use igos_format::Sha256;
use igos_repo::publish::Advisories;
use igos_repo::repository::RepositorySettings;
use igos_sysroot::TextKind;

/// Reads bytes as every text of a record, as they are and with the last line made right: what is read is written again.
pub fn record(data: &[u8]) {
    let end = format!("end {}\n", Sha256::of(data));
    for bytes in [data, &[data, end.as_bytes()].concat()] {
        for kind in TextKind::ALL {
            if let Ok(written) = kind.rewrite(bytes) {
                assert_eq!(written, bytes, "{kind:?}");
            }
        }
    }
}

/// Parses texts as the settings of a repository: there are settings, or reasons that have a place in the text.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let name = "main".parse().expect("it is a name");
    if let Err(reasons) = RepositorySettings::parse(name, "main.toml", text) {
        assert!(!reasons.is_empty());
    }
}

/// Parses bytes as the advisories that a publisher gives out: parsed, or refused with a reason.
pub fn advisories(data: &[u8]) {
    if let Err(reason) = Advisories::parse(data) {
        assert!(!reason.to_string().is_empty());
    }
}
