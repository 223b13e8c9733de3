//! What is done to a program, as one word that repeats it: `upgrade:kill-before-61+kill-after-3`.

use std::fmt;
use std::str::FromStr;

use nix::errno::Errno;

use crate::scenario::Operation;
use crate::trace::{Call, Observer, Verdict};

/// One thing that goes wrong in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    Nothing,
    /// The program is killed before its call of this number is made.
    KillBefore(usize),
    /// It is killed right after that call.
    KillAfter(usize),
    /// That call fails.
    Fail(usize, Error),
    /// That call and all later ones fail that can fail so.
    FailOn(usize, Error),
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Error {
    /// The disk is full.
    NoSpace,
    /// The disk is broken.
    Io,
    /// The file system was mounted read-only, as it is after errors.
    ReadOnly,
    /// The user has no room left.
    Quota,
    /// A signal came.
    Interrupted,
    /// Somebody forbids it.
    Access,
}

impl Error {
    /// All of them.
    pub const ALL: [Error; 6] = [
        Error::NoSpace,
        Error::Io,
        Error::ReadOnly,
        Error::Quota,
        Error::Interrupted,
        Error::Access,
    ];

    /// Returns its name in manuals.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Error::NoSpace => "ENOSPC",
            Error::Io => "EIO",
            Error::ReadOnly => "EROFS",
            Error::Quota => "EDQUOT",
            Error::Interrupted => "EINTR",
            Error::Access => "EACCES",
        }
    }

    fn number(self) -> i32 {
        let errno = match self {
            Error::NoSpace => Errno::ENOSPC,
            Error::Io => Errno::EIO,
            Error::ReadOnly => Errno::EROFS,
            Error::Quota => Errno::EDQUOT,
            Error::Interrupted => Errno::EINTR,
            Error::Access => Errno::EACCES,
        };
        errno as i32
    }
}

/// An operation, what goes wrong in it, and what in each recovery after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The operation.
    pub operation: Operation,
    /// The fault of the operation, then those of recoveries.
    pub faults: Vec<Fault>,
}

/// A text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not OPERATION:FAULT[+FAULT…] with FAULT one of kill-before-K, kill-after-K, fail-K-ERRNO, fail-on-K-ERRNO"
)]
pub struct ScheduleError {
    text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Nothing => write!(f, "nothing"),
            Fault::KillBefore(at) => write!(f, "kill-before-{at}"),
            Fault::KillAfter(at) => write!(f, "kill-after-{at}"),
            Fault::Fail(at, error) => write!(f, "fail-{at}-{}", error.as_str()),
            Fault::FailOn(at, error) => write!(f, "fail-on-{at}-{}", error.as_str()),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.operation.as_str())?;
        for (at, fault) in self.faults.iter().enumerate() {
            let plus = if at == 0 { "" } else { "+" };
            write!(f, "{plus}{fault}")?;
        }
        Ok(())
    }
}

impl Fault {
    fn parse(text: &str) -> Option<Fault> {
        if text == "nothing" {
            return Some(Fault::Nothing);
        }
        if let Some(at) = text.strip_prefix("kill-before-") {
            return Some(Fault::KillBefore(at.parse().ok()?));
        }
        if let Some(at) = text.strip_prefix("kill-after-") {
            return Some(Fault::KillAfter(at.parse().ok()?));
        }
        let (is_lasting, rest) = match text.strip_prefix("fail-on-") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("fail-")?),
        };
        let (at, name) = rest.split_once('-')?;
        let at = at.parse().ok()?;
        let error = Error::ALL
            .into_iter()
            .find(|error| error.as_str() == name)?;
        Some(match is_lasting {
            true => Fault::FailOn(at, error),
            false => Fault::Fail(at, error),
        })
    }

    /// Tells whether it is want of room.
    #[must_use]
    pub fn is_no_room(self) -> bool {
        matches!(
            self,
            Fault::Fail(_, Error::NoSpace | Error::Quota)
                | Fault::FailOn(_, Error::NoSpace | Error::Quota)
        )
    }

    /// Returns the number of the call at which it happens.
    #[must_use]
    pub fn at(self) -> Option<usize> {
        match self {
            Fault::Nothing => None,
            Fault::KillBefore(at)
            | Fault::KillAfter(at)
            | Fault::Fail(at, _)
            | Fault::FailOn(at, _) => Some(at),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let parse = || {
            let (operation, faults) = text.split_once(':')?;
            Some(Schedule {
                operation: Operation::parse(operation)?,
                faults: faults.split('+').map(Fault::parse).collect::<Option<_>>()?,
            })
        };
        parse().ok_or_else(|| ScheduleError {
            text: text.to_owned(),
        })
    }
}

impl Observer for Fault {
    fn before(&mut self, call: &Call) -> Verdict {
        match *self {
            Fault::KillBefore(at) if call.number == at => Verdict::Kill,
            Fault::Fail(at, error) if call.is_own && call.number == at => {
                Verdict::Fail(error.number())
            }
            Fault::FailOn(at, error)
                if call.is_own && call.number >= at && can_fail(call, error) =>
            {
                Verdict::Fail(error.number())
            }
            _ => Verdict::Go,
        }
    }

    fn after(&mut self, call: &Call) -> Verdict {
        match *self {
            Fault::KillAfter(at) if call.number == at => Verdict::Kill,
            _ => Verdict::Go,
        }
    }
}

/// Tells whether a call can fail so for long: a full disk does not stand against renames and deletions.
fn can_fail(call: &Call, error: Error) -> bool {
    use crate::trace::Action;
    let needs_room = matches!(
        call.action,
        Action::Create { .. }
            | Action::Write { .. }
            | Action::Allocate { .. }
            | Action::Link { .. }
            | Action::SetAttribute { .. }
    );
    match error {
        Error::NoSpace | Error::Quota => needs_room,
        Error::Interrupted => false,
        Error::Io | Error::ReadOnly | Error::Access => !matches!(call.action, Action::Close { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn schedules_are_read_as_they_are_printed() {
        for text in [
            "install:kill-before-0",
            "upgrade:kill-after-61+kill-before-3+nothing",
            "remove:fail-7-ENOSPC",
            "rollback:fail-on-17-EROFS+fail-2-EINTR",
        ] {
            let schedule: Schedule = text.parse().expect("it is one");
            assert_eq!(schedule.to_string(), text);
        }
        for text in [
            "install",
            "install:",
            "sleep:nothing",
            "remove:fail-7-EWHAT",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
