//! The grammar of `sysusers.d(5)`: a line to a value.

use igos_format::RelPath;

use super::report::Unmade;
use super::specifiers::Specifiers;
use super::words::{Escapes, next_word};

/// Longest name of a user or group.
const NAME_MAX_BYTES: usize = 31;

/// Numbers that are nobody's: `(uid_t) -1` as 16 and 32 bits.
pub(super) const NOBODYS: [u32; 2] = [65_535, u32::MAX];

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// `u`: a user.
    User(User),
    /// `g`: a group.
    Group {
        /// Its name.
        name: String,
        /// Its number.
        id: Id,
    },
    /// `m`: a user is a member of a group.
    Member {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// `r`: numbers that are chosen from.
    Range {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
    },
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) id: Id,
    /// The primary group, if it is not the one of the user's name.
    pub(super) group: Option<Primary>,
    pub(super) description: String,
    pub(super) home: Option<String>,
    pub(super) shell: Option<String>,
}

/// A primary group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Primary {
    /// By name.
    Name(String),
    /// By number.
    Number(u32),
}

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Id {
    /// It is chosen.
    Any,
    /// This one, if it is free.
    Number(u32),
    /// That of the owner or group of a file.
    OwnerOf(RelPath),
}

/// Reads a line.
pub(super) fn parse(line: &[u8], specifiers: &Specifiers) -> Result<Account, Unmade> {
    let failed = |why: &str| Unmade::Failed(why.to_owned());
    let mut fields: Vec<Option<String>> = Vec::new();
    let mut rest = line;
    while let Some(word) = next_word(&mut rest, Escapes::Plain).map_err(failed)? {
        if fields.len() == 6 {
            return Err(failed("there are more than six fields"));
        }
        let word = match fields.is_empty() {
            true => word,
            false => specifiers.expand(&word).map_err(Unmade::Failed)?,
        };
        let word = String::from_utf8(word).map_err(|_| failed("it is not UTF-8"))?;
        fields.push((word != "-" && !word.is_empty()).then_some(word));
    }
    fields.resize(6, None);
    let [kind, name, id, description, home, shell] =
        fields.try_into().expect("it was resized to six");
    let kind = kind.ok_or_else(|| failed("there is no type"))?;
    let has_more = description.is_some() || home.is_some() || shell.is_some();
    if kind != "u" && has_more {
        return Err(failed("only users have a description, a home and a shell"));
    }
    match kind.as_str() {
        "u" => Ok(Account::User(user(name, id, description, home, shell)?)),
        "g" => Ok(Account::Group {
            name: account_name(name)?,
            id: match id {
                Some(id) => number_or_path(&id)?,
                None => Id::Any,
            },
        }),
        "m" => Ok(Account::Member {
            user: account_name(name)?,
            group: account_name(id)?,
        }),
        "r" if name.is_none() => range(&id.unwrap_or_default()),
        "r" => Err(failed("a range has no name")),
        other => Err(Unmade::Failed(format!("{other:?} is no type of line"))),
    }
}

fn user(
    name: Option<String>,
    id: Option<String>,
    description: Option<String>,
    home: Option<String>,
    shell: Option<String>,
) -> Result<User, Unmade> {
    let (id, group) = match id {
        None => (Id::Any, None),
        Some(path) if path.starts_with('/') => (number_or_path(&path)?, None),
        Some(id) => match id.split_once(':') {
            None => (number_or_path(&id)?, None),
            Some((own, group)) => {
                let own = match own {
                    "-" | "" => Id::Any,
                    own => Id::Number(number(own)?),
                };
                let group = match group.parse() {
                    Ok(gid) if !NOBODYS.contains(&gid) => Primary::Number(gid),
                    _ => Primary::Name(account_name(Some(group.to_owned()))?),
                };
                (own, Some(group))
            }
        },
    };
    let place = |what: &str, path: Option<String>| match path {
        Some(path) if !path.starts_with('/') || path.contains([':', '\n']) => Err(Unmade::Failed(
            format!("{what} {path:?} is no absolute path without colons"),
        )),
        path => Ok(path),
    };
    let description = description.unwrap_or_default();
    if description.contains(|c: char| c == ':' || c.is_control()) {
        return Err(Unmade::Failed(
            "a description has no colons and no control characters".to_owned(),
        ));
    }
    Ok(User {
        name: account_name(name)?,
        id,
        group,
        description,
        home: place("home", home)?,
        shell: place("shell", shell)?,
    })
}

