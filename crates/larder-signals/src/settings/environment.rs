//! Reading the environment.

use std::ffi::OsStr;

use super::{
    Placed, SettingOrigin, Settings,
    file::{DEFAULT_POLICY, NAMING, POLICIES, PROBLEMS_MAX},
    kind::Kind,
    names::SETTINGS,
    nearest::nearest,
    policies::POLICY,
};

impl Settings {
    pub(super) fn read_environment<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        variables: impl IntoIterator<Item = (N, V)>,
        problems: &mut Vec<String>,
    ) {
        for (name, value) in variables {
            let Some(name) = name
                .as_ref()
                .to_str()
                .filter(|name| name.starts_with(PREFIX))
            else {
                continue;
            };
            let value = value.as_ref();
            if value.is_empty() || problems.len() >= PROBLEMS_MAX {
                continue;
            }
            if let Err(problem) = self.read_variable(name, value.to_str(), problems) {
                problems.push(format!("{name}: {problem}"));
            }
        }
    }

    fn read_variable(
        &mut self,
        name: &str,
        value: Option<&str>,
        problems: &mut Vec<String>,
    ) -> Result<(), String> {
        let known = known().find(|(_, known)| known == name);
        let Some((target, _)) = known else {
            return unknown(name);
        };
        let value = value.ok_or("is not UTF-8")?;
        let placed = |kind: Kind| {
            // Of a password, spaces may be part.
            let value = match kind {
                Kind::Secret => value,
                _ => value.trim(),
            };
            Ok::<_, String>(Placed {
                value: kind.of_text(value)?,
                origin: SettingOrigin::Variable(name.to_owned()),
            })
        };
        match target {
            Target::Setting(setting, kind) => self.put(setting, placed(kind)?),
            Target::DefaultPolicy(setting, kind) => self.put_policy(None, setting, placed(kind)?),
            Target::Policies => self.read_policies(value, name, problems),
            Target::File => {}
        }
        Ok(())
    }
}

/// What a variable sets.
enum Target {
    Setting(&'static str, Kind),
    DefaultPolicy(&'static str, Kind),
    Policies,
    /// The name of the file, which is read before.
    File,
}

fn known() -> impl Iterator<Item = (Target, String)> {
    let settings = SETTINGS.iter().map(|setting| {
        let target = Target::Setting(setting.name, setting.kind);
        (target, variable(setting.name))
    });
    let default_policy = POLICY.iter().map(|setting| {
        let target = Target::DefaultPolicy(setting.name, setting.kind);
        (
            target,
            variable(&format!("{DEFAULT_POLICY}.{}", setting.name)),
        )
    });
    let others = [
        (Target::Policies, variable(POLICIES)),
        (Target::File, NAMING.to_owned()),
    ];
    settings.chain(default_policy).chain(others)
}

/// The variable of a setting: `limits.wait_max` is `LARDER_LIMITS_WAIT_MAX`.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('.', "_"))
}

/// Whether a variable that is no setting's was meant to be one. Other programs may have names that
/// begin like ours.
fn unknown(name: &str) -> Result<(), String> {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    if OF_TESTS.contains(&name) || is_of_kubernetes(rest) {
        return Ok(());
    }
    if rest.starts_with("POLICIES_") || rest.starts_with("POLICY_") {
        return Err(ONE_POLICY.to_owned());
    }
    let names: Vec<String> = known().map(|(_, known)| known).collect();
    if let Some(meant) = meant(rest, &names) {
        return Err(format!("unknown variable; did you mean {PREFIX}{meant}?"));
    }
    let section = SETTINGS
        .iter()
        .filter_map(|setting| setting.name.split_once('.'))
        .map(|(section, _)| section)
        .chain([DEFAULT_POLICY])
        .find(|section| begins_with(rest, &section.to_ascii_uppercase()));
    match section {
        Some(section) => {
            let begin = format!("{}_", variable(section));
            let known: Vec<_> = names
                .iter()
                .filter(|name| name.starts_with(&begin))
                .collect();
            let known: Vec<_> = known.into_iter().map(String::as_str).collect();
            Err(format!("unknown variable; known are {}", known.join(", ")))
        }
        None => Ok(()),
    }
}

/// The setting that a name may stand for; both without the prefix.
fn meant<'a>(rest: &str, names: &'a [String]) -> Option<&'a str> {
    let rest = if rest == "REDIS_URL" { "STORE" } else { rest };
    let mut names = names.iter().filter_map(|known| known.strip_prefix(PREFIX));
    // LARDER_WAIT_MAX, without its section. One word alone may be anybody's.
    let within = format!("_{rest}");
    let bare = |known: &&str| rest.contains('_') && known.ends_with(&within);
    names
        .clone()
        .find(bare)
        .or_else(|| nearest(rest, names.clone()))
        // LARDER_STORE_URL
        .or_else(|| names.find(|known| begins_with(rest, known)))
}

fn begins_with(name: &str, begin: &str) -> bool {
    name.strip_prefix(begin)
        .is_some_and(|rest| rest.starts_with('_'))
}

/// What every pod is told of a service called `larder`, or `larder-redis`.
fn is_of_kubernetes(rest: &str) -> bool {
    let mut words = rest.split('_');
    rest.ends_with("SERVICE_HOST") || words.any(|word| word == "PORT")
}

const PREFIX: &str = "LARDER_";
/// Those of larder's own tests.
const OF_TESTS: [&str; 6] = [
    "LARDER_FAULT_ROUNDS",
    "LARDER_FAULT_WORKER",
    "LARDER_HOLD_SERVERS",
    "LARDER_SEED",
    "LARDER_SEEDS",
    "LARDER_TEST_STORE",
];
const ONE_POLICY: &str = "unknown variable; policies of tables are set by LARDER_POLICIES, such as \
                          { \"auth_*\" = { ttl = \"15m\" } }";
