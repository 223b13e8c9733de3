//! What a confined downloader sees, and how much it may use.

use std::path::PathBuf;
use std::time::Duration;

use igos_sandbox::{Access, Limits, Network, RootView, Sandbox};

/// What says where servers are: files of the host, where they exist.
const RESOLVER_FILES: [&str; 6] = [
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
];

/// What says whom to believe, where systems keep it.
const CERTIFICATE_DIRECTORIES: [&str; 3] = ["/etc/ca-certificates", "/etc/pki", "/etc/ssl"];

/// Memory that it may take, in bytes: connections at once, with what each has read ahead.
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// Certificates of authorities that are used in place of the system's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificates {
    file: Option<PathBuf>,
    directory: Option<PathBuf>,
}

impl Certificates {
    /// Returns what the customary variables say: `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        Certificates {
            file: path("SSL_CERT_FILE"),
            directory: path("SSL_CERT_DIR"),
        }
    }

    /// Returns which paths of the host are seen where.
    fn views(&self) -> Vec<(PathBuf, &'static str)> {
        if self.file.is_none() && self.directory.is_none() {
            return CERTIFICATE_DIRECTORIES
                .map(|path| (path.into(), path))
                .to_vec();
        }
        // Where the library of TLS looks.
        let file = self.file.clone().map(|file| (file, "/etc/ssl/cert.pem"));
        let directory = self.directory.clone();
        let directory = directory.map(|directory| (directory, "/etc/ssl/certs"));
        file.into_iter().chain(directory).collect()
    }
}

/// Returns the sandbox of a downloader.
pub(super) fn sandbox(certificates: &Certificates) -> Sandbox {
    let files = RESOLVER_FILES.map(|path| (PathBuf::from(path), path));
    let views = files.into_iter().chain(certificates.views());
    let mut sandbox = Sandbox::new("/", RootView::Host);
    for (source, target) in views {
        // Some of these are links; what leads nowhere is not there.
        if let Ok(source) = fs_err::canonicalize(&source) {
            sandbox = sandbox.bind(source, target, Access::Read);
        }
    }
    sandbox.network = Network::Caller;
    sandbox.limits = Limits {
        processes: 128,
        memory_bytes: MEMORY_BYTES,
        // As long as there is something to ask; each request has its own limits.
        wall: Duration::MAX,
        disk_bytes: u64::MAX,
        log_bytes: 64 * 1024,
        tmp_bytes: 1024 * 1024,
        open_files: 256,
        ..Limits::default()
    };
    sandbox
}

#[cfg(test)]
mod tests {
    use super::Certificates;

    #[test]
    fn certificates_of_the_variables_take_the_place_of_the_systems() {
        let views = |variables: &[(&str, &str)]| {
            let found = Certificates::from_variables(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            let views = found.views().into_iter();
            let views = views.map(|(source, target)| format!("{} {target}", source.display()));
            views.collect::<Vec<_>>().join("; ")
        };
        let system =
            "/etc/ca-certificates /etc/ca-certificates; /etc/pki /etc/pki; /etc/ssl /etc/ssl";
        assert_eq!(views(&[]), system);
        assert_eq!(views(&[("SSL_CERT_FILE", "")]), system);
        assert_eq!(
            views(&[("SSL_CERT_FILE", "/my/ca.pem")]),
            "/my/ca.pem /etc/ssl/cert.pem"
        );
        assert_eq!(
            views(&[
                ("SSL_CERT_FILE", "/my/ca.pem"),
                ("SSL_CERT_DIR", "/my/certs")
            ]),
            "/my/ca.pem /etc/ssl/cert.pem; /my/certs /etc/ssl/certs"
        );
    }
}
