//! The factory: recipes in, archives out.
//!
//! [`tree`] finds and reads recipes, [`plan`] sorts them, and the modules of each step of a build follow. The
//! command line in [`cli`] parses, calls one operation and returns its value.

pub mod budget;
pub mod build_root;
pub mod cache;
pub mod cli;
pub mod evidence;
pub mod execute;
pub mod markup;
pub mod outdated;
pub mod pipeline;
pub mod plan;
pub mod profile;
pub mod reference;
pub mod reproduce;
pub mod schedule;
pub mod scripts;
pub mod settings;
pub mod source;
pub mod stage;
pub mod toolchain;
pub mod tree;
