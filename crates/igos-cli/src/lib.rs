//! How our programs meet a person.
