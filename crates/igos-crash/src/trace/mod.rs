//! What a program changes, call by call.
//!
//! Every file system object of the watched directories has a number of its own ([`Object`]), whatever it is called and
//! however often the file system uses an inode number again. [`trace()`] runs a program and hands each call to an
//! [`Observer`], which may let the program die or the call fail; [`record()`] keeps them all.

mod decode;
mod event;
mod filter;
mod resolve;
mod tracer;

pub use event::{
    Action, Call, Created, Name, Object, Outcome, RenameHow, SyncWhat, Trace, Warning,
};
pub use filter::stop_at_changes;
pub use tracer::{Ended, Observer, Program, TraceError, Verdict, record, trace};
