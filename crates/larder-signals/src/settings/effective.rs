//! What counts in the end, and where it was said.

use std::collections::{BTreeMap, BTreeSet};

use larder_core::Policy;

use super::{
    Placed, SettingOrigin, Settings,
    file::{DEFAULT_POLICY, POLICIES, quoted},
    names::SETTINGS,
    policies::POLICY,
    value::Value,
};
use crate::LarderBuilder;

/// A setting that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectiveSetting {
    /// Its name, with the section: `limits.wait_max`.
    pub name: String,
    /// Its value as `larder.toml` would have it. Passwords are `***`.
    pub value: String,
    /// Where it was said.
    pub origin: SettingOrigin,
}

impl Settings {
    /// Every setting that counts when these settings are laid over what `builder` says, in the order
    /// of the documentation. Those without a value are left out, and so are those of a policy that
    /// nobody has said.
    #[must_use]
    pub fn effective(&self, builder: &LarderBuilder) -> Vec<EffectiveSetting> {
        let fresh = LarderBuilder::default();
        let mut all = Vec::new();
        for setting in SETTINGS {
            let code = (setting.read)(builder);
            let said = self.values.get(setting.name).cloned();
            let default = code == (setting.read)(&fresh);
            let said = said.map(|said| with_names_of(code.as_ref(), said));
            let in_url = || {
                let value = self.in_url(setting.name)?;
                Some(placed(value, self.values.get(super::STORE)?.origin.clone()))
            };
            let said = said.or_else(in_url).or_else(|| {
                let origin = if default {
                    SettingOrigin::Default
                } else {
                    SettingOrigin::Code
                };
                Some(placed(code?, origin))
            });
            all.extend(said.map(|said| said.shown(setting.name.to_owned())));
        }
        let tables: BTreeSet<Option<&String>> = builder
            .policies
            .keys()
            .map(Some)
            .chain(builder.default_policy.iter().map(|_| None))
            .chain(self.policies.keys().map(Option::as_ref))
            .collect();
        for table in tables {
            self.effective_policy(table, builder, &mut all);
        }
        all
    }

    fn effective_policy(
        &self,
        table: Option<&String>,
        builder: &LarderBuilder,
        all: &mut Vec<EffectiveSetting>,
    ) {
        let (section, code) = match table {
            Some(table) => (
                format!("{POLICIES}.{}", quoted(table)),
                builder.policies.get(table),
            ),
            None => (DEFAULT_POLICY.to_owned(), builder.default_policy.as_ref()),
        };
        let none = BTreeMap::new();
        let said = self.policies.get(&table.cloned()).unwrap_or(&none);
        let open = Policy::new();
        for setting in POLICY {
            let in_code = code
                .and_then(setting.read)
                .filter(|value| Some(value) != (setting.read)(&open).as_ref())
                .map(|value| placed(value, SettingOrigin::Code));
            let counts = said.get(setting.name).cloned().or(in_code);
            all.extend(counts.map(|said| said.shown(format!("{section}.{}", setting.name))));
        }
    }

    /// What the URL of the store says about a setting of `[redis]`.
    fn in_url(&self, name: &str) -> Option<Value> {
        let name = name.strip_prefix("redis.")?;
        let (_, query) = self.store()?.split_once('?')?;
        // An @ so late ends a password that is not encoded.
        if query.contains('@') {
            return None;
        }
        let kind = SETTINGS
            .iter()
            .find(|s| s.name.strip_prefix("redis.") == Some(name))?
            .kind;
        let (_, value) = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)?;
        kind.of_text(value).ok()
    }
}

impl Placed {
    fn shown(self, name: String) -> EffectiveSetting {
        EffectiveSetting {
            name,
            value: self.value.to_string(),
            origin: self.origin,
        }
    }
}

fn placed(value: Value, origin: SettingOrigin) -> Placed {
    Placed { value, origin }
}

/// Lists of names add up.
fn with_names_of(code: Option<&Value>, mut said: Placed) -> Placed {
    if let (Some(Value::Names(code)), Value::Names(names)) = (code, &mut said.value) {
        let known: BTreeSet<String> = code.iter().chain(names.iter()).cloned().collect();
        *names = known.into_iter().collect();
    }
    said
}
