//! The factory: recipes in, archives out.

fn main() {}
