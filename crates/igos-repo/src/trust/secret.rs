//! Secret keys, and the files that keep them.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt;
use igos_format::archive::{Signature, SignatureAlgorithm};
use igos_format::trust::{KeyId, PublicKey, SignatureBytes};
use igos_report::Explain;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

/// Longest key file, in bytes; tested before allocating. Ours have 164.
const FILE_MAX_BYTES: u64 = 4096;
/// The first line: name of the format, its version, the version that a reader must know.
const FIRST_LINE: &str = "igos-secret-key 1 1";

/// An Ed25519 key that can sign.
///
/// The seed, and every text that has it, are wiped when they are dropped. What `ring` derives from the seed is its own
/// and is not: a key is held no longer than it takes to sign.
pub struct SecretKey {
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
}

/// A secret key cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// The file cannot be read or written.
    #[error("cannot {action} key {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not a key file.
    #[error("{} is not a secret key of igos", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The file's two keys do not belong together.
    #[error("key {} is damaged: its public key is not the secret one's", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file.
    #[error("key {} has mode {mode:04o}: others may read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl Explain for SecretKeyError {
    fn code(&self) -> &'static str {
        match self {
            SecretKeyError::Random => "key-random-failed",
            SecretKeyError::File { .. } => "key-unreadable",
            SecretKeyError::Malformed { .. } => "key-malformed",
            SecretKeyError::Damaged { .. } => "key-damaged",
            SecretKeyError::Exposed { .. } => "key-exposed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            SecretKeyError::Exposed { path, .. } => vec![
                format!("take the rights away: `chmod 600 {}`", path.display()),
                "if others had the time to read it, replace the key: `igos-build key rotate`"
                    .into(),
            ],
            SecretKeyError::Malformed { .. } => vec!["make a key: `igos-build key new`".into()],
            SecretKeyError::Damaged { .. } => vec!["take the copy from your backup".into()],
            SecretKeyError::Random | SecretKeyError::File { .. } => Vec::new(),
        }
    }
}

impl SecretKey {
    /// Returns a new key from the system's random bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has none.
    pub fn generate() -> Result<Self, SecretKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        let filled = SystemRandom::new().fill(seed.as_mut());
        filled.map_err(|_| SecretKeyError::Random)?;
        Ok(SecretKey::of(seed))
    }

    /// Returns the key that follows from these 32 bytes (RFC 8032, 5.1.5); they must be random.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        SecretKey::of(Zeroizing::new(seed))
    }

    fn of(seed: Zeroizing<[u8; 32]>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref())
            .expect("every seed has 32 bytes and gives a key");
        SecretKey { seed, pair }
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref();
        PublicKey::from_bytes(
            bytes
                .try_into()
                .expect("public keys of Ed25519 have 32 bytes"),
        )
    }

    /// Returns the name of the public key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.public().id()
    }

    /// Signs bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> SignatureBytes {
        let signature = self.pair.sign(bytes);
        let bytes = signature.as_ref();
        SignatureBytes(
            bytes
                .try_into()
                .expect("signatures of Ed25519 have 64 bytes"),
        )
    }

    /// Signs the bytes of an archive's seal.
    #[must_use]
    pub fn sign_seal(&self, seal: &[u8]) -> Signature {
        Signature {
            algorithm: SignatureAlgorithm::Ed25519,
            key: self.id().as_sha256(),
            value: self.sign(seal).0,
        }
    }

    /// Reads a key file, which nobody but its owner may read.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be read, that others can, or that it is not a key.
    pub fn load(path: &Path) -> Result<Self, SecretKeyError> {
        let failed = |source| SecretKeyError::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let file = fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(SecretKeyError::Exposed { path, mode });
        }
        // A text that grows would leave copies of itself behind.
        let capacity = usize::try_from(FILE_MAX_BYTES).expect("a few KiB fit");
        let mut text = Zeroizing::new(String::with_capacity(capacity));
        let read = file.take(FILE_MAX_BYTES).read_to_string(&mut text);
        let malformed = || SecretKeyError::Malformed {
            path: path.to_owned(),
        };
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(malformed()),
            Err(error) => return Err(failed(error)),
        }
        let (public, seed) = parse(&text).ok_or_else(malformed)?;
        let key = SecretKey::of(seed);
        if key.public() != public {
            let path = path.to_owned();
            return Err(SecretKeyError::Damaged { path });
        }
        Ok(key)
    }

    /// Writes the key to a new file of mode 0600, and waits until the disk has it.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be written; a file that is there is never replaced.
    pub fn store(&self, path: &Path) -> Result<(), SecretKeyError> {
        let failed = |source| SecretKeyError::File {
            action: "write",
            path: path.to_owned(),
            source,
        };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        let written = file
            .write_all(self.to_text().as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(failed)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let start = format!("{FIRST_LINE}\npublic {}\nseed ", self.public());
        // A text that grows would leave copies of itself behind.
        let mut text = Zeroizing::new(String::with_capacity(start.len() + 65));
        text.push_str(&start);
        let digits = self.seed.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
        text.push('\n');
        text
    }
}

