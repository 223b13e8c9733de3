//! apt with a state of its own.
//!
//! Everything apt reads or writes lies below one directory of ours; the host contributes its proxy settings and
//! the programs. Our configuration is given with `-c`, which apt reads after the host's, and hooks that the host
//! runs around an update are cleared: they would act on the host's lists and cache.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use igos_format::Sha256;
use igos_report::{Diagnostic, Task};

use super::{DebianError, DebianSettings};
use crate::host;

/// Most bytes of one uncompressed index; the largest of Debian has 60 MB.
const INDEX_MAX_BYTES: usize = 1 << 30;

/// Most bytes of what a run of apt may say.
const TALK_MAX_BYTES: usize = 4 << 20;

/// Which indices a state is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Indices {
    /// `Sources` of these suites.
    Sources(Vec<String>),
    /// `Packages` of one suite and one architecture, as Debian names it.
    Packages {
        /// The suite.
        suite: String,
        /// The architecture.
        arch: &'static str,
    },
}

/// One verified index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) file: PathBuf,
    /// The suite it is of, as the settings name it.
    pub(super) suite: String,
    /// Size and time of modification: what tells an index from its next edition.
    pub(super) edition: String,
}

/// apt with its state below one directory.
#[derive(Debug)]
pub(super) struct Apt<'a> {
    settings: &'a DebianSettings,
    directory: PathBuf,
    indices: Indices,
    /// Whether the user was told already that downloads run as root.
    is_told: &'a AtomicBool,
}

impl<'a> Apt<'a> {
    pub(super) fn new(
        settings: &'a DebianSettings,
        directory: PathBuf,
        indices: Indices,
        is_told: &'a AtomicBool,
    ) -> Self {
        Apt {
            settings,
            directory,
            indices,
            is_told,
        }
    }

    pub(super) fn suites(&self) -> String {
        match &self.indices {
            Indices::Sources(suites) => suites.join(", "),
            Indices::Packages { suite, .. } => suite.clone(),
        }
    }

    /// Writes the configuration and makes the directories.
    pub(super) fn prepare(&self, task: &Task<'_>) -> Result<(), DebianError> {
        for program in [&self.settings.apt_get, &self.settings.apt_helper] {
            if !program.is_file() {
                return Err(DebianError::MissingProgram {
                    program: program.clone(),
                });
            }
        }
        if !self.settings.keyring.is_file() {
            return Err(DebianError::MissingKeyring {
                keyring: self.settings.keyring.clone(),
            });
        }
        for part in ["lists/partial", "cache/archives/partial", "download"] {
            let path = self.directory.join(part);
            fs_err::create_dir_all(&path).map_err(DebianError::io("make", path))?;
        }
        self.replace("sources.list", &self.sources_list()?)?;
        let text = configuration(&self.directory, self.downloader(task)?)?;
        self.replace("apt.conf", &text)
    }

