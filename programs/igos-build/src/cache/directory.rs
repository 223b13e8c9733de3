//! Where things lie in the cache.

use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use igos_format::{PackageName, Sha256};
use igos_sandbox::Identity;

use super::CacheError;

/// The text in the file `version`; another one is a cache of another format, which is left alone.
const FORMAT: &str = "igos-build cache 1\n";

/// A cache directory that exists and has our format.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    identity: Identity,
}

impl Cache {
    /// Opens the cache at `root` and makes what is missing of it. `identity` is whom builds run as; layers and
    /// directories of builds belong to it.
    ///
    /// # Errors
    ///
    /// Returns what cannot be made, or that the directory holds something else.
    pub fn open(root: &Path, identity: Identity) -> Result<Self, CacheError> {
        fs::create_dir_all(root).map_err(CacheError::io("make", root))?;
        let root = fs::canonicalize(root).map_err(CacheError::io("find", root))?;
        let cache = Cache { root, identity };
        let version = cache.root.join("version");
        match fs::read_to_string(&version) {
            Ok(text) if text == FORMAT => {}
            Ok(text) => {
                let source = std::io::Error::other(format!(
                    "it says {:?}, this program uses {:?}",
                    text.trim_end(),
                    FORMAT.trim_end()
                ));
                return Err(CacheError::io("use", &version)(source));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                cache.write_file(&version, FORMAT.as_bytes())?;
            }
            Err(error) => return Err(CacheError::io("read", &version)(error)),
        }
        for name in [
            "sources",
            "layers",
            "toolchains",
            "builds",
            "keys",
            "logs",
            "work",
            "failed",
        ] {
            let path = cache.root.join(name);
            fs::create_dir_all(&path).map_err(CacheError::io("make", &path))?;
            // Builds run as another user must get through to their own directories, whatever the umask says.
            set_mode(&path, 0o755)?;
        }
        Ok(cache)
    }

    /// Returns the directory itself, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns whom builds run as.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns the directory of the source store.
    #[must_use]
    pub fn sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// Returns the directory of imported toolchains.
    #[must_use]
    pub fn toolchains(&self) -> PathBuf {
        self.root.join("toolchains")
    }

    /// Returns where the build with this key lies.
    #[must_use]
    pub fn build(&self, key: &Sha256) -> PathBuf {
        self.root.join("builds").join(key.to_string())
    }

    /// Returns the file with the last key document of a package.
    #[must_use]
    pub fn key_document(&self, package: &PackageName) -> PathBuf {
        self.root.join("keys").join(package.as_str())
    }

    /// Returns the log of one build of a package.
    #[must_use]
    pub fn log(&self, package: &PackageName, key: &Sha256) -> PathBuf {
        let short: String = key.to_string().chars().take(16).collect();
        self.root
            .join("logs")
            .join(format!("{package}-{short}.log"))
    }

    /// Returns where the directory of a failed build of a package is kept.
    #[must_use]
    pub fn failed(&self, package: &PackageName) -> PathBuf {
        self.root.join("failed").join(package.as_str())
    }

    /// Returns the directory of a profile's pipeline, which need not be there.
    #[must_use]
    pub fn pipeline(&self, profile: &PackageName) -> PathBuf {
        self.root.join("pipeline").join(profile.as_str())
    }

    /// Returns `path`, which lies in the cache, relative to it.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// Writes a file so that others see all of it or nothing.
    pub(crate) fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), CacheError> {
        use std::io::Write as _;

        let partial = path.with_added_extension(format!("partial-{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644);
        let mut file = options
            .open(&partial)
            .map_err(CacheError::io("write", &partial))?;
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(CacheError::io("write", &partial))?;
        fs::rename(&partial, path).map_err(CacheError::io("rename", &partial))
    }

    /// Gives one directory or file to whom builds run as, if that is somebody else.
    pub(crate) fn give_to_builds(&self, path: &Path) -> Result<(), CacheError> {
        if rustix::process::geteuid().as_raw() == self.identity.uid {
            return Ok(());
        }
        fs::os::unix::fs::lchown(path, Some(self.identity.uid), Some(self.identity.gid))
            .map_err(CacheError::io("change the owner of", path))
    }
}

/// Sets the mode of a directory or file of our own.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), CacheError> {
    use std::os::unix::fs::PermissionsExt as _;

    let permissions = std::fs::Permissions::from_mode(mode);
    fs::set_permissions(path, permissions).map_err(CacheError::io("set the mode of", path))
}
