//! `igos-build key`

use clap::Subcommand;
use igos_cli::{Answer, Failure, Globals, Session};

use super::key_apply::ApplyCommand;
use super::key_make::MakeCommand;
use super::key_new::NewCommand;
use super::key_renew::RenewCommand;
use super::key_replace::{RevokeCommand, RotateCommand};
use super::key_show::ShowCommand;
use super::key_sign::SignCommand;

/// Make, show and replace the keys that sign a repository
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    New(NewCommand),
    Make(MakeCommand),
    Show(ShowCommand),
    Rotate(RotateCommand),
    Revoke(RevokeCommand),
    Renew(RenewCommand),
    Sign(SignCommand),
    Apply(ApplyCommand),
}

impl KeyCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        match self {
            KeyCommand::New(command) => command.execute(globals),
            KeyCommand::Make(command) => command.execute(globals),
            KeyCommand::Show(command) => command.execute(),
            KeyCommand::Rotate(command) => command.execute(globals, session),
            KeyCommand::Revoke(command) => command.execute(globals, session),
            KeyCommand::Renew(command) => command.execute(globals, session),
            KeyCommand::Sign(command) => command.execute(globals, session),
            KeyCommand::Apply(command) => command.execute(globals, session),
        }
    }
}
