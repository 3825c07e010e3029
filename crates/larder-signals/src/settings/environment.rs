//! Reading the environment.

use std::ffi::OsStr;

use super::{
    Placed, SettingOrigin, Settings,
    file::{DEFAULT_POLICY, NAMING, POLICIES, PROBLEMS_MAX},
    kind::Kind,
    names::{POLICY, SETTINGS},
    nearest::nearest,
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
        let value = value.ok_or("is not UTF-8")?.trim();
        let placed = |kind: Kind| {
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
/// begin like ours: a service called `larder` gets `LARDER_PORT` from Kubernetes.
fn unknown(name: &str) -> Result<(), String> {
    if OF_TESTS.contains(&name) {
        return Ok(());
    }
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    if rest.starts_with("POLICIES_") || rest.starts_with("POLICY_") {
        return Err(ONE_POLICY.to_owned());
    }
    let names: Vec<String> = known().map(|(_, known)| known).collect();
    // LARDER_WAIT_MAX, without its section. One word alone may be anybody's.
    let within = format!("_{rest}");
    let bare = |known: &&String| rest.contains('_') && known.ends_with(&within);
    let bare = names.iter().find(bare).map(String::as_str);
    let near = || {
        let rests = names.iter().filter_map(|known| known.strip_prefix(PREFIX));
        nearest(rest, rests)
            .and_then(|near| names.iter().find(|n| n.strip_prefix(PREFIX) == Some(near)))
    };
    match bare.or_else(|| near().map(String::as_str)) {
        Some(meant) => Err(format!("unknown variable; did you mean {meant}?")),
        None => Ok(()),
    }
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
