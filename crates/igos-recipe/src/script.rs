//! The functions that a shell script defines, found without running it.

use std::collections::BTreeSet;

/// Returns the names of the functions that `text` defines at the beginning of a line: `name() {`, `name ()` or
/// `function name`. Definitions inside here-documents, quotes and other functions do not count.
///
/// It is a scanner of words, not a shell: it serves to list and lint, never to decide what is run.
#[must_use]
pub fn functions(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut scanner = Scanner::default();
    for line in text.lines() {
        if scanner.is_at_top()
            && let Some(name) = definition(line)
        {
            found.insert(name.to_owned());
        }
        scanner.line(line);
    }
    found
}

fn definition(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (text, is_keyword) = match line.strip_prefix("function") {
        Some(rest) if rest.starts_with([' ', '\t']) => (rest.trim_start(), true),
        _ => (line, false),
    };
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !"_-.+".contains(c))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let has_parentheses = rest
        .strip_prefix('(')
        .is_some_and(|rest| rest.trim_start().starts_with(')'));
    let is_definition =
        has_parentheses || (is_keyword && (rest.is_empty() || rest.starts_with('{')));
    (is_definition && !name.is_empty()).then_some(name)
}

/// Knows, line by line, whether a script is inside braces, quotes or here-documents.
#[derive(Debug, Default)]
struct Scanner {
    depth: usize,
    quote: Option<char>,
    /// Ends of here-documents that are still to come, and whether tabs before them are dropped.
    documents: Vec<(String, bool)>,
}

impl Scanner {
    fn is_at_top(&self) -> bool {
        self.depth == 0 && self.quote.is_none() && self.documents.is_empty()
    }

    fn line(&mut self, line: &str) {
        if let Some((end, drops_tabs)) = self.documents.first() {
            let shown = if *drops_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if shown == end {
                self.documents.remove(0);
            }
            return;
        }
        let chars: Vec<char> = line.chars().collect();
        let mut at = 0;
        let mut before = ' ';
        while at < chars.len() {
            let c = chars[at];
            match (self.quote, c) {
                (Some('\''), '\'') => self.quote = None,
                (Some('\''), _) => {}
                (_, '\\') => at += 1,
                (Some(_), '"') => self.quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => self.quote = Some(c),
                (None, '#') if before.is_whitespace() || before == ';' => break,
                (None, '<')
                    if chars.get(at + 1) == Some(&'<') && chars.get(at + 2) != Some(&'<') =>
                {
                    at = self.document(&chars, at + 2);
                    before = ' ';
                    continue;
                }
                (None, '<') if chars.get(at + 1) == Some(&'<') => at += 2,
                // Braces of `${name}` are balanced as well, so that counting all of them is right.
                (None, '{') => self.depth += 1,
                (None, '}') => self.depth = self.depth.saturating_sub(1),
                (None, _) => {}
            }
            before = c;
            at += 1;
        }
    }

    /// Takes the word after `<<`; returns where the line goes on.
    fn document(&mut self, chars: &[char], mut at: usize) -> usize {
        let drops_tabs = chars.get(at) == Some(&'-');
        at += usize::from(drops_tabs);
        while chars.get(at).is_some_and(|c| *c == ' ' || *c == '\t') {
            at += 1;
        }
        let mut end = String::new();
        while let Some(c) = chars
            .get(at)
            .filter(|c| !c.is_whitespace() && !";|&<>()".contains(**c))
        {
            if !"'\"\\".contains(*c) {
                end.push(*c);
            }
            at += 1;
        }
        // `<<` in arithmetic is followed by a number or a variable.
        if end.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.documents.push((end, drops_tabs));
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn functions_at_the_top_are_found_and_no_others() {
        let text = r#"#!/bin/bash
# build() is described here
configure() {
    ./configure --prefix=/usr "${FLAGS[@]}" # it's }
}
build () {
    local x=$((1 << 3))
    inner() { :; }
    cat > a <<EOF
notme() {
EOF
    cat <<-'END' <<< "word"
	nor_me() {
	END
    echo "a string {
also_not() {
"
}
function do_install {
    make DESTDIR="$DESTDIR" install
}
check() (
    make check
)
post_install()
{
    :
}
echo '
quoted() {
'
"#;
        let found: Vec<String> = functions(text).into_iter().collect();
        assert_eq!(
            found,
            ["build", "check", "configure", "do_install", "post_install"]
        );
    }

    #[test]
    fn texts_that_are_no_scripts_have_no_functions() {
        for text in [
            "", "}}}}", "<<", "<<-", "\\", "'", "a()b", "()", "function", "<<A\n<<B",
        ] {
            assert!(functions(text).len() <= 1, "{text}");
        }
    }
}
