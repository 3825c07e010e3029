//! The settings of a policy, for the default one and for those of tables.

use larder_core::{Operations, Policy};

use super::{kind::Kind, value::Value};

/// One setting of a policy.
pub(super) struct PolicySetting {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) read: fn(&Policy) -> Option<Value>,
    pub(super) write: fn(&mut Parts, &Value),
}

/// A policy taken apart: each of its settings can be said anew.
pub(super) struct Parts {
    ttl: Option<Value>,
    operations: Option<Value>,
    never: bool,
    local: bool,
    shared_flight: bool,
    early_refresh: bool,
    allow_stale: Option<Value>,
}

/// Those of `[default_policy]` and of each table in `[policies]`.
pub(super) static POLICY: &[PolicySetting] = &[
    PolicySetting {
        name: "ttl",
        kind: Kind::Ttl,
        read: |policy| policy.ttl().map(Value::Duration),
        write: |parts, value| parts.ttl = Some(value.clone()),
    },
    PolicySetting {
        name: "ops",
        kind: Kind::Operations,
        read: |policy| Some(Value::of_operations(policy.operations())),
        write: |parts, value| parts.operations = Some(value.clone()),
    },
    PolicySetting {
        name: "never",
        kind: Kind::Flag,
        read: |policy| Some(Value::Flag(policy.is_never())),
        write: |parts, value| parts.never = *value == Value::Flag(true),
    },
    PolicySetting {
        name: "local",
        kind: Kind::Flag,
        read: |policy| Some(Value::Flag(policy.is_local())),
        write: |parts, value| parts.local = *value == Value::Flag(true),
    },
    PolicySetting {
        name: "shared_flight",
        kind: Kind::Flag,
        read: |policy| Some(Value::Flag(policy.leeway().shared_flight)),
        write: |parts, value| parts.shared_flight = *value == Value::Flag(true),
    },
    PolicySetting {
        name: "early_refresh",
        kind: Kind::Flag,
        read: |policy| Some(Value::Flag(policy.leeway().early_refresh)),
        write: |parts, value| parts.early_refresh = *value == Value::Flag(true),
    },
    PolicySetting {
        name: "allow_stale",
        kind: Kind::Duration,
        read: |policy| Some(Value::Duration(policy.stale_at_most())),
        write: |parts, value| parts.allow_stale = Some(value.clone()),
    },
];

impl Parts {
    pub(super) fn of(policy: &Policy) -> Self {
        let leeway = policy.leeway();
        Self {
            ttl: policy.ttl().map(Value::Duration),
            // ALL is more than what has a name today.
            operations: (policy.operations() != Operations::ALL)
                .then(|| Value::of_operations(policy.operations())),
            never: policy.is_never(),
            local: policy.is_local(),
            shared_flight: leeway.shared_flight,
            early_refresh: leeway.early_refresh,
            allow_stale: Some(Value::Duration(leeway.allow_stale)),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        let mut policy = match self.never {
            true => Policy::never(),
            false => Policy::new(),
        };
        if let Some(Value::Duration(ttl)) = self.ttl {
            policy = policy.with_ttl(ttl);
        }
        if let Some(operations) = &self.operations {
            policy = policy.with_operations(operations.operations());
        }
        if let Some(Value::Duration(at_most)) = self.allow_stale {
            policy = policy.allow_stale(at_most);
        }
        for (said, with) in [
            (self.local, Policy::local as fn(Policy) -> Policy),
            (self.shared_flight, Policy::shared_flight),
            (self.early_refresh, Policy::early_refresh),
        ] {
            if said {
                policy = with(policy);
            }
        }
        policy
    }
}