fn account_name(name: Option<String>) -> Result<String, Unmade> {
    let name = name.unwrap_or_default();
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_more = |byte: u8| is_first(byte) || byte.is_ascii_digit() || byte == b'-';
    let is_name = name.bytes().next().is_some_and(is_first)
        && name.bytes().all(is_more)
        && name.len() <= NAME_MAX_BYTES;
    is_name
        .then_some(())
        .map(|()| name.clone())
        .ok_or_else(|| Unmade::Failed(format!("{name:?} is no name of a user or group")))
}

fn number_or_path(text: &str) -> Result<Id, Unmade> {
    match text.strip_prefix('/') {
        Some(path) => path
            .parse()
            .map(Id::OwnerOf)
            .map_err(|_| Unmade::Failed(format!("{text:?} is no path below the root"))),
        None => number(text).map(Id::Number),
    }
}

fn number(text: &str) -> Result<u32, Unmade> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_plain && !NOBODYS.contains(&number) => Ok(number),
        _ => Err(Unmade::Failed(format!(
            "{text:?} is no number that a user or group can have"
        ))),
    }
}

fn range(text: &str) -> Result<Account, Unmade> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    if from > to || from == 0 {
        return Err(Unmade::Failed(format!("{text:?} is no range of numbers")));
    }
    Ok(Account::Range { from, to })
}

#[cfg(test)]
mod tests {
    use super::{Account, Id, Primary, User, parse};
    use crate::hooks::drop_in::specifiers::Specifiers;

    fn read(line: &str) -> Option<Account> {
        parse(line.as_bytes(), &Specifiers::default()).ok()
    }

    fn user(name: &str, id: Id, group: Option<Primary>) -> User {
        User {
            name: name.to_owned(),
            id,
            group,
            description: String::new(),
            home: None,
            shell: None,
        }
    }

    #[test]
    fn examples_of_the_manual_page_are_understood() {
        let httpd = User {
            description: "HTTP User".to_owned(),
            ..user("httpd", Id::Number(404), None)
        };
        assert_eq!(
            read("u     httpd    404            \"HTTP User\""),
            Some(Account::User(httpd))
        );
        let authd = User {
            description: "Authorization user".to_owned(),
            ..user(
                "_authd",
                Id::OwnerOf("usr/bin/authd".parse().expect("a path")),
                None,
            )
        };
        assert_eq!(
            read("u _authd /usr/bin/authd \"Authorization user\""),
            Some(Account::User(authd))
        );
        let postgres = User {
            description: "Postgresql Database".to_owned(),
            home: Some("/var/lib/pgsql".to_owned()),
            shell: Some("/libexec/postgresdb".to_owned()),
            ..user("postgres", Id::Any, None)
        };
        assert_eq!(
            read("u postgres - \"Postgresql Database\" /var/lib/pgsql /libexec/postgresdb"),
            Some(Account::User(postgres))
        );
        let input = Account::Group {
            name: "input".to_owned(),
            id: Id::Any,
        };
        assert_eq!(read("g     input    -              -"), Some(input));
        let member = Account::Member {
            user: "_authd".to_owned(),
            group: "input".to_owned(),
        };
        assert_eq!(read("m     _authd   input"), Some(member));
        assert_eq!(
            read("r - 500-900"),
            Some(Account::Range { from: 500, to: 900 })
        );
        let sync = user("sync", Id::Number(4), Some(Primary::Number(65_534)));
        assert_eq!(read("u sync 4:65534"), Some(Account::User(sync)));
        let named = user("a", Id::Any, Some(Primary::Name("users".to_owned())));
        assert_eq!(read("u a -:users -"), Some(Account::User(named)));
    }

    #[test]
    fn lines_that_nobody_defines_are_refused() {
        for line in [
            "x a",
            "u",
            "u - 1",
            "u 1a -",
            "u a.b -",
            "u -a -",
            "u a 65535",
            "u a 4294967295",
            "u a +1",
            "u a 1:",
            "u a - a:b",
            "u a - - relative",
            "u a - - /a:b",
            "g a - description",
            "m a",
            "m a -",
            "r a 1-2",
            "r - 9-1",
            "r - 0-9",
            "u a - - - - more",
            "u \"a",
            "u! a -",
            "u a%b -",
            "u a ../x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(read(&format!("g {} -", "a".repeat(32))), None);
    }
}
