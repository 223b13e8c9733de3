//! Addresses: hosts, and where redirects lead.

/// Tells whether a redirect gives up the protection of https.
pub(super) fn is_downgrade(from: &str, to: &str) -> bool {
    from.starts_with("https://") && !to.starts_with("https://")
}

pub(super) fn host_of(url: &str) -> &str {
    let rest = url.find("://").map_or(0, |at| at + 3);
    let end = url[rest..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| rest + at);
    &url[..end]
}

/// Returns what a redirect from `base` to `target` means (RFC 3986, 5.2, without dot segments, which servers
/// resolve themselves).
pub(super) fn join(base: &str, target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    let host = host_of(base);
    if let Some(rest) = target.strip_prefix("//") {
        let scheme = base.split("://").next().unwrap_or_default();
        return format!("{scheme}://{rest}");
    }
    if target.starts_with('/') {
        return format!("{host}{target}");
    }
    let path = &base[host.len()..];
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if target.starts_with('?') {
        return format!("{host}{path}{target}");
    }
    let directory = path.rfind('/').map_or("/", |at| &path[..=at]);
    format!("{host}{directory}{target}")
}

#[cfg(test)]
mod tests {
    use super::{host_of, is_downgrade, join};

    #[test]
    fn redirect_targets_are_resolved_against_the_address() {
        let base = "https://h:8/a/b.tar.gz?x=/1";
        assert_eq!(host_of(base), "https://h:8");
        assert_eq!(join(base, "http://g/c"), "http://g/c");
        assert_eq!(join(base, "//g/c"), "https://g/c");
        assert_eq!(join(base, "/c"), "https://h:8/c");
        assert_eq!(join(base, "c"), "https://h:8/a/c");
        assert_eq!(join(base, "?y"), "https://h:8/a/b.tar.gz?y");
        assert_eq!(join("https://h", "c"), "https://h/c");
    }

    #[test]
    fn redirects_never_leave_https() {
        assert!(is_downgrade("https://h/a", "http://h/a"));
        assert!(!is_downgrade("https://h/a", "https://g/a"));
        assert!(!is_downgrade("http://h/a", "https://h/a"));
        assert!(!is_downgrade("http://h/a", "http://g/a"));
    }
}
