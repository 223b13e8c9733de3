//! One shape for everything that is wrong, on every screen.

mod diagnostic;

pub(crate) use diagnostic::Style;
