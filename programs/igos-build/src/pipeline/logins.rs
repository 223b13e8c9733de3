//! How people of a profile prove who they are: the password they have, as a hash, and the keys they come with.

use std::fmt;
use std::str::FromStr;

use igos_format::PackageName;

/// Schemes of crypt(5) that both the shell's `login` and the C library of our systems know: what a hash begins with,
/// and how long its last part is.
const SCHEMES: [(&str, usize); 2] = [("$5$", 43), ("$6$", 86)];

/// Longest salt of these schemes, in bytes.
const SALT_MAX_BYTES: usize = 16;

/// Rounds that these schemes can have; with others, what is written and what is calculated differ.
const ROUNDS: std::ops::RangeInclusive<u32> = 1000..=999_999_999;

/// Kinds of keys that OpenSSH and dropbear know, and how the base64 of each begins: the key repeats its kind.
const KINDS: [(&str, &str); 7] = [
    ("ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNT"),
    ("ecdsa-sha2-nistp384", "AAAAE2VjZHNhLXNoYTItbmlzdHAzOD"),
    ("ecdsa-sha2-nistp521", "AAAAE2VjZHNhLXNoYTItbmlzdHA1Mj"),
    (
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb2",
    ),
    (
        "sk-ssh-ed25519@openssh.com",
        "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
    ),
    ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"),
    ("ssh-rsa", "AAAAB3NzaC1yc2"),
];

/// The shortest key there is, in bytes of base64: that of Ed25519.
const KEY_MIN_BYTES: usize = 68;

/// How somebody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub name: PackageName,
    /// Their group, where it is not that of their name.
    pub group: Option<PackageName>,
    /// Their home directory.
    pub home: Option<String>,
    /// The password.
    pub password: Option<PasswordHash>,
    /// Further groups that they are members of.
    pub groups: Vec<PackageName>,
    /// Keys that let them in over ssh.
    pub keys: Vec<AuthorizedKey>,
}

impl Login {
    /// Returns the second field of the user's line in `etc/shadow`; `None` if the profile says nothing about it.
    ///
    /// Who has keys and no password has `*`: no password fits. `!`, which other accounts have, locks out keys as well
    /// (sshd(8), LOGIN PROCESS).
    #[must_use]
    pub fn shadow_field(&self) -> Option<&str> {
        match &self.password {
            Some(hash) => Some(hash.as_str()),
            None => (!self.keys.is_empty()).then_some("*"),
        }
    }
}

/// A password, as crypt(5) writes what can be compared with it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// Whoever has it can try passwords: it is in no message.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// A text is no hash of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not `$5$SALT$HASH` or `$6$SALT$HASH`, as `openssl passwd -6` and busybox's `cryptpw -m sha512` write them"
)]
pub struct PasswordHashError;

impl FromStr for PasswordHash {
    type Err = PasswordHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_of_alphabet = |part: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
            !part.is_empty() && part.bytes().all(known)
        };
        let (rest, length) = SCHEMES
            .iter()
            .find_map(|(scheme, length)| Some((text.strip_prefix(scheme)?, *length)))
            .ok_or(PasswordHashError)?;
        let rest = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or(PasswordHashError)?;
                let number: u32 = rounds.parse().map_err(|_| PasswordHashError)?;
                if !ROUNDS.contains(&number) || number.to_string() != rounds {
                    return Err(PasswordHashError);
                }
                rest
            }
            None => rest,
        };
        let (salt, hash) = rest.split_once('$').ok_or(PasswordHashError)?;
        let is_valid = is_of_alphabet(salt)
            && salt.len() <= SALT_MAX_BYTES
            && is_of_alphabet(hash)
            && hash.len() == length;
        is_valid
            .then(|| PasswordHash(text.to_owned()))
            .ok_or(PasswordHashError)
    }
}

/// A line of `.ssh/authorized_keys`: a kind, a key, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuthorizedKey(String);

impl AuthorizedKey {
    /// Returns the line, without its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is no line of `.ssh/authorized_keys`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizedKeyError {
    /// It is more than one line, or has characters that are not seen.
    #[error("a key is one line of text")]
    Line,
    /// Its first word is nothing that is known.
    #[error("a key begins with its kind, as `ssh-ed25519`; options are not understood here")]
    Kind,
    /// Its second word is not such a key.
    #[error("what follows {kind} is not a key of this kind: take the line of the file `.pub`")]
    Key {
        /// The kind that it says it is.
        kind: String,
    },
}

