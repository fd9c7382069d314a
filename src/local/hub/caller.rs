//! Who calls, and where.

use std::sync::Arc;

use crate::core::ids::{AccountId, Region};

/// The caller of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// Whose hub is asked.
    pub account: AccountId,
    /// In which Region.
    pub region: Region,
    /// As whom.
    pub principal: Principal,
}

/// A name within an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// The account itself.
    Root,
    /// An IAM user.
    User(Arc<str>),
    /// A session of an assumed role.
    Session {
        /// Name of the role.
        role: Arc<str>,
        /// Name of the session.
        session: Arc<str>,
    },
}

impl Caller {
    /// ARN of the caller, as GetCallerIdentity and finding histories have it.
    pub fn arn(&self) -> String {
        let account = self.account;
        match &self.principal {
            Principal::Root => format!("arn:aws:iam::{account}:root"),
            Principal::User(name) => format!("arn:aws:iam::{account}:user/{name}"),
            Principal::Session { role, session } => format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        }
    }
}
