//! How a program ends.

/// What the help of every program says about exit codes.
pub const EXIT_CODES_HELP: &str = "\
Exit codes:
    0  done
    1  the answer is no: drift, a conflict, a bad recipe, a wrong digest, a failed build, an absent package
    2  the command line is not understood, or it needs a yes and there is nobody to ask
    3  the settings are not understood
    4  it could not finish: input or output, network, rights, a missing kernel feature or program
   70  a defect of this program
   75  another program holds the lock (`--wait` waits for it)
  130  interrupted";

/// The exit codes of all our programs, as the manual pages list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: it is done.
    Done,
    /// 1: the answer is no: drift, conflict, a bad recipe, a failed build, an absent package.
    No,
    /// 2: the command line is not understood.
    Usage,
    /// 3: the settings are not understood.
    Settings,
    /// 4: it could not finish: I/O, network, privilege, a missing kernel feature or program.
    Unfinished,
    /// 70: a defect of ours.
    Defect,
    /// 75: somebody else holds the lock.
    Locked,
    /// 130: it was interrupted.
    Interrupted,
}

impl Exit {
    /// Returns the number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Settings => 3,
            Exit::Unfinished => 4,
            Exit::Defect => 70,
            Exit::Locked => 75,
            Exit::Interrupted => 130,
        }
    }

    /// Returns the exit with this number; a number that none of ours has is a defect of ours.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Exit::Done,
            1 => Exit::No,
            2 => Exit::Usage,
            3 => Exit::Settings,
            4 => Exit::Unfinished,
            75 => Exit::Locked,
            130 => Exit::Interrupted,
            _ => Exit::Defect,
        }
    }
}
