//! Sources.

use igos_report::Diagnostic;

use super::keys;
use super::node::Node;
use super::parse::PackageYml;
use super::reader::{Fields, Reader};
use crate::source::{last_component, placeholder_digest};
use crate::substitute::Variables;
use crate::{
    AlternativeLocation, FileList, GitReference, Inner, Source, SourceAlternative, SourceKind,
    is_archive,
};
use igos_format::{Digest, RelPath, Sha256};

/// Words that stand in foreign recipes where a digest is still to come.
const PLACEHOLDERS: &[&str] = &["fixme", "pending", "placeholder", "skip", "tbd", "todo"];

impl Reader<'_> {
    pub(super) fn sources(
        &mut self,
        fields: &Fields<'_>,
        variables: Option<&Variables>,
        input: &PackageYml<'_>,
    ) -> Vec<Source> {
        let items = self.list(fields, "source");
        let mut sources = Vec::new();
        let mut has_crates = false;
        for item in items {
            let Some((fields, place, node)) = self.place(item) else {
                continue;
            };
            if place != "crates" {
                sources.extend(self.source(&fields, place, node, variables, input.files));
                continue;
            }
            // The packages of two would lie in one directory, and one could hide what the other needs.
            if has_crates {
                self.invalid("a recipe has one `crates` at most", item);
            }
            has_crates = true;
            sources.extend(self.crates(&fields, node, variables, input));
        }
        sources
    }

    /// Returns the keys of an item, and which of them says where the source is.
    fn place<'n>(&mut self, item: &'n Node) -> Option<(Fields<'n>, &'static str, &'n Node)> {
        let what = "an item of `source`";
        let fields = self.fields(item, what, &keys::SOURCE)?;
        let places: Vec<&str> = ["url", "git", "file", "directory", "crates"]
            .into_iter()
            .filter(|key| fields.find(key).is_some())
            .collect();
        let [place] = places[..] else {
            let keys = match self.format {
                0 => "`url`",
                1 | 2 => "one of `url`, `git`, `file` and `directory`",
                _ => "one of `url`, `git`, `file`, `directory` and `crates`",
            };
            let code = if places.is_empty() {
                "recipe-key-missing"
            } else {
                "recipe-value-invalid"
            };
            self.error(code, format!("{what} must have {keys}"), &fields.span);
            return None;
        };
        let node = fields.find(place)?;
        Some((fields, place, node))
    }

    fn source(
        &mut self,
        fields: &Fields<'_>,
        place: &str,
        node: &Node,
        variables: Option<&Variables>,
        files: &FileList,
    ) -> Option<Source> {
        // Each key is read before the first that cannot be stops the source, so that all errors are reported.
        let location = self.substituted(&format!("`{place}`"), node, variables);
        let file_name = match fields.find("filename") {
            Some(node) => self.file_name(node, variables),
            None => None,
        };
        let destination = self.destination(fields);
        let digest = self.digest(fields);
        let extract = self.optional_bool(fields, "extract");
        let alternatives = self.source_alternatives(fields, variables);
        let only = self.values(fields, "only");
        let location = location?;
        let mut source = match place {
            "git" => self.git(fields, node, &location)?,
            "directory" => self.directory(node, location, only, files),
            "file" => self.local_file(node, location, files),
            _ => self.remote(node, location)?,
        };
        if let Some(name) = file_name {
            source.cache_name = name;
        }
        source.destination = destination;
        source.digest = digest;
        let is_packed = matches!(source.kind, SourceKind::Http | SourceKind::File);
        let by_name = is_packed && is_archive(source.file_name());
        source.extract = extract.unwrap_or(by_name);
        source.alternatives = alternatives;
        self.source_is_consistent(fields, &source);
        Some(source)
    }

    fn source_is_consistent(&mut self, fields: &Fields<'_>, source: &Source) {
        let is_git = matches!(source.kind, SourceKind::Git { .. });
        let has_bytes = matches!(source.kind, SourceKind::Http | SourceKind::File);
        for key in ["sha256", "filename", "extract", "alternatives"] {
            if !has_bytes && let Some(node) = fields.find(key) {
                self.invalid(format!("`{key}` is for sources that are files"), node);
            }
        }
        if let Some(node) = fields.find("commit")
            && !is_git
        {
            self.invalid("`commit` is for sources from git", node);
        }
        if let Some(node) = fields.find("only")
            && !matches!(source.kind, SourceKind::Directory { .. })
        {
            self.invalid("`only` is for sources that are directories", node);
        }
        let is_local = fields.has("file");
        if has_bytes && !is_local && !fields.has("sha256") {
            let message = format!("source {} has no `sha256`", source.location);
            self.error("recipe-source-unpinned", message, &fields.span);
        }
    }

    pub(super) fn substituted(
        &mut self,
        what: &str,
        node: &Node,
        variables: Option<&Variables>,
    ) -> Option<String> {
        let text = self.text(what, node)?;
        if text.is_empty() || text.chars().any(char::is_control) {
            self.invalid(format!("{what} is empty or has control characters"), node);
            return None;
        }
        // Without a name and version, which is reported, variables mean nothing.
        let Some(variables) = variables else {
            return Some(text);
        };
        match variables.apply(&text) {
            Ok(text) => Some(text),
            Err(error) => {
                self.error("recipe-variable-unknown", error.to_string(), &node.span);
                None
            }
        }
    }

    fn file_name(&mut self, node: &Node, variables: Option<&Variables>) -> Option<String> {
        let name = self.substituted("`filename`", node, variables)?;
        if name.contains('/') || name.starts_with('.') {
            self.invalid(
                format!("`filename` must be a plain file name, here it is {name:?}"),
                node,
            );
            return None;
        }
        Some(name)
    }

    pub(super) fn destination(&mut self, fields: &Fields<'_>) -> String {
        let Some(node) = fields.find("destination") else {
            return String::new();
        };
        let text = self.text("`destination`", node).unwrap_or_default();
        match text.parse::<RelPath>() {
            Ok(_) => text,
            Err(error) => {
                self.invalid(format!("`destination`: {error}"), node);
                String::new()
            }
        }
    }

    fn digest(&mut self, fields: &Fields<'_>) -> Option<Digest> {
        let node = fields.find("sha256")?;
        let text = self.text("`sha256`", node)?;
        let lower = text.to_ascii_lowercase();
        let is_foreign = self.format == 0;
        if is_foreign && PLACEHOLDERS.iter().any(|word| lower.starts_with(word)) {
            let diagnostic = Diagnostic::warning(
                "recipe-digest-placeholder",
                format!("`sha256` is still the placeholder {text:?}: the source cannot be used"),
            );
            self.push(
                diagnostic.hint("fill it in with `igos-build recipe checksum`"),
                &node.span,
            );
            return None;
        }
        // Foreign trees may write digests in capitals; ours have one spelling.
        let spelling = if is_foreign { lower } else { text };
        match spelling.parse::<Sha256>() {
            Ok(digest) => {
                let digest = Digest::Sha256(digest);
                if digest.is_placeholder() {
                    let diagnostic = placeholder_digest(is_foreign);
                    self.push(diagnostic, &node.span);
                }
                Some(digest)
            }
            Err(error) => {
                self.invalid(format!("`sha256`: {error}"), node);
                None
            }
        }
    }

    fn remote(&mut self, node: &Node, location: String) -> Option<Source> {
        let scheme = location
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        let kind = match scheme.as_deref() {
            Some("http" | "https" | "ftp") => SourceKind::Http,
            // A file that the tree itself brings; `file://` without a leading slash is relative to it.
            Some("file") | None => SourceKind::File,
            Some(git) if git.starts_with("git+") => {
                let (url, reference) = split_reference(&location["git+".len()..]);
                let (url, reference) = (url.to_owned(), reference.map(GitReference::new));
                return Some(git_source(url, reference));
            }
            Some(_) => {
                self.invalid(
                    format!("{location}: only http, https, ftp, file and git+… are understood"),
                    node,
                );
                return None;
            }
        };
        let cache_name = last_component(&location).to_owned();
        if cache_name.is_empty() {
            self.invalid(
                format!("{location} names no file: give it one with `filename`"),
                node,
            );
        }
        Some(Source {
            location,
            kind,
            destination: String::new(),
            cache_name,
            extract: false,
            digest: None,
            is_unpinned: false,
            alternatives: Vec::new(),
        })
    }

    fn git(&mut self, fields: &Fields<'_>, node: &Node, url: &str) -> Option<Source> {
        let commit = self.required(fields, "a source from git", "commit")?;
        let text = self.text("`commit`", commit)?;
        let reference = GitReference::new(&text);
        if matches!(reference, GitReference::Name(_)) {
            let message = format!("`commit` must be a whole commit number, here it is {text:?}");
            let diagnostic = Diagnostic::error("recipe-source-unpinned", message)
                .hint("a tag or branch may mean other bytes tomorrow: find its commit with `git ls-remote`");
            self.push(diagnostic, &commit.span);
        }
        if !url.contains("://") {
            self.invalid(format!("`git` must be a URL, here it is {url:?}"), node);
            return None;
        }
        let url = url.strip_prefix("git+").unwrap_or(url);
        Some(git_source(url.to_owned(), Some(reference)))
    }

    pub(super) fn source_alternatives(
        &mut self,
        fields: &Fields<'_>,
        variables: Option<&Variables>,
    ) -> Vec<SourceAlternative> {
        let items = self.list(fields, "alternatives");
        items
            .iter()
            .filter_map(|item| self.source_alternative(item, variables))
            .collect()
    }

    fn source_alternative(
        &mut self,
        item: &Node,
        variables: Option<&Variables>,
    ) -> Option<SourceAlternative> {
        let what = "an alternative of a source";
        let fields = self.fields(item, what, &keys::SOURCE_ALTERNATIVE)?;
        let location = match (fields.find("url"), fields.find("debian")) {
            (Some(node), None) => {
                AlternativeLocation::Url(self.substituted("`url`", node, variables)?)
            }
            (None, Some(node)) => {
                AlternativeLocation::Debian(self.substituted("`debian`", node, variables)?)
            }
            _ => {
                self.error(
                    "recipe-key-missing",
                    format!("{what} must have `url` or `debian`"),
                    &fields.span,
                );
                return None;
            }
        };
        let sha256 = self.required_value(&fields, what, "sha256")?;
        let inner = match fields.find("inner") {
            Some(node) => Some(self.inner(node)?),
            None => None,
        };
        Some(SourceAlternative {
            location,
            sha256,
            inner,
            repack: self.optional_text(&fields, "repack"),
        })
    }

    fn inner(&mut self, node: &Node) -> Option<Inner> {
        let what = "`inner`";
        let fields = self.fields(node, what, &keys::INNER)?;
        let path: Option<RelPath> = self.required_value(&fields, what, "path");
        let sha256 = self.required_value(&fields, what, "sha256")?;
        Some(Inner {
            path: path?.as_path().to_string_lossy().into_owned(),
            sha256,
        })
    }
}

fn git_source(url: String, reference: Option<GitReference>) -> Source {
    let shown = reference
        .as_ref()
        .map(|reference| format!("#{}", reference.as_str()))
        .unwrap_or_default();
    Source {
        location: format!("git+{url}{shown}"),
        cache_name: last_component(url.trim_end_matches('/')).to_owned(),
        is_unpinned: !matches!(reference, Some(GitReference::Commit(_))),
        kind: SourceKind::Git { url, reference },
        destination: String::new(),
        extract: false,
        digest: None,
        alternatives: Vec::new(),
    }
}

/// Cuts `URL#REFERENCE` and `URL@REFERENCE`; an `@` before the last slash is part of the URL.
fn split_reference(text: &str) -> (&str, Option<&str>) {
    let name_at = text.rfind('/').unwrap_or(0);
    match text[name_at..].rfind(['#', '@']) {
        Some(at) => (
            &text[..name_at + at],
            Some(&text[name_at + at + 1..]).filter(|text| !text.is_empty()),
        ),
        None => (text, None),
    }
}
