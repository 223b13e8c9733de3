//! Whether archives come out the same when they are made again.
//!
//! The recipe is built once more from the same inputs, in a directory of its own and with another number of jobs, at
//! another time; the result is compared with the archive byte by byte. What differs is told so that a person sees
//! why. `docs/formats/reproduce.md` says what is varied, what is held, and why.

mod compare;
mod content;
mod diffoscope;
mod run;
mod scratch;

pub use compare::{
    CompareError, Difference, FieldDifference, FileDifference, PathDifference, compare,
};
pub use content::{ContentDifference, content_difference, text_lines};
pub use diffoscope::{DIFFOSCOPE, describe};
pub use run::{Likeness, Original, Remade, ReproduceError, reproduce};
pub use scratch::Scratch;
