//! The shapes of JSON values as `docs/json/igos-build.md` writes them, and whether a value has one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The shapes of a document.
pub(crate) struct Document {
    /// The shape that each heading begins with.
    sections: BTreeMap<String, Shape>,
    /// The shapes that have a name of their own.
    named: BTreeMap<String, Shape>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Object(Vec<Field>),
    Map(Box<Shape>),
    List(Box<Shape>),
    Tuple(Vec<Shape>),
    Either(Vec<Shape>),
    Literal(Value),
    Word(String),
    /// One text, number, truth value or null.
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Own(String, Shape),
    /// All fields of another object.
    Of(String),
}

impl Document {
    /// Reads every code span that is the first of its section or that `NAME is` introduces.
    pub(crate) fn parse(text: &str) -> Self {
        let (mut sections, mut named) = (BTreeMap::new(), BTreeMap::new());
        for section in text.split("\n## ").skip(1) {
            let (heading, body) = section.split_once('\n').expect("sections have a body");
            let parts: Vec<&str> = body.split('`').collect();
            let mut first = None;
            for pair in parts.windows(2).step_by(2) {
                let [before, code] = pair else { continue };
                let mut words = before.split_whitespace().rev();
                match (words.next(), words.next()) {
                    (Some("is"), Some(name)) if is_name(name) => {
                        named.insert(name.to_owned(), Parser::whole(code));
                    }
                    _ if first.is_none() && code.starts_with(['{', '[']) => {
                        first = Some(Parser::whole(code));
                    }
                    _ => {}
                }
            }
            let first = first.unwrap_or_else(|| panic!("{heading} has no shape"));
            for name in heading.split(", ") {
                sections.insert(name.replace('`', ""), first.clone());
            }
        }
        Document { sections, named }
    }

    /// Returns the names of all sections.
    pub(crate) fn sections(&self) -> BTreeSet<String> {
        self.sections.keys().cloned().collect()
    }

    /// Tests that a value has the shape of a section, and puts the objects it consists of into `seen`.
    pub(crate) fn expect(&self, section: &str, value: &Value, seen: &mut BTreeSet<String>) {
        self.fit(&self.sections[section], value, section, seen)
            .unwrap_or_else(|problem| panic!("{problem}, in {value:#}"));
    }

    /// As [`Document::expect`], for a shape with a name.
    pub(crate) fn expect_named(&self, name: &str, value: &Value, seen: &mut BTreeSet<String>) {
        self.fit(&self.named[name], value, name, seen)
            .unwrap_or_else(|problem| panic!("{problem}, in {value:#}"));
    }

    /// Returns all objects that a section speaks of.
    pub(crate) fn objects(&self, section: &str) -> BTreeSet<String> {
        let mut objects = BTreeSet::new();
        self.collect(&self.sections[section], &mut objects);
        objects
    }

    fn collect(&self, shape: &Shape, objects: &mut BTreeSet<String>) {
        match shape {
            Shape::Object(fields) => {
                let fields = self.fields(fields);
                objects.insert(title(&fields));
                for inner in fields.values() {
                    self.collect(inner, objects);
                }
            }
            Shape::Map(inner) | Shape::List(inner) => self.collect(inner, objects),
            Shape::Tuple(all) | Shape::Either(all) => {
                all.iter().for_each(|inner| self.collect(inner, objects));
            }
            Shape::Word(name) if self.named.contains_key(name) => {
                self.collect(&self.named[name], objects);
            }
            Shape::Word(_) | Shape::Literal(_) | Shape::Plain => {}
        }
    }

    fn fields(&self, fields: &[Field]) -> BTreeMap<String, Shape> {
        let mut all = BTreeMap::new();
        for field in fields {
            match field {
                Field::Own(name, shape) => {
                    let again = all.insert(name.clone(), shape.clone());
                    assert_eq!(again, None, "the document names {name} twice");
                }
                Field::Of(name) => match &self.named[name] {
                    Shape::Object(inner) => all.extend(self.fields(inner)),
                    other => panic!("{name} is no object: {other:?}"),
                },
            }
        }
        all
    }