    /// Gives a file of ours this content, at once, so that a program that reads it meanwhile sees all of it.
    fn replace(&self, name: &str, text: &str) -> Result<(), DebianError> {
        let path = self.directory.join(name);
        if fs_err::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let write = || {
            let file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.as_file().write_all(text.as_bytes())?;
            // apt's own user reads it too.
            file.as_file()
                .set_permissions(std::fs::Permissions::from_mode(0o644))?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        write().map_err(DebianError::io("write", &path))
    }

    /// Returns what apt is told about suites and keys.
    pub(super) fn sources_list(&self) -> Result<String, DebianError> {
        sources_list(self.settings, &self.indices)
    }

    /// Fetches the indices anew and verifies their signatures.
    pub(super) fn update(&self) -> Result<(), DebianError> {
        // Without this mode, apt is content when a suite could not be fetched.
        let args = ["--quiet", "-o", "APT::Update::Error-Mode=any", "update"];
        self.run(&self.settings.apt_get, &args, TALK_MAX_BYTES)
            .map(drop)
            .map_err(|error| {
                DebianError::from_host(error, |reason| DebianError::Update {
                    suites: self.suites(),
                    reason,
                })
            })
    }

    /// Returns the indices that are there, in the order of the suites.
    pub(super) fn present(&self) -> Result<Vec<Index>, DebianError> {
        let args = ["indextargets", "--format", "$(RELEASE) $(FILENAME)"];
        let output = self
            .run(&self.settings.apt_get, &args, TALK_MAX_BYTES)
            .map_err(|error| {
                DebianError::from_host(error, |reason| DebianError::Index {
                    file: self.directory.clone(),
                    reason,
                })
            })?;
        let mut found = Vec::new();
        for line in String::from_utf8_lossy(&output).lines() {
            // Suites have no spaces in their names: settings with any are refused.
            let (suite, name) = line.split_once(' ').unwrap_or_default();
            let file = PathBuf::from(name);
            let metadata = fs_err::metadata(&file).map_err(DebianError::io("look at", &file))?;
            let edition = format!("{} {} {}", name, metadata.size(), metadata.mtime());
            let suite = suite.to_owned();
            found.push(Index {
                file,
                suite,
                edition,
            });
        }
        Ok(found)
    }

    /// Returns the text of an index, uncompressed.
    pub(super) fn read(&self, index: &Index) -> Result<Vec<u8>, DebianError> {
        let file = index.file.display().to_string();
        self.run(
            &self.settings.apt_helper,
            &["cat-file", &file],
            INDEX_MAX_BYTES,
        )
        .map_err(|error| {
            DebianError::from_host(error, |reason| DebianError::Index {
                file: index.file.clone(),
                reason,
            })
        })
    }

    /// Downloads one file of the archive to a new file in our download directory.
    pub(super) fn download(
        &self,
        path: &str,
        sha256: &Sha256,
        to: &Path,
    ) -> Result<(), DebianError> {
        let url = format!("{}/{}", self.settings.mirror, encode(path));
        let digest = format!("SHA256:{sha256}");
        let to = to.display().to_string();
        let args = ["--quiet", "download-file", &url, &to, &digest];
        self.run(&self.settings.apt_helper, &args, TALK_MAX_BYTES)
            .map(drop)
            .map_err(|error| {
                DebianError::from_host(error, |reason| DebianError::Download {
                    path: path.to_owned(),
                    reason,
                })
            })
    }

    /// Returns the directory that downloads go to.
    pub(super) fn download_directory(&self) -> PathBuf {
        self.directory.join("download")
    }

    /// Makes `directory` writable for the user that apt's downloader becomes.
    pub(super) fn give_to_downloader(&self, directory: &Path) -> Result<(), DebianError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        // apt gave this directory to that user when it first updated, which tells us who that is.
        let partial = self.directory.join("lists/partial");
        let owner = fs_err::metadata(&partial).map_err(DebianError::io("look at", &partial))?;
        let uid = rustix::fs::Uid::from_raw(owner.uid());
        rustix::fs::chown(directory, Some(uid), None)
            .map_err(|error| DebianError::io("change the owner of", directory)(error.into()))
    }

    fn conf(&self) -> PathBuf {
        self.directory.join("apt.conf")
    }

    /// Returns the user that apt's downloader becomes: when we are root, apt's own, who must be able to reach
    /// and write the directories it downloads to; nobody else when we are not.
    fn downloader(&self, task: &Task<'_>) -> Result<Downloader, DebianError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Downloader::Caller);
        }
        let absolute = fs_err::canonicalize(&self.directory)
            .map_err(DebianError::io("resolve", &self.directory))?;
        let closed = absolute.ancestors().find(|ancestor| {
            fs_err::metadata(ancestor).map_or(true, |found| found.permissions().mode() & 0o001 == 0)
        });
        let Some(closed) = closed else {
            return Ok(Downloader::Own);
        };
        if !self.is_told.swap(true, Ordering::Relaxed) {
            task.notice(
                Diagnostic::warning(
                    "downloader-not-confined",
                    "apt downloads as root, not as its own unprivileged user",
                )
                .because(format!("{} is closed to other users", closed.display()))
                .hint("keep the cache directory where every user may pass, for example below /var/cache"),
            );
        }
        Ok(Downloader::Root)
    }

    fn run(&self, program: &Path, args: &[&str], limit: usize) -> Result<Vec<u8>, host::HostError> {
        let conf = self.conf().display().to_string();
        let mut all = vec!["-c", &conf];
        all.extend(args);
        let env = [
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
        ];
        host::run(program, &all, &env, limit, self.settings.timeout)
    }
}

