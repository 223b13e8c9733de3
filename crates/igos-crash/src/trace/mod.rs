//! What a program changes, call by call.
//!
//! Every file system object of the watched directories has a number of its own ([`Object`]), whatever it is called and
//! however often the file system uses an inode number again.

mod event;

pub use event::{
    Action, Call, Created, Name, Object, Outcome, RenameHow, SyncWhat, Trace, Warning,
};
