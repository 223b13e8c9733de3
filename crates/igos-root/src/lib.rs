//! RootDir: open, create, exchange and walk below one directory, following nothing.
