//! Run one program with exactly these rights.
