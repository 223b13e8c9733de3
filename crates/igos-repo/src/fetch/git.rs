//! One commit of a git repository as a tar file.
//!
//! The program `git` of the host fetches into a bare clone of ours; its configuration, credentials, hooks and
//! helpers are shut out, and only http and https are spoken. The commit id is compared by git itself while it
//! receives (`transfer.fsckObjects`) and by us afterwards. `git archive` of a commit has the commit's time in
//! all entries, so equal commits give equal bytes; `export-ignore` and `export-subst` are switched off, because
//! the first would hide files and the second write the state of the clone into them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_format::Sha256;

use super::settings::FetchSettings;
use crate::host::{self, HostError};
use crate::request::is_commit_id;

/// Most bytes of what git may say; the tree itself goes to a file.
const OUTPUT_MAX_BYTES: usize = 4 << 20;

/// Why a commit could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    #[error("cannot fetch {reference}")]
    Fetch {
        reference: String,
        #[source]
        source: HostError,
    },
    #[error("asked for commit {expected}, the repository gave {actual}")]
    OtherCommit { expected: String, actual: String },
    #[error("cannot use the clone {}", path.display())]
    Clone {
        path: PathBuf,
        #[source]
        source: HostError,
    },
    #[error("cannot write below {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Runs the host's git.
#[derive(Debug)]
pub(super) struct Git {
    program: PathBuf,
    cache: PathBuf,
    timeout: Duration,
    /// Transports that git may use, as `GIT_ALLOW_PROTOCOL` lists them.
    protocols: &'static str,
}

impl Git {
    pub(super) fn new(settings: &FetchSettings) -> Self {
        Git {
            program: settings.git.clone(),
            cache: settings.git_cache.clone(),
            timeout: settings.http.total,
            protocols: "https:http",
        }
    }

    /// Returns one that also reads repositories on this machine.
    #[cfg(test)]
    pub(super) fn local(settings: &FetchSettings) -> Self {
        Git {
            protocols: "file",
            ..Git::new(settings)
        }
    }

    /// Writes the tree of the commit that `reference` names to the file `to`, as tar, and returns its id.
    pub(super) fn archive(
        &self,
        url: &str,
        reference: Option<&str>,
        to: &Path,
    ) -> Result<String, GitError> {
        let clone = self.open_clone(url)?;
        let wanted = reference.unwrap_or("HEAD");
        let commit = self.fetch(&clone, url, wanted)?;
        let output = format!("--output={}", to.display());
        self.run(&clone, &["archive", "--format=tar", &output, &commit])
            .map_err(|source| GitError::Clone {
                path: clone,
                source,
            })?;
        Ok(commit)
    }

    fn fetch(&self, clone: &Path, url: &str, wanted: &str) -> Result<String, GitError> {
        let is_pinned = is_commit_id(wanted);
        let known = format!("{wanted}^{{commit}}");
        if is_pinned
            && self
                .run(clone, &["rev-parse", "--verify", "--quiet", &known])
                .is_ok()
        {
            return Ok(wanted.to_owned());
        }
        let failed = |source| GitError::Fetch {
            reference: wanted.to_owned(),
            source,
        };
        let shallow = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--depth=1",
            url,
            wanted,
        ];
        if let Err(error) = self.run(clone, &shallow) {
            // Not every server gives out a commit by its id; then its branches and tags are fetched whole.
            if !is_pinned {
                return Err(failed(error));
            }
            let whole = [
                "fetch",
                "--quiet",
                "--no-recurse-submodules",
                url,
                "+refs/heads/*:refs/remotes/origin/*",
                "+refs/tags/*:refs/tags/*",
            ];
            self.run(clone, &whole).map_err(failed)?;
            self.run(clone, &["rev-parse", "--verify", &known])
                .map_err(failed)?;
            return Ok(wanted.to_owned());
        }
        let actual = self
            .run(clone, &["rev-parse", "--verify", "FETCH_HEAD^{commit}"])
            .map_err(failed)?;
        let actual = String::from_utf8_lossy(&actual).trim().to_owned();
        if !is_commit_id(&actual) || (is_pinned && actual != wanted) {
            return Err(GitError::OtherCommit {
                expected: wanted.to_owned(),
                actual,
            });
        }
        Ok(actual)
    }

    /// Returns the bare clone for an address, made if it is not there.
    fn open_clone(&self, url: &str) -> Result<PathBuf, GitError> {
        let io_failed = |path: &Path| {
            let path = path.to_owned();
            move |source| GitError::Io { path, source }
        };
        let home = self.home();
        fs_err::create_dir_all(&home).map_err(io_failed(&home))?;
        let clone = self
            .cache
            .join(format!("{}.git", Sha256::of(url.as_bytes())));
        if !clone.join("HEAD").exists() {
            let path = clone.display().to_string();
            self.run(&home, &["init", "--quiet", "--bare", "--template=", &path])
                .map_err(|source| GitError::Clone {
                    path: clone.clone(),
                    source,
                })?;
        }
        let attributes = clone.join("info").join("attributes");
        fs_err::create_dir_all(clone.join("info")).map_err(io_failed(&clone))?;
        fs_err::write(&attributes, "* -export-ignore -export-subst\n")
            .map_err(io_failed(&attributes))?;
        Ok(clone)
    }

    /// An empty directory: no configuration, no credentials.
    fn home(&self) -> PathBuf {
        self.cache.join("empty")
    }

    fn run(&self, directory: &Path, args: &[&str]) -> Result<Vec<u8>, HostError> {
        let directory = directory.display().to_string();
        let home = self.home().display().to_string();
        let mut all = vec!["-C", &directory];
        for setting in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "credential.helper=",
            "transfer.fsckObjects=true",
            "fetch.recurseSubmodules=false",
            "submodule.recurse=false",
            "gc.auto=0",
            "maintenance.auto=false",
            "tar.umask=0022",
            "http.followRedirects=initial",
        ] {
            all.extend(["-c", setting]);
        }
        all.extend(args);
        let env = [
            ("PATH", "/usr/bin:/bin"),
            ("LC_ALL", "C"),
            ("HOME", home.as_str()),
            ("XDG_CONFIG_HOME", home.as_str()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "/bin/false"),
            ("GIT_ALLOW_PROTOCOL", self.protocols),
            ("GIT_PROTOCOL_FROM_USER", "0"),
        ];
        host::run(&self.program, &all, &env, OUTPUT_MAX_BYTES, self.timeout)
    }
}
