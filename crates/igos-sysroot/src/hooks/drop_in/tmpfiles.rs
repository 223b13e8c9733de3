//! The grammar of `tmpfiles.d(5)`: a line to a value.

use igos_format::{RelPath, escape};

use super::report::Unmade;
use super::specifiers::Specifiers;
use super::words::{Escapes, next_word, unescape};

/// What a line says of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// The path below the root; a pattern where the action says so.
    pub(super) path: RelPath,
    pub(super) action: Action,
    pub(super) mode: Option<Mode>,
    pub(super) user: Option<Who>,
    pub(super) group: Option<Who>,
    /// `-`: a failure is none.
    pub(super) may_fail: bool,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// `d`, `D`, `v`, `q`, `Q`: a directory is made.
    Directory,
    /// `e`: directories that match are adjusted.
    Existing,
    /// `f`, `f+`: a file is made.
    File { content: Vec<u8>, present: Present },
    /// `L`, `L+`: a symbolic link is made.
    Link { target: Vec<u8>, present: Present },
    /// `z`: what matches is adjusted.
    Adjust,
    /// `Z`: what matches, and everything below it.
    AdjustAll,
}

impl Action {
    /// Tells whether the path is a pattern.
    pub(super) fn is_pattern(&self) -> bool {
        matches!(self, Action::Existing | Action::Adjust | Action::AdjustAll)
    }
}

/// What happens to what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    /// It stays.
    Kept,
    /// It is replaced.
    Replaced,
}

/// A mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) bits: u16,
    /// `~`: only what the present mode has of each kind.
    pub(super) is_masked: bool,
    /// `:`: only for what is made.
    pub(super) only_new: bool,
}

/// A user or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) id: WhoId,
    /// `:`: only for what is made.
    pub(super) only_new: bool,
}

/// How a user or group is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WhoId {
    Name(String),
    Number(u32),
}

/// Reads a line.
pub(super) fn parse(line: &[u8], specifiers: &Specifiers) -> Result<Declared, Unmade> {
    let failed = |why: &str| Unmade::Failed(why.to_owned());
    let mut rest = line;
    let mut fields: [Option<Vec<u8>>; 6] = Default::default();
    for field in &mut fields {
        *field = next_word(&mut rest, Escapes::C).map_err(failed)?;
    }
    let [kind, path, mode, user, group, _age] = fields;
    let kind = Kind::parse(&kind.unwrap_or_default())?;
    let path = path.ok_or_else(|| failed("there is no path"))?;
    let path = specifiers.expand(&path).map_err(Unmade::Failed)?;
    let path = below(&path)?;
    let argument = Some(rest.trim_ascii()).filter(|rest| !rest.is_empty() && *rest != b"-");
    let action = kind.action(&path, argument, specifiers)?;
    let text = |field: Option<Vec<u8>>| -> Result<Option<String>, Unmade> {
        let Some(field) = field.filter(|field| !field.is_empty() && field != b"-") else {
            return Ok(None);
        };
        let field = specifiers.expand(&field).map_err(Unmade::Failed)?;
        String::from_utf8(field)
            .map(Some)
            .map_err(|_| failed("a field is not UTF-8"))
    };
    let declared = Declared {
        mode: text(mode)?.as_deref().map(parse_mode).transpose()?,
        user: text(user)?.as_deref().map(parse_who).transpose()?,
        group: text(group)?.as_deref().map(parse_who).transpose()?,
        may_fail: kind.may_fail,
        action,
        path,
    };
    // Only now: a line for another time has to be a line all the same.
    if kind.only_at_boot {
        return Err(Unmade::Elsewhere(
            "it is for the start of a machine".to_owned(),
        ));
    }
    Ok(declared)
}

/// The first field.
#[derive(Debug, Clone, Copy)]
struct Kind {
    letter: u8,
    plus: bool,
    only_at_boot: bool,
    may_fail: bool,
}

