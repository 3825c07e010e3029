//! Logging in. It is done here and not by the client, which keeps nothing of a refusal but that
//! there was one: a server that is full for the moment would look like one with another password.

use redis::{Pipeline, ServerError, Value};

use super::failure::{self, Failure};
use crate::{call::protocol, config::Secret, exchange::Lost};

/// As whom we come, and to which database.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: u32,
}

impl Login {
    /// What goes in front of everything else.
    pub(super) fn pipeline(&self) -> Pipeline {
        let mut pipeline = Pipeline::new();
        if let Some(password) = &self.password {
            pipeline.cmd("AUTH");
            if let Some(username) = &self.username {
                pipeline.arg(username);
            }
            pipeline.arg(password.expose());
        }
        pipeline
    }

    /// Takes the answer to it away; what stays are the others.
    pub(super) fn accepted(&self, mut answers: Vec<Value>) -> Result<Vec<Value>, Failure> {
        if self.password.is_none() {
            return Ok(answers);
        }
        if answers.is_empty() {
            return Err(protocol().into());
        }
        match answers.remove(0) {
            Value::Okay => Ok(answers),
            Value::ServerError(error) => Err(self.refused(&error)),
            _ => Err(protocol().into()),
        }
    }

    fn refused(&self, error: &ServerError) -> Failure {
        let details = error.details().unwrap_or_default();
        let says = |text| details.contains(text);
        if error.code() == "WRONGPASS" || says("invalid password") {
            Failure::wrong(failure::WRONG_PASSWORD)
        } else if says("without any password") || says("no password is set") {
            Failure::wrong(failure::NO_PASSWORD_THERE)
        } else if says("wrong number of arguments") {
            Failure::wrong(failure::NO_USERS)
        } else if error.code() != "ERR" || says("max number of clients") {
            failure::refused(error)
        } else {
            // A server that does not know the command repeats what it was given.
            failure::unavailable(Lost("the server does not take passwords"))
        }
    }
}
