//! A root directory and the record that proves it.