impl Kind {
    fn parse(text: &[u8]) -> Result<Self, Unmade> {
        let unknown = || Unmade::Failed(format!("{:?} is no type of line", escape::escape(text)));
        let (letter, modifiers) = text.split_first().ok_or_else(unknown)?;
        let mut kind = Kind {
            letter: *letter,
            plus: false,
            only_at_boot: false,
            may_fail: false,
        };
        for modifier in modifiers {
            match modifier {
                b'+' => kind.plus = true,
                b'!' => kind.only_at_boot = true,
                b'-' => kind.may_fail = true,
                // What is of another kind is never removed: it is named.
                b'=' => {}
                b'~' | b'^' => {
                    return Err(Unmade::Left(format!(
                        "{}: credentials and encoded contents are not read",
                        escape::escape(text)
                    )));
                }
                _ => return Err(unknown()),
            }
        }
        if !b"dDvqQefwpLcbCxXrRzZtThHaA".contains(letter)
            || (kind.plus && !b"fwpLcbCtThHaA".contains(letter))
        {
            return Err(unknown());
        }
        Ok(kind)
    }

    fn action(
        self,
        path: &RelPath,
        argument: Option<&[u8]>,
        specifiers: &Specifiers,
    ) -> Result<Action, Unmade> {
        let text = |argument: &[u8]| {
            let plain = unescape(argument).map_err(|why| Unmade::Failed(why.to_owned()))?;
            specifiers.expand(&plain).map_err(Unmade::Failed)
        };
        let present = match self.plus {
            true => Present::Replaced,
            false => Present::Kept,
        };
        let left = |what: &str| Err(Unmade::Left(format!("/{path}: {what}")));
        match self.letter {
            b'd' | b'D' | b'v' | b'q' | b'Q' => Ok(Action::Directory),
            b'e' => Ok(Action::Existing),
            b'f' => Ok(Action::File {
                content: argument.map(text).transpose()?.unwrap_or_default(),
                present,
            }),
            b'L' => {
                let target = match argument {
                    Some(argument) => text(argument)?,
                    None => [b"/usr/share/factory/", path.as_bytes()].concat(),
                };
                if target.is_empty() || target.contains(&0) {
                    return Err(Unmade::Failed("a link leads nowhere".to_owned()));
                }
                Ok(Action::Link { target, present })
            }
            b'z' => Ok(Action::Adjust),
            b'Z' => Ok(Action::AdjustAll),
            b'x' | b'X' | b'r' | b'R' => {
                let why = "it is about removing what grew old";
                Err(Unmade::Elsewhere(why.to_owned()))
            }
            b'w' => left("nothing is written into files that are there"),
            b'p' => left("no named pipes are made"),
            b'c' | b'b' => left("no devices are made"),
            b'C' => left("nothing is copied"),
            b't' | b'T' => left("no extended attributes are set"),
            b'h' | b'H' => left("no file attributes are set"),
            b'a' | b'A' => left("no access control lists are set"),
            _ => Err(Unmade::Failed("it is no type of line".to_owned())),
        }
    }
}

/// Returns the path below the root that an absolute one names.
fn below(path: &[u8]) -> Result<RelPath, Unmade> {
    let failed = || {
        Unmade::Failed(format!(
            "{} is no absolute path below the root",
            escape::escape(path)
        ))
    };
    if path.first() != Some(&b'/') {
        return Err(failed());
    }
    let parts = path.split(|byte| *byte == b'/');
    let parts: Vec<&[u8]> = parts
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    RelPath::from_bytes(&parts.join(&b'/')).map_err(|_| failed())
}

