//! Values of lines: fields, and what they mean together. What is accepted here may still not be canonical.

use std::fmt::Display;
use std::str::{FromStr, Split};

use super::{LineProblem, Origin};
use crate::declaration::{
    AlternativeDeclaration, GroupDeclaration, HookDeclaration, ServiceDeclaration,
    TriggerDeclaration, UserDeclaration,
};
use crate::escape::unescape;
use crate::{Capabilities, EntryKind, FileEntry, Owner, RelPath, Xattrs};

/// Longest piece of a text that an error message repeats, in characters.
const SHOWN_MAX: usize = 200;

pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

pub(super) fn parse<T>(field: &'static str, text: &str) -> Result<T, LineProblem>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| LineProblem::Value {
        field,
        text: shown(text),
        reason: error.to_string(),
    })
}

fn refuse(field: &'static str, text: &str, reason: &str) -> LineProblem {
    LineProblem::Value {
        field,
        text: shown(text),
        reason: reason.to_owned(),
    }
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, LineProblem> {
    unescape(text).map_err(|_| refuse(field, text, "not in canonical escaped form"))
}

pub(super) fn words(field: &'static str, text: &str) -> Result<String, LineProblem> {
    String::from_utf8(bytes(field, text)?).map_err(|_| refuse(field, text, "not UTF-8"))
}

fn path(text: &str) -> Result<RelPath, LineProblem> {
    RelPath::from_bytes(&bytes("path", text)?)
        .map_err(|error| refuse("path", text, &error.to_string()))
}

fn next<'a>(fields: &mut Split<'a, char>, field: &'static str) -> Result<&'a str, LineProblem> {
    fields.next().ok_or(LineProblem::Missing { field })
}

fn key_value<'a>(field: &'static str, text: &'a str) -> Result<(&'a str, &'a str), LineProblem> {
    text.split_once('=')
        .ok_or_else(|| refuse(field, text, "not KEY=VALUE"))
}

pub(super) fn entry(kind: &str, text: &str) -> Result<FileEntry, LineProblem> {
    let mut fields = text.split(' ');
    let mode = next(&mut fields, "mode")?;
    let mode =
        u16::from_str_radix(mode, 8).map_err(|_| refuse("mode", mode, "not four octal digits"))?;
    let owner = Owner {
        user: parse("user", next(&mut fields, "user")?)?,
        uid: parse("uid", next(&mut fields, "uid")?)?,
        group: parse("group", next(&mut fields, "group")?)?,
        gid: parse("gid", next(&mut fields, "gid")?)?,
    };
    let mut kind = match kind {
        "directory" => EntryKind::Directory,
        "file" => EntryKind::File {
            size: parse("size", next(&mut fields, "size")?)?,
            sha256: parse("digest", next(&mut fields, "digest")?)?,
            link_group: None,
        },
        _ => EntryKind::Symlink {
            target: bytes("target", last(&mut fields, "target")?)?,
        },
    };
    let path = path(last(&mut fields, "path")?)?;
    let mut entry = FileEntry {
        path,
        kind: EntryKind::Directory,
        mode,
        owner,
        is_configuration: false,
        capabilities: None,
        xattrs: Xattrs::new(),
    };
    for flag in fields {
        match (flag.split_once('='), &mut kind) {
            (None, _) if flag == "config" => entry.is_configuration = true,
            (Some(("link", number)), EntryKind::File { link_group, .. }) => {
                *link_group = Some(parse("link", number)?);
            }
            (Some(("caps", text)), _) => entry.capabilities = Some(capabilities(text)?),
            (Some(("xattr", text)), _) => {
                let (name, value) = key_value("xattr", text)?;
                entry.xattrs.insert(name.to_owned(), hex("xattr", value)?);
            }
            _ => return Err(refuse("flag", flag, "not a flag of this kind of path")),
        }
    }
    entry.kind = kind;
    Ok(entry)
}

