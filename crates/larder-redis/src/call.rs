//! Commands on their way to a server.

use larder_core::{Fault, FaultKind, Stamp, entry::Incarnation};
use redis::{Cmd, Value, cmd};

use crate::{layout::Tag, node::NodeRef};

/// One command, and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) command: Command,
}

/// Which server runs a command.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The one that owns this tag.
    Owner(Tag),
    /// This one.
    Node(NodeRef),
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// A command that may be sent again.
    Repeatable(Cmd),
    /// A creating command: never sent again once it may have reached a server (P5).
    Creating(Cmd),
    /// A command on several keys of one slot, which a slot under migration may refuse as a whole.
    Each(Verb, Vec<Vec<u8>>),
}

/// Commands that take several keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Unlink,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// The life of the server that gave it (P6).
    pub(crate) incarnation: Incarnation,
}

impl Call {
    pub(crate) fn repeatable(tag: &Tag, command: Cmd) -> Self {
        let place = Place::Owner(tag.clone());
        let command = Command::Repeatable(command);
        Self { place, command }
    }

    pub(crate) fn creating(tag: &Tag, command: Cmd) -> Self {
        let place = Place::Owner(tag.clone());
        let command = Command::Creating(command);
        Self { place, command }
    }

    /// As many calls as it takes: no command is so long that it holds up a server.
    pub(crate) fn each(tag: &Tag, verb: Verb, keys: &[Vec<u8>]) -> impl Iterator<Item = Self> {
        keys.chunks(KEYS_MAX).map(move |keys| Self {
            place: Place::Owner(tag.clone()),
            command: Command::Each(verb, keys.to_vec()),
        })
    }

    pub(crate) fn is_creating(&self) -> bool {
        matches!(self.command, Command::Creating(_))
    }
}

impl Command {
    pub(crate) fn cmd(&self) -> Cmd {
        match self {
            Self::Repeatable(command) | Self::Creating(command) => command.clone(),
            Self::Each(verb, keys) => {
                let mut command = cmd(match verb {
                    Verb::Get => "MGET",
                    Verb::Unlink => "UNLINK",
                });
                for key in keys {
                    command.arg(key);
                }
                command
            }
        }
    }
}

impl Verb {
    pub(crate) fn single(self, key: &[u8]) -> Cmd {
        let mut command = cmd(match self {
            Self::Get => "GET",
            Self::Unlink => "UNLINK",
        });
        command.arg(key);
        command
    }
}

/// A stamp, if that is what is there.
pub(crate) fn stamp(value: &Value) -> Option<Stamp> {
    match value {
        Value::BulkString(bytes) => bytes.as_slice().try_into().ok().map(Stamp),
        _ => None,
    }
}

pub(crate) fn count(value: &Value) -> Result<usize, Fault> {
    match value {
        Value::Int(number) => usize::try_from(*number).map_err(|_| protocol()),
        _ => Err(protocol()),
    }
}

pub(crate) fn list(value: &Value) -> Result<&[Value], Fault> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(protocol()),
    }
}

pub(crate) fn protocol() -> Fault {
    Fault::new(FaultKind::Protocol)
}

/// Keys or fields of one command.
pub(crate) const KEYS_MAX: usize = 500;