/// Whom the downloader runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Downloader {
    /// The caller, who is not root.
    Caller,
    /// apt's own user.
    Own,
    /// Root, because apt's own user could not reach the files.
    Root,
}

/// Tests that a setting cannot end the line or the quotes it is written into.
fn plain<'a>(name: &'static str, value: &'a str) -> Result<&'a str, DebianError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:._-+~@".contains(c);
    if !value.is_empty()
        && value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && value.chars().all(is_plain)
    {
        Ok(value)
    } else {
        Err(DebianError::Setting {
            name,
            value: value.to_owned(),
        })
    }
}

fn plain_path<'a>(name: &'static str, path: &'a Path) -> Result<&'a str, DebianError> {
    let text = path.to_str().ok_or_else(|| DebianError::Setting {
        name,
        value: path.display().to_string(),
    })?;
    plain(name, text)
}

fn sources_list(settings: &DebianSettings, indices: &Indices) -> Result<String, DebianError> {
    let mirror = plain("mirror", &settings.mirror)?;
    if !mirror.starts_with("http://") && !mirror.starts_with("https://") {
        return Err(DebianError::Setting {
            name: "mirror",
            value: mirror.to_owned(),
        });
    }
    let keyring = plain_path("keyring", &settings.keyring)?;
    let components = settings
        .components
        .iter()
        .map(|component| plain("components", component))
        .collect::<Result<Vec<_>, _>>()?
        .join(" ");
    let line = |kind: &str, options: &str, suite: &str| {
        plain("suites", suite).map(|suite| {
            format!("{kind} [signed-by={keyring} {options}] {mirror} {suite} {components}\n")
        })
    };
    match indices {
        Indices::Sources(suites) => suites
            .iter()
            .map(|suite| line("deb-src", "target=Sources", suite))
            .collect(),
        Indices::Packages { suite, arch } => {
            line("deb", &format!("arch={arch} target=Packages"), suite)
        }
    }
}

fn configuration(directory: &Path, downloader: Downloader) -> Result<String, DebianError> {
    let directory = plain_path("cache directory", directory)?;
    let sandbox = match downloader {
        Downloader::Caller | Downloader::Own => "",
        Downloader::Root => "APT::Sandbox::User \"root\";\n",
    };
    // `#clear` is apt's own directive (apt.conf(5)), not a comment.
    Ok(format!(
        r##"#clear APT::Update;
#clear DPkg;
#clear APT::Periodic;
Dir::State "{directory}";
Dir::State::lists "{directory}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{directory}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "{directory}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::Trusted "/dev/null";
Dir::Etc::TrustedParts "/dev/null";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
{sandbox}"##
    ))
}

/// Returns a path of the archive for use in an address.
fn encode(path: &str) -> String {
    path.replace('%', "%25")
        .replace('+', "%2b")
        .replace('~', "%7e")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Downloader, Indices, configuration, sources_list};
    use crate::DebianSettings;

    #[test]
    fn settings_cannot_break_out_of_the_configuration() {
        let sources = Indices::Sources(vec!["bookworm".into()]);
        let text =
            sources_list(&DebianSettings::default(), &sources).expect("the defaults are plain");
        assert_eq!(
            text,
            "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg target=Sources] \
             http://deb.debian.org/debian bookworm main\n"
        );
        for suite in ["", "a b", "a]", "a\ndeb http://evil ./", "-o", "a\"; X"] {
            let sources = Indices::Sources(vec![suite.into()]);
            assert!(
                sources_list(&DebianSettings::default(), &sources).is_err(),
                "{suite:?}"
            );
        }
        for mirror in [
            "file:///etc",
            "copy:/etc",
            "http://h/ trusted=yes",
            "cdrom:x",
        ] {
            let settings = DebianSettings {
                mirror: mirror.into(),
                ..DebianSettings::default()
            };
            assert!(sources_list(&settings, &sources).is_err(), "{mirror}");
        }
        assert!(configuration(Path::new("/a\"; b"), Downloader::Own).is_err());
        assert!(configuration(Path::new("/a b"), Downloader::Own).is_err());
    }
}
