//! The package reference: a web site of all packages of a recipe tree.
//!
//! [`Reference`] is everything that is told: the recipes, which needs which, and what the cache has of their builds.
//! [`site`] makes the pages of it, as bytes by path; equal recipes and archives give equal bytes. [`write()`] puts them
//! into a directory. Pages ask nobody for anything: no address but those of their own site is loaded.
//!
//! `docs/reference.md` says what is on the pages and what to expect of them.

mod built;
mod configuration;
mod error;
mod facts;
mod front;
mod graph;
mod licences;
mod listing;
mod made;
mod package;
mod page;
mod tier;
mod write;

use std::collections::BTreeMap;

pub use built::{Built, BuiltFrom, BuiltOutput, Provenance};
pub use error::WriteReferenceError;
pub use facts::Reference;
pub use write::{Replaced, write};

/// The files of a site by their paths, which are plain: names of directories and files with `/` between them.
pub type Site = BTreeMap<String, Vec<u8>>;

/// Returns all files of the site.
#[must_use]
pub fn site(reference: &Reference<'_>) -> Site {
    let mut site = Site::new();
    let mut add = |path: String, text: String| {
        site.insert(path, text.into_bytes());
    };
    add("style.css".into(), include_str!("assets/style.css").into());
    add("search.js".into(), include_str!("assets/search.js").into());
    add("packages.js".into(), front::search_index(reference));
    add("index.html".into(), front::page(reference));
    add("licences.html".into(), licences::page(reference));
    add("configuration.html".into(), configuration::page(reference));
    for tier in reference.tiers() {
        add(page::tier_path(tier), tier::page(reference, tier));
    }
    for at in 0..reference.tree.entries.len() {
        let path = page::package_path(reference.name(at));
        add(path, package::page(reference, at));
        if let Some(listing) = listing::page(reference, at) {
            add(page::listing_path(reference.name(at)), listing);
        }
    }
    site
}