fn parse_mode(text: &str) -> Result<Mode, Unmade> {
    let digits = text.trim_start_matches([':', '~']);
    let marks = &text[..text.len() - digits.len()];
    let is_octal =
        (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    match u16::from_str_radix(digits, 8) {
        Ok(bits) if is_octal && bits <= 0o7777 && marks.len() <= 2 => Ok(Mode {
            bits,
            is_masked: marks.contains('~'),
            only_new: marks.contains(':'),
        }),
        _ => Err(Unmade::Failed(format!("{text:?} is no mode"))),
    }
}

fn parse_who(text: &str) -> Result<Who, Unmade> {
    let name = text.strip_prefix(':').unwrap_or(text);
    let is_name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    if name.is_empty() || name.len() > 255 || !is_name(name) {
        return Err(Unmade::Failed(format!("{text:?} is no user or group")));
    }
    let id = match name.parse() {
        Ok(number) if !super::sysusers::NOBODYS.contains(&number) => WhoId::Number(number),
        _ => WhoId::Name(name.to_owned()),
    };
    Ok(Who {
        id,
        only_new: name.len() != text.len(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Action, Declared, Mode, Present, Who, WhoId, parse};
    use crate::hooks::drop_in::report::Unmade;
    use crate::hooks::drop_in::specifiers::Specifiers;

    fn read(line: &str) -> Result<Declared, Unmade> {
        parse(line.as_bytes(), &Specifiers::default())
    }

    #[test]
    fn fields_are_those_of_the_manual_page() {
        let declared = read("d- /var//lib/./a :~2750 :root 12 10d -").expect("a line");
        assert_eq!(
            declared,
            Declared {
                path: "var/lib/a".parse().expect("a path"),
                action: Action::Directory,
                mode: Some(Mode {
                    bits: 0o2750,
                    is_masked: true,
                    only_new: true
                }),
                user: Some(Who {
                    id: WhoId::Name("root".to_owned()),
                    only_new: true
                }),
                group: Some(Who {
                    id: WhoId::Number(12),
                    only_new: false
                }),
                may_fail: true,
            }
        );
        let file = read(r#"f /etc/motd 0644 - - - "two"\nlines %%"#).expect("a line");
        let content = b"\"two\"\nlines %".to_vec();
        assert_eq!(
            file.action,
            Action::File {
                content,
                present: Present::Kept
            }
        );
        let link = read("L+ /etc/mtab - - - - ../proc/self/mounts").expect("a line");
        let target = b"../proc/self/mounts".to_vec();
        assert_eq!(
            link.action,
            Action::Link {
                target,
                present: Present::Replaced
            }
        );
        let factory = read("L /etc/pam.d").expect("a line");
        let target = b"/usr/share/factory/etc/pam.d".to_vec();
        assert_eq!(
            factory.action,
            Action::Link {
                target,
                present: Present::Kept
            }
        );
    }

    #[test]
    fn no_line_is_dropped_silently() {
        for line in ["r! /x", "R /x", "x /x", "X /x", "f+! /x", "D! /x 1777"] {
            assert!(matches!(read(line), Err(Unmade::Elsewhere(_))), "{line}");
        }
        for line in [
            "w /x - - - - y",
            "p /x",
            "p+ /x",
            "c /x",
            "b+ /x",
            "C /x",
            "C+ /x",
            "t /x",
            "T /x",
            "h /x",
            "H /x",
            "a+ /x - - - - y",
            "A /x",
            "f^ /x - - - - y",
            "f~ /x - - - - eA==",
        ] {
            assert!(matches!(read(line), Err(Unmade::Left(_))), "{line}");
        }
        for line in [
            "",
            "d",
            "k /x",
            "d+ /x",
            "z+ /x",
            "d? /x",
            "dd /x",
            "d x",
            "d /",
            "d /a/../b",
            "d /x 8",
            "d /x 77777",
            "d /x +700",
            "d /x - a:b",
            "d /x - - ''b''/",
            "d /%b",
            "d /%q",
            "d \"/x",
            "d /\\q",
            "d! /x 9",
        ] {
            assert!(matches!(read(line), Err(Unmade::Failed(_))), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_leads_out_of_the_root(line in "[dfLzZe][+!-]?[ /.%\\\\a-z*0-9\"':~-]{0,40}") {
            if let Ok(declared) = read(&line) {
                prop_assert!(declared.path.components().all(|part| part != b".." && !part.is_empty()));
            }
        }
    }
}