fn last<'a>(fields: &mut Split<'a, char>, field: &'static str) -> Result<&'a str, LineProblem> {
    fields.next_back().ok_or(LineProblem::Missing { field })
}

fn capabilities(text: &str) -> Result<Capabilities, LineProblem> {
    let refused = || refuse("caps", text, "not PERMITTED:INHERITABLE:EFFECTIVE");
    let mut fields = text.split(':');
    let mut set = |radix| {
        let field = fields.next()?;
        u64::from_str_radix(field, radix).ok()
    };
    let (Some(permitted), Some(inheritable), Some(effective @ 0..=1)) = (set(16), set(16), set(2))
    else {
        return Err(refused());
    };
    Ok(Capabilities {
        permitted,
        inheritable,
        effective: effective == 1,
    })
}

fn hex(field: &'static str, text: &str) -> Result<Vec<u8>, LineProblem> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| refuse(field, text, "not pairs of hexadecimal digits"))
}

pub(super) fn origin(text: &str) -> Result<Origin, LineProblem> {
    Origin::ALL
        .into_iter()
        .find(|origin| origin.as_str() == text)
        .ok_or_else(|| refuse("origin", text, "not built, built-weakened or imported"))
}

pub(super) fn user(text: &str) -> Result<UserDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    let mut user = UserDeclaration {
        name: parse("user", next(&mut fields, "user")?)?,
        uid: None,
        group: None,
        home: None,
        shell: None,
        description: None,
    };
    for field in fields {
        match key_value("user", field)? {
            ("uid", value) => user.uid = Some(parse("uid", value)?),
            ("group", value) => user.group = Some(parse("group", value)?),
            ("home", value) => user.home = Some(words("home", value)?),
            ("shell", value) => user.shell = Some(words("shell", value)?),
            ("description", value) => user.description = Some(words("description", value)?),
            _ => return Err(refuse("user", field, "not a property of users")),
        }
    }
    Ok(user)
}

pub(super) fn group(text: &str) -> Result<GroupDeclaration, LineProblem> {
    let (name, gid) = match text.split_once(" gid=") {
        Some((name, gid)) => (name, Some(parse("gid", gid)?)),
        None => (text, None),
    };
    Ok(GroupDeclaration {
        name: parse("group", name)?,
        gid,
    })
}

pub(super) fn service(text: &str) -> Result<ServiceDeclaration, LineProblem> {
    let (name, enabled) = match text.split_once(' ') {
        Some((name, "enabled")) => (name, true),
        Some((name, "disabled")) => (name, false),
        _ => return Err(refuse("service", text, "not NAME enabled or NAME disabled")),
    };
    Ok(ServiceDeclaration {
        name: parse("service", name)?,
        enabled,
    })
}

pub(super) fn alternative(text: &str) -> Result<AlternativeDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    Ok(AlternativeDeclaration {
        path: path(next(&mut fields, "path")?)?,
        target: path(next(&mut fields, "target")?)?,
        priority: parse("priority", next(&mut fields, "priority")?)?,
    })
}

pub(super) fn trigger(text: &str) -> Result<TriggerDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    let mut trigger = TriggerDeclaration {
        name: parse("trigger", next(&mut fields, "trigger")?)?,
        paths: Vec::new(),
        run: Vec::new(),
    };
    for field in fields {
        match key_value("trigger", field)? {
            ("path", value) => trigger.paths.push(words("path", value)?),
            ("run", value) => trigger.run.push(words("run", value)?),
            _ => return Err(refuse("trigger", field, "not a property of triggers")),
        }
    }
    Ok(trigger)
}

pub(super) fn hook(text: &str) -> Result<HookDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    let mut hook = HookDeclaration {
        moment: parse("hook", next(&mut fields, "hook")?)?,
        run: Vec::new(),
    };
    for field in fields {
        match key_value("hook", field)? {
            ("run", value) => hook.run.push(words("run", value)?),
            _ => return Err(refuse("hook", field, "not a property of hooks")),
        }
    }
    Ok(hook)
}