    fn fit(
        &self,
        shape: &Shape,
        value: &Value,
        place: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        let wrong = || Err(format!("{place} is {value}, documented is {shape:?}"));
        match (shape, value) {
            (Shape::Object(fields), Value::Object(object)) => {
                let fields = self.fields(fields);
                let (documented, found): (Vec<_>, BTreeSet<_>) =
                    (fields.keys().collect(), object.keys().collect());
                if !found.iter().eq(documented.iter()) {
                    return Err(format!(
                        "{place} has {found:?}, documented are {documented:?}"
                    ));
                }
                for (name, inner) in &fields {
                    self.fit(inner, &object[name], &format!("{place}.{name}"), seen)?;
                }
                seen.insert(title(&fields));
                Ok(())
            }
            (Shape::Map(inner), Value::Object(object)) => object
                .values()
                .try_for_each(|one| self.fit(inner, one, &format!("{place}.*"), seen)),
            (Shape::List(inner), Value::Array(list)) => list
                .iter()
                .try_for_each(|one| self.fit(inner, one, &format!("{place}[]"), seen)),
            (Shape::Tuple(shapes), Value::Array(list)) if shapes.len() == list.len() => shapes
                .iter()
                .zip(list)
                .try_for_each(|(inner, one)| self.fit(inner, one, &format!("{place}[]"), seen)),
            (Shape::Either(shapes), _) => {
                let mut problems = Vec::new();
                for inner in shapes {
                    match self.fit(inner, value, place, seen) {
                        Ok(()) => return Ok(()),
                        Err(problem) => problems.push(problem),
                    }
                }
                Err(problems.join("; "))
            }
            (Shape::Literal(literal), _) if literal == value => Ok(()),
            (Shape::Plain, Value::Array(_) | Value::Object(_)) => wrong(),
            (Shape::Plain, _) => Ok(()),
            (Shape::Word(word), _) => match (word.as_str(), self.named.get(word)) {
                (_, Some(inner)) => self.fit(inner, value, place, seen),
                ("TEXT", None) if value.is_string() => Ok(()),
                // Explained in words, and in `events.md`.
                ("VALUE" | "PLACE", None) => Ok(()),
                _ => wrong(),
            },
            _ => wrong(),
        }
    }
}

/// What an object is called where it was never seen: its fields.
fn title(fields: &BTreeMap<String, Shape>) -> String {
    fields.keys().cloned().collect::<Vec<_>>().join(" ")
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn whole(code: &'a str) -> Shape {
        let mut parser = Parser { rest: code };
        let shape = parser.either();
        assert_eq!(parser.rest.trim(), "", "the document has {code:?}");
        shape
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(token);
        self.rest = after.unwrap_or(rest);
        after.is_some()
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|one: char| !one.is_ascii_alphanumeric() && !"_-".contains(one))
            .unwrap_or(rest.len());
        assert!(end > 0, "the document has no word before {rest:?}");
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Reads what stands between brackets, with commas, after the opening one.
    fn until<T>(&mut self, closing: &str, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = vec![item(self)];
        while self.take(",") {
            items.push(item(self));
        }
        assert!(self.take(closing), "no {closing} before {:?}", self.rest);
        items
    }

    fn either(&mut self) -> Shape {
        let mut shapes = vec![self.one()];
        while self.take("|") {
            shapes.push(self.one());
        }
        match shapes.len() {
            1 => shapes.remove(0),
            _ => Shape::Either(shapes),
        }
    }

    fn one(&mut self) -> Shape {
        if self.take("{") {
            let mut fields = self.until("}", Self::field);
            return match fields.as_mut_slice() {
                [Field::Own(name, shape)] if is_name(name) => Shape::Map(Box::new(shape.clone())),
                _ => Shape::Object(fields),
            };
        }
        if self.take("[") {
            let mut shapes = self.until("]", Self::either);
            return match shapes.len() {
                1 => Shape::List(Box::new(shapes.remove(0))),
                _ => Shape::Tuple(shapes),
            };
        }
        if self.take("\"") {
            let literal = Shape::Literal(self.word().into());
            assert!(self.take("\""), "no quote before {:?}", self.rest);
            return literal;
        }
        match self.word() {
            "null" => Shape::Literal(Value::Null),
            word => Shape::Word(word.to_owned()),
        }
    }

    fn field(&mut self) -> Field {
        if self.take("...") {
            return Field::Of(self.word().to_owned());
        }
        let name = self.word().to_owned();
        let shape = if self.take(":") {
            self.either()
        } else {
            Shape::Plain
        };
        Field::Own(name, shape)
    }
}
