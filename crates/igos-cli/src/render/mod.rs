//! One shape for everything that is wrong, on every screen.

mod diagnostic;
mod readable;

pub(crate) use diagnostic::Style;
pub(crate) use readable::readable;
