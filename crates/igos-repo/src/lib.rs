//! Get bytes whose identity is known in advance.
