//! Commands on their way to a server.

use std::slice;

use larder_core::{Fault, FaultKind, Stamp, entry::Incarnation};
use redis::{Cmd, ToRedisArgs, Value};

use crate::{
    layout::{Key, Tag},
    node::NodeRef,
};

/// One command, and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) command: Cmd,
    pub(crate) kind: Kind,
}

/// Which server runs a command.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The one that owns this tag.
    Owner(Tag),
    /// This one.
    Node(NodeRef),
}

/// What may be done with a command that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It may be sent again.
    Repeatable,
    /// A creating command: never sent again once it may have reached a server (P5).
    Creating,
    /// It may be sent again. It names several keys of one slot, which a slot under migration may
    /// refuse as a whole.
    Each(Verb),
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
    /// Those of each value, where the keys had to be read one by one.
    pub(crate) lives: Vec<Incarnation>,
}

impl Call {
    pub(crate) fn repeatable(tag: &Tag, command: Cmd) -> Self {
        Self::new(tag, command, Kind::Repeatable)
    }

    pub(crate) fn creating(tag: &Tag, command: Cmd) -> Self {
        Self::new(tag, command, Kind::Creating)
    }

    /// As many calls as it takes: no command is so long that it holds up a server. One key is read
    /// by `GET`, which answers with the value and not with a list.
    pub(crate) fn each(tag: &Tag, verb: Verb, keys: &[Key<'_>]) -> impl Iterator<Item = Self> {
        keys.chunks(KEYS_MAX).map(move |keys| match keys {
            [key] => Self::repeatable(tag, verb.single(key)),
            keys => Self::new(tag, verb.several(keys), Kind::Each(verb)),
        })
    }

    fn new(tag: &Tag, command: Cmd, kind: Kind) -> Self {
        let place = Place::Owner(tag.clone());
        Self {
            place,
            command,
            kind,
        }
    }
}

impl Verb {
    pub(crate) fn single(self, key: impl ToRedisArgs) -> Cmd {
        let mut command = command(
            match self {
                Self::Get => "GET",
                Self::Unlink => "UNLINK",
            },
            1,
            KEY_BYTES,
        );
        command.arg(key);
        command
    }

    fn several(self, keys: &[Key<'_>]) -> Cmd {
        let name = match self {
            Self::Get => "MGET",
            Self::Unlink => "UNLINK",
        };
        let bytes = keys.iter().map(Key::len).sum();
        let mut command = command(name, keys.len(), bytes);
        for key in keys {
            command.arg(key);
        }
        command
    }
}

/// A command with room for so many arguments of so many bytes.
pub(crate) fn command(name: &str, arguments: usize, bytes: usize) -> Cmd {
    let mut command = Cmd::with_capacity(1 + arguments, name.len() + bytes);
    command.arg(name);
    command
}

impl Answer {
    /// The values of several keys or fields, or that of the only one.
    pub(crate) fn values(&self) -> &[Value] {
        match &self.value {
            Value::Array(values) => values,
            one => slice::from_ref(one),
        }
    }

    /// The life of the server that had the value at this position (P6).
    pub(crate) fn life(&self, at: usize) -> Incarnation {
        self.lives.get(at).copied().unwrap_or(self.incarnation)
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

/// Room for a key of ordinary length.
const KEY_BYTES: usize = 96;

/// Keys or fields of one command.
pub(crate) const KEYS_MAX: usize = 500;
