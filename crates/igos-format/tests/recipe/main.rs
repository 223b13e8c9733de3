//! Recipes of `testdata/recipe`, and what must come out of them.

mod cases;
mod properties;
