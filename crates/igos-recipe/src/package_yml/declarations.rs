//! What a recipe says about the installed files and the system they need.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::keys::{self, Keys};
use super::node::{Node, Value};
use super::reader::{Fields, Reader};
use crate::{FileRule, FlagChange, FlagOverrides, OwnerNames, TripleTemplate, Triples};
use igos_format::declaration::{
    AlternativeDeclaration, GroupDeclaration, HookDeclaration, ServiceDeclaration,
    TriggerDeclaration, UserDeclaration,
};
use igos_format::{PathPattern, RelPath};

/// Variables that the build itself sets.
const VARIABLES_TAKEN: &[&str] = &[
    "DESTDIR",
    "HOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "PATH",
    "PWD",
    "SOURCE_DATE_EPOCH",
    "TMPDIR",
];

impl Reader<'_> {
    /// Returns a path below the root; recipes write it with a leading slash or without.
    fn path(&mut self, what: &str, node: &Node) -> Option<RelPath> {
        let text = self.text(what, node)?;
        self.path_of_text(what, &text, node)
    }

    fn path_of_text(&mut self, what: &str, text: &str, node: &Node) -> Option<RelPath> {
        match RelPath::from_user(OsStr::new(text)) {
            Ok(path) => Some(path),
            Err(error) => {
                self.invalid(format!("{what}: {error}"), node);
                None
            }
        }
    }

    fn required_path(&mut self, fields: &Fields<'_>, what: &str, key: &str) -> Option<RelPath> {
        let node = self.required(fields, what, key)?;
        self.path(&format!("`{key}`"), node)
    }

    pub(super) fn verify_paths(&mut self, fields: &Fields<'_>) -> Vec<RelPath> {
        let items = self.list(fields, "verify_paths");
        items
            .iter()
            .filter_map(|item| self.path("an item of `verify_paths`", item))
            .collect()
    }

    /// Returns what `read` makes of each mapping of a list.
    fn each<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        keys: &Keys,
        read: impl Fn(&mut Self, &str, &Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let what = format!("an item of `{key}`");
        let items = self.list(fields, key);
        items
            .iter()
            .filter_map(|item| {
                let fields = self.fields(item, &what, keys)?;
                read(self, &what, &fields)
            })
            .collect()
    }

    pub(super) fn users(&mut self, fields: &Fields<'_>) -> Vec<UserDeclaration> {
        self.each(fields, "users", &keys::USER, |reader, what, fields| {
            Some(UserDeclaration {
                name: reader.required_value(fields, what, "name")?,
                uid: reader.optional(fields, "uid"),
                group: reader.optional(fields, "group"),
                home: reader.absolute(fields, "home"),
                shell: reader.absolute(fields, "shell"),
                description: reader.optional_text(fields, "description"),
            })
        })
    }

    fn absolute(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let text = self.optional_text(fields, key)?;
        let node = fields.find(key)?;
        if !text.starts_with('/') || text.chars().any(|c| c.is_control() || c == ':') {
            self.invalid(
                format!("`{key}` must be an absolute path, here it is {text:?}"),
                node,
            );
            return None;
        }
        Some(text)
    }

    pub(super) fn groups(&mut self, fields: &Fields<'_>) -> Vec<GroupDeclaration> {
        self.each(fields, "groups", &keys::GROUP, |reader, what, fields| {
            Some(GroupDeclaration {
                name: reader.required_value(fields, what, "name")?,
                gid: reader.optional(fields, "gid"),
            })
        })
    }

    pub(super) fn services(&mut self, fields: &Fields<'_>) -> Vec<ServiceDeclaration> {
        self.each(
            fields,
            "services",
            &keys::SERVICE,
            |reader, what, fields| {
                Some(ServiceDeclaration {
                    name: reader.required_value(fields, what, "name")?,
                    enabled: reader.optional_bool(fields, "enabled").unwrap_or(false),
                })
            },
        )
    }

    pub(super) fn alternatives(&mut self, fields: &Fields<'_>) -> Vec<AlternativeDeclaration> {
        self.each(
            fields,
            "alternatives",
            &keys::ALTERNATIVE,
            |reader, what, fields| {
                let path = reader.required_path(fields, what, "path");
                let target = reader.required_path(fields, what, "target");
                Some(AlternativeDeclaration {
                    path: path?,
                    target: target?,
                    priority: reader.optional(fields, "priority").unwrap_or(0),
                })
            },
        )
    }

    pub(super) fn triggers(&mut self, fields: &Fields<'_>) -> Vec<TriggerDeclaration> {
        self.each(
            fields,
            "triggers",
            &keys::TRIGGER,
            |reader, what, fields| {
                let paths: Vec<PathPattern> = reader.values(fields, "paths");
                let run = reader.texts(fields, "run");
                for (key, is_empty) in [("paths", paths.is_empty()), ("run", run.is_empty())] {
                    if is_empty {
                        reader.error(
                            "recipe-key-missing",
                            format!("{what} has no `{key}`"),
                            &fields.span,
                        );
                    }
                }
                if let (Some(program), Some(node)) = (run.first(), fields.find("run"))
                    && !program.starts_with('/')
                {
                    reader.invalid("the program of a trigger must be an absolute path", node);
                }
                Some(TriggerDeclaration {
                    name: reader.required_value(fields, what, "name")?,
                    paths: paths
                        .iter()
                        .map(|pattern| pattern.as_str().to_owned())
                        .collect(),
                    run,
                })
            },
        )
    }

    pub(super) fn hooks(&mut self, fields: &Fields<'_>) -> Vec<HookDeclaration> {
        self.each(fields, "hooks", &keys::HOOK, |reader, what, fields| {
            let moment = reader.required_value(fields, what, "moment");
            let run = reader.texts(fields, "run");
            let program = run.first().and_then(|program| program.strip_prefix('/'));
            match fields.find("run") {
                None => reader.error(
                    "recipe-key-missing",
                    format!("{what} has no `run`"),
                    &fields.span,
                ),
                Some(node) if program.is_none_or(|path| path.parse::<RelPath>().is_err()) => {
                    reader.invalid("the program of a hook must be an absolute path", node);
                }
                Some(_) => {}
            }
            Some(HookDeclaration {
                moment: moment?,
                run,
            })
        })
    }

    pub(super) fn file_rules(&mut self, fields: &Fields<'_>) -> Vec<FileRule> {
        let Some(node) = fields.find("files") else {
            return Vec::new();
        };
        let Value::Mapping(entries) = &node.value else {
            self.invalid(
                "`files` must be a mapping from paths to what holds for them",
                node,
            );
            return Vec::new();
        };
        let mut rules: Vec<FileRule> = Vec::new();
        for entry in entries {
            let what = format!("`files` of {}", entry.key);
            let place = Node {
                value: Value::Nothing,
                span: entry.key_span.clone(),
            };
            let Some(path) = self.path_of_text("a key of `files`", &entry.key, &place) else {
                continue;
            };
            let Some(fields) = self.fields(&entry.value, &what, &keys::FILE_RULE) else {
                continue;
            };
            if rules.iter().any(|rule| rule.path == path) {
                self.invalid(format!("{path} is there twice"), &place);
            }
            rules.push(FileRule {
                path,
                mode: self.mode(&fields),
                owner: self.owner(&fields),
                capabilities: self.optional(&fields, "capabilities"),
            });
        }
        rules
    }

    fn mode(&mut self, fields: &Fields<'_>) -> Option<u16> {
        let node = fields.find("mode")?;
        let text = self.text("`mode`", node)?;
        let digits = text.strip_prefix("0o").unwrap_or(&text);
        let is_octal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        match u16::from_str_radix(digits, 8) {
            Ok(mode) if is_octal && digits.len() >= 3 && mode <= 0o7777 => Some(mode),
            _ => {
                self.invalid(
                    format!(
                        "`mode` is three to five octal digits such as 4755, here it is {text:?}"
                    ),
                    node,
                );
                None
            }
        }
    }

    fn owner(&mut self, fields: &Fields<'_>) -> Option<OwnerNames> {
        let node = fields.find("owner")?;
        let text = self.text("`owner`", node)?;
        let (user, group) = text.split_once(':').unwrap_or((&text, &text));
        match (user.parse(), group.parse()) {
            (Ok(user), Ok(group)) => Some(OwnerNames { user, group }),
            _ => {
                self.invalid(
                    format!("`owner` is `user` or `user:group`, here it is {text:?}"),
                    node,
                );
                None
            }
        }
    }

    pub(super) fn flags(&mut self, fields: &Fields<'_>) -> FlagOverrides {
        let mut overrides = FlagOverrides::default();
        let Some(node) = fields.find("flags") else {
            return overrides;
        };
        let Some(fields) = self.fields(node, "`flags`", &keys::FLAGS) else {
            return overrides;
        };
        for variable in FlagOverrides::VARIABLES {
            let key = variable.to_ascii_lowercase();
            if let Some(node) = fields.find(&key)
                && let Some(change) = self.flag_change(&key, node)
            {
                overrides.variables.insert(variable.to_owned(), change);
            }
        }
        overrides
    }

    /// Returns a change: a text or list replaces the profile's words, a mapping says what to do.
    fn flag_change(&mut self, key: &str, node: &Node) -> Option<FlagChange> {
        let what = format!("`{key}`");
        let Value::Mapping(_) = &node.value else {
            return Some(FlagChange {
                replace: Some(self.words(&what, node)),
                ..FlagChange::default()
            });
        };
        let fields = self.fields(node, &what, &keys::FLAG_CHANGE)?;
        let mut words = |key: &str| {
            fields
                .find(key)
                .map(|node| self.words(&format!("`{key}`"), node))
        };
        Some(FlagChange {
            replace: words("replace"),
            remove: words("remove").unwrap_or_default(),
            append: words("append").unwrap_or_default(),
        })
    }

    fn words(&mut self, what: &str, node: &Node) -> Vec<String> {
        let texts: Vec<String> = match &node.value {
            Value::List(items) => items
                .iter()
                .filter_map(|item| self.text(what, item))
                .collect(),
            _ => self.text(what, node).into_iter().collect(),
        };
        texts
            .iter()
            .flat_map(|text| text.split_whitespace())
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn environment(&mut self, fields: &Fields<'_>) -> BTreeMap<String, String> {
        let Some(node) = fields.find("environment") else {
            return BTreeMap::new();
        };
        let Value::Mapping(entries) = &node.value else {
            self.invalid(
                "`environment` must be a mapping from variables to texts",
                node,
            );
            return BTreeMap::new();
        };
        let mut environment = BTreeMap::new();
        for entry in entries {
            let is_name = entry
                .key
                .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && entry
                    .key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_name
                || VARIABLES_TAKEN.contains(&entry.key.as_str())
                || entry.key.starts_with("IGOS")
            {
                let message = format!(
                    "{:?} is not the name of a variable that a recipe can set",
                    entry.key
                );
                self.error("recipe-value-invalid", message, &entry.key_span);
                continue;
            }
            if let Some(text) = self.text(&format!("`{}`", entry.key), &entry.value) {
                environment.insert(entry.key.clone(), text);
            }
        }
        environment
    }

    /// Returns the triples of `triples`, with `target_triple` of foreign trees as the last one.
    pub(super) fn triples(&mut self, fields: &Fields<'_>) -> Triples {
        let mut triples = Triples::default();
        if let Some(node) = fields.find("triples")
            && let Some(fields) = self.fields(node, "`triples`", &keys::TRIPLES)
        {
            triples.build = self.triple(&fields, "build");
            triples.host = self.triple(&fields, "host");
            triples.target = self.triple(&fields, "target");
        }
        let old = self.triple(fields, "target_triple");
        if let (Some(_), Some(node)) = (&triples.target, fields.find("target_triple")) {
            self.invalid(
                "`target_triple` is the old spelling of `target` in `triples`: give one of them",
                node,
            );
        }
        triples.target = triples.target.or(old);
        triples
    }

    fn triple(&mut self, fields: &Fields<'_>, key: &str) -> Option<TripleTemplate> {
        let node = fields.find(key)?;
        let text = self.text(&format!("`{key}`"), node)?;
        let template = TripleTemplate::new(&text);
        if template.is_none() {
            let message = format!(
                "`{key}` must be a triple such as x86_64-linux-musl or ${{arch}}-linux-musl, here it is {text:?}"
            );
            self.invalid(message, node);
        }
        template
    }
}
