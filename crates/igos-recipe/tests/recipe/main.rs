//! Recipes of `testdata/recipe`, and what must come out of them.

mod cases;
mod document;
mod properties;