impl FromStr for AuthorizedKey {
    type Err = AuthorizedKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().any(char::is_control) {
            return Err(AuthorizedKeyError::Line);
        }
        let mut words = text.split(' ');
        let kind = words.next().unwrap_or_default();
        let (_, beginning) = KINDS
            .iter()
            .find(|(known, _)| *known == kind)
            .ok_or(AuthorizedKeyError::Kind)?;
        let key = words.next().unwrap_or_default();
        let data = key.strip_suffix("==").or(key.strip_suffix('='));
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let is_valid = key.starts_with(beginning)
            && key.len() >= KEY_MIN_BYTES
            && key.len().is_multiple_of(4)
            && data.unwrap_or(key).bytes().all(known);
        if !is_valid {
            let kind = kind.to_owned();
            return Err(AuthorizedKeyError::Key { kind });
        }
        Ok(AuthorizedKey(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{AuthorizedKey, AuthorizedKeyError, PasswordHash};

    #[test]
    fn hash_of_a_password_has_a_scheme_that_our_systems_know_and_its_length() {
        let long = "x".repeat(86);
        let short = "x".repeat(43);
        for good in [
            format!("$6$salt${long}"),
            format!("$5$a./Z9${short}"),
            format!("$6$rounds=5000$0123456789abcdef${long}"),
        ] {
            assert!(good.parse::<PasswordHash>().is_ok(), "{good}");
        }
        for bad in [
            String::new(),
            "secret".to_owned(),
            "!".to_owned(),
            format!("$1$salt${short}"),
            format!("$y$j9T$salt${short}"),
            format!("$6$salt${short}"),
            format!("$6$salt${long}x"),
            format!("$6$${long}"),
            format!("$6$0123456789abcdefg${long}"),
            format!("$6$rounds=999$salt${long}"),
            format!("$6$rounds=05000$salt${long}"),
            format!("$6$sa:lt${long}"),
            format!("$6$salt${}:", "x".repeat(85)),
            format!("$6$salt${}\n", "x".repeat(85)),
        ] {
            assert!(bad.parse::<PasswordHash>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hash_of_a_password_is_in_no_message() {
        let text = format!("$6$salt${}", "x".repeat(86));
        let hash: PasswordHash = text.parse().expect("it is one");
        assert_eq!(format!("{hash:?}"), "PasswordHash");
        assert_eq!(hash.as_str(), text);
    }

    #[test]
    fn key_is_one_line_that_begins_with_its_kind_and_repeats_it() {
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIGPAuRGNJiMLSKuwfCzuSsfX1Oc3oosZLPRrhAN+Tt65";
        for good in [
            format!("ssh-ed25519 {key}"),
            format!("ssh-ed25519 {key} me at work"),
        ] {
            let read: AuthorizedKey = good.parse().expect("it is one");
            assert_eq!(read.as_str(), good);
        }
        for (bad, why) in [
            (String::new(), AuthorizedKeyError::Kind),
            (key.to_owned(), AuthorizedKeyError::Kind),
            (
                format!("restrict ssh-ed25519 {key}"),
                AuthorizedKeyError::Kind,
            ),
            (
                format!("ssh-ed25519 {key}\nssh-ed25519 {key}"),
                AuthorizedKeyError::Line,
            ),
            (
                format!("ssh-rsa {key}"),
                AuthorizedKeyError::Key {
                    kind: "ssh-rsa".to_owned(),
                },
            ),
            (
                format!("ssh-ed25519 {}", &key[..64]),
                AuthorizedKeyError::Key {
                    kind: "ssh-ed25519".to_owned(),
                },
            ),
            (
                format!("ssh-ed25519 {}'{}", &key[..40], &key[41..]),
                AuthorizedKeyError::Key {
                    kind: "ssh-ed25519".to_owned(),
                },
            ),
        ] {
            assert_eq!(bad.parse::<AuthorizedKey>(), Err(why), "{bad:?}");
        }
    }
}