/// Reads the text without a copy of the seed that nobody wipes, as a digest that is parsed would be.
fn parse(text: &str) -> Option<(PublicKey, Zeroizing<[u8; 32]>)> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let public = lines.next()?.strip_prefix("public ")?.parse().ok()?;
    let digits = lines.next()?.strip_prefix("seed ")?.as_bytes();
    if digits.len() != 64 || lines.next().is_some() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut seed = Zeroizing::new([0; 32]);
    for (byte, pair) in seed.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some((public, seed))
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use fs_err as fs;
    use igos_report::Explain;

    use super::SecretKey;

    /// The first test vector of RFC 8032, 7.1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn key() -> SecretKey {
        let seed: igos_format::Sha256 = SEED.parse().expect("it has 64 digits");
        SecretKey::from_seed(*seed.as_bytes())
    }

    #[test]
    fn keys_and_signatures_are_those_of_the_standard() {
        assert_eq!(key().public().to_string(), PUBLIC);
        assert_eq!(
            key().sign(b"").to_string(),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
    }

    #[test]
    fn a_key_file_is_its_owners_alone_and_never_replaced() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("root.key");
        let key = SecretKey::generate().expect("the system has random bytes");
        key.store(&path).expect("the file is new");
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        let again = SecretKey::load(&path).expect("it was written by us");
        assert_eq!(again.public(), key.public());
        assert!(!format!("{again:?}").contains(&again.to_text()[94..158]));
        let error = key.store(&path).expect_err("the file is there");
        assert_eq!(error.code(), "key-unreadable");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is ours");
        let error = SecretKey::load(&path).expect_err("the group may read it");
        assert_eq!(error.code(), "key-exposed");
    }

    #[test]
    fn only_the_exact_text_is_a_key() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("a.key");
        let text = key().to_text().to_string();
        let other = SecretKey::from_seed([7; 32]).public().to_string();
        for (text, code) in [
            (format!("{text}\n"), "key-malformed"),
            (text.replace("key 1 1", "key 2 2"), "key-malformed"),
            (text.replace("seed ", "seed  "), "key-malformed"),
            (text.replace("seed 9d", "seed 9g"), "key-malformed"),
            (text.replace("seed 9d", "seed 9D"), "key-malformed"),
            (text.replace("seed 9d", "seed 9"), "key-malformed"),
            (text.to_uppercase(), "key-malformed"),
            (text.replace(PUBLIC, &other), "key-damaged"),
            (String::new(), "key-malformed"),
        ] {
            fs::write(&path, &text).expect("there is room");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
            let error = SecretKey::load(&path).expect_err("it is not the text");
            assert_eq!(error.code(), code, "{text}");
        }
    }
}
