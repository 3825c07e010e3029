//! A plan made ready to be bound: everything about it that does not depend on parameters.

use std::{
    any::TypeId,
    fmt,
    hash::{Hash as _, Hasher},
    sync::{Arc, OnceLock},
};

use larder_sql::{
    Catalog, Dialect, Literal, Operand, Plan, parameters_of,
    plan::{Operation, Part, ReadPlan, Reason, names_a_moment},
};

use crate::{
    BypassReason, CallDigest, Counters, DependencyKey, EffectivePolicy, Param, SourceLimits,
    Statement, StatementId, TableKey,
    bind::Template,
    key::{Digest, EntryKey, Fields},
    slots::Slots,
    statement,
    value::feed_params,
};

pub use crate::bind::{BoundRead, Condition, RestsOn, Widened, WidenedWhy};

/// Result types per text whose key prefix is kept; one or two is what applications have.
const IDENTITIES_KEPT: usize = 4;

/// What a result is decoded into. Results of two identities never share an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultIdentity {
    /// Name of the adapter.
    pub adapter: &'static str,
    /// The terminal that shapes the result (`one`, `all`, `count` ..).
    pub terminal: &'static str,
    /// The result type, inside this build: types of one name are told apart by it.
    pub type_id: TypeId,
    /// The name of the result type.
    pub type_name: &'static str,
    /// Fingerprint of the encoding of the result type.
    pub schema_fingerprint: u64,
}

/// A [`Plan`] with its table keys, shapes and key prefix computed once.
pub struct Prepared {
    plan: Plan,
    catalog_version: u64,
    catalog_fingerprint: [u8; 16],
    read: Result<PreparedRead, Reason>,
    id: StatementId,
    dialect: Dialect,
    /// The first table of the one read that it is, cached or not.
    table: Option<TableKey>,
    counters: Arc<Counters>,
    /// Found out at the first read: writes need none.
    statement: OnceLock<Arc<Statement>>,
    /// The digest of a call up to its parameters, and how many they are.
    call: OnceLock<(Fields, usize)>,
    /// Composed per operation: a bound LIMIT makes at most two of them out of one text.
    policies: Slots<Operation, Result<EffectivePolicy, BypassReason>, 2>,
}

/// What a key says of the place in which a statement runs.
pub(crate) struct Place<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) source: &'a str,
    pub(crate) version: &'a str,
    pub(crate) catalog: &'a Catalog,
    /// Of that catalog.
    pub(crate) fingerprint: [u8; 16],
    pub(crate) limits: &'a SourceLimits,
    /// Where its reads are counted.
    pub(crate) counters: &'a Arc<Counters>,
}

#[derive(Debug)]
struct PreparedRead {
    first_table: TableKey,
    templates: Vec<Template>,
    dependencies_max: usize,
    /// Why there are no entries without a scope.
    needs_scope: Option<Reason>,
    /// Positions where the server reads text as a date or time.
    dated_parameters: Box<[usize]>,
    /// The key up to the result identity.
    prefix: Fields,
    /// The key up to the parameters, so that a hit hashes those alone.
    identities: Slots<ResultIdentity, Fields, IDENTITIES_KEPT>,
}

impl Prepared {
    pub(crate) fn new(plan: Plan, place: &Place<'_>, catalog_version: u64) -> Self {
        let read = PreparedRead::new(&plan, place);
        let first = match plan.parts.as_slice() {
            [Part::Read(read)] => read.tables.first(),
            _ => None,
        };
        let key = |name| TableKey::new(place.namespace, place.source, name);
        Self {
            id: StatementId::of(&plan.normalized),
            dialect: place.catalog.dialect,
            table: first.map(|table| key(&table.name)),
            counters: place.counters.clone(),
            statement: OnceLock::new(),
            call: OnceLock::new(),
            plan,
            catalog_version,
            catalog_fingerprint: place.fingerprint,
            read,
            policies: Slots::new(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The version of the catalog with which the plan was made; 0 = without one.
    pub fn catalog_version(&self) -> u64 {
        self.catalog_version
    }

    /// The fingerprint of that catalog: for results that rest on other texts as well.
    pub fn catalog_fingerprint(&self) -> [u8; 16] {
        self.catalog_fingerprint
    }

    /// The read, when the text is one read and nothing else.
    pub fn read(&self) -> Option<&ReadPlan> {
        match self.plan.parts.as_slice() {
            [Part::Read(read)] => Some(read),
            _ => None,
        }
    }

    /// The name of the normalized text.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// The statement with its counters, shared by all plans of this text on this table.
    pub fn statement(&self) -> &Arc<Statement> {
        self.statement.get_or_init(|| {
            let text = (&*self.plan.normalized, self.dialect);
            self.counters.statement(self.id, self.table.as_ref(), text)
        })
    }

    /// Names a call with these parameters: the entry that it stores carries this, whatever it is
    /// decoded into. What an adapter appends to the parameters of the text is no part of it. `None` =
    /// parameters are nested too deep, and nothing is stored.
    pub fn call_digest(&self, params: &[Param<'_>]) -> Option<CallDigest> {
        let (start, count) = self.call.get_or_init(|| {
            let mut fields = Fields::new("larder call");
            fields.text(&self.plan.normalized);
            fields.align();
            let count = parameters_of(&self.plan.normalized, self.dialect);
            (fields, count.unwrap_or(usize::MAX))
        });
        let mut fields = start.clone();
        feed_params(params.get(..*count).unwrap_or(params), &mut fields)?;
        Some(CallDigest(statement::first(&fields.digest().0)))
    }

    /// What the read asks for with these parameters: a bound LIMIT counts.
    pub fn operation(&self, params: &[Param<'_>]) -> Option<Operation> {
        let read = self.read()?;
        let limit = match read.limit.as_ref() {
            Some(Operand::Literal(Literal::Number(number))) => number.parse().ok(),
            Some(Operand::Parameter(position)) => match params.get(*position) {
                Some(Param::Int(limit)) => u64::try_from(*limit).ok(),
                _ => None,
            },
            _ => None,
        };
        Some(read.operation_with(limit))
    }

    /// Why the text is not cached, whatever its parameters.
    pub fn uncacheable(&self) -> Option<&Reason> {
        self.read.as_ref().err()
    }

    /// The policy of the read with these parameters, composed at the first call of each operation
    /// and kept: the policies of a source do not change while it lives.
    ///
    /// # Errors
    ///
    /// Why the text is not cached, or what `compose` said.
    pub fn policy(
        &self,
        params: &[Param<'_>],
        compose: impl Fn(&ReadPlan, Operation) -> Result<EffectivePolicy, BypassReason>,
    ) -> Result<EffectivePolicy, BypassReason> {
        if let Some(reason) = self.uncacheable() {
            return Err(BypassReason::Uncacheable(reason.clone()));
        }
        let (Some(read), Some(operation)) = (self.read(), self.operation(params)) else {
            return Err(BypassReason::Uncacheable(Reason::new("not a read")));
        };
        self.policies
            .find_or_make(operation, || compose(read, operation))
            .clone()
    }

    /// Names the entry of the read with these parameters, without what it rests on. A scope keeps the
    /// entries of one tenant apart from others; writes invalidate across scopes.
    ///
    /// # Errors
    ///
    /// Why this text, or this call of it, is not cached. An entry of a call that [`bind`](Self::bind)
    /// refuses is never stored, so nothing is found under its name.
    pub fn entry_key(
        &self,
        params: &[Param<'_>],
        result: &ResultIdentity,
        scope: Option<&str>,
    ) -> Result<EntryKey, Reason> {
        let read = self.read.as_ref().map_err(Clone::clone)?;
        read.entry(params, result, scope)
    }

    /// Names the entry and the dependencies of the read with these parameters.
    ///
    /// # Errors
    ///
    /// Why this text, or this call of it, is not cached.
    pub fn bind(
        &self,
        params: &[Param<'_>],
        result: &ResultIdentity,
        scope: Option<&str>,
    ) -> Result<BoundRead, Reason> {
        let read = self.read.as_ref().map_err(Clone::clone)?;
        let mut dependencies = read.dependencies(params)?;
        let entry = read.entry(params, result, scope)?;
        for dependency in &mut dependencies {
            dependency.spread = entry.spread();
        }
        read.check_moments(params)?;
        Ok(BoundRead {
            entry,
            dependencies,
        })
    }

    /// What [`bind`](Self::bind) binds to, as data for people.
    ///
    /// # Errors
    ///
    /// Why this text, or this call of it, is not cached.
    pub fn rests_on(&self, params: &[Param<'_>]) -> Result<Vec<RestsOn>, Reason> {
        let read = self.read.as_ref().map_err(Clone::clone)?;
        let plan = self.read().map_or(&[][..], |plan| &plan.dependencies);
        let (mut told, mut of) = (Vec::new(), plan.iter());
        read.each(&mut Vec::new(), |template, room, dependencies| {
            template.bind(params, room, dependencies)?;
            if let Some(of) = of.next() {
                told.push(template.described(of, params, room)?);
            }
            Ok(())
        })?;
        read.check_moments(params)?;
        Ok(told)
    }

    /// What the read with these parameters rests on, where no entry of its own is wanted.
    ///
    /// # Errors
    ///
    /// Why this text, or this call of it, is not cached.
    pub fn bind_stamps(
        &self,
        params: &[Param<'_>],
        scope: Option<&str>,
    ) -> Result<Vec<DependencyKey>, Reason> {
        let read = self.read.as_ref().map_err(Clone::clone)?;
        read.check_scope(scope)?;
        read.check_moments(params)?;
        read.dependencies(params)
    }
}

impl PreparedRead {
    fn new(plan: &Plan, place: &Place<'_>) -> Result<Self, Reason> {
        let read = match plan.parts.as_slice() {
            [Part::Read(read)] => read,
            [Part::Unknown(reason)] => return Err(reason.clone()),
            [_] => return Err(Reason::new("not a read")),
            _ => return Err(Reason::new("more than one statement")),
        };
        if let Some(reason) = &read.uncacheable {
            return Err(reason.clone());
        }
        let first = read
            .tables
            .first()
            .ok_or_else(|| Reason::new("no table is read"))?;
        if read.dependencies.is_empty() {
            return Err(Reason::new("no dependency is known"));
        }
        let templates = read
            .dependencies
            .iter()
            .map(|template| Template::new(template, place))
            .collect();
        Ok(Self {
            first_table: TableKey::new(place.namespace, place.source, &first.name),
            templates,
            dependencies_max: place.limits.dependencies_max,
            needs_scope: read.needs_scope.clone(),
            dated_parameters: read.dated_parameters.as_slice().into(),
            prefix: prefix(plan, read, place),
            identities: Slots::new(),
        })
    }

    fn dependencies(&self, params: &[Param<'_>]) -> Result<Vec<DependencyKey>, Reason> {
        let mut dependencies = Vec::with_capacity(self.templates.len());
        self.each(&mut dependencies, |template, room, dependencies| {
            template.bind(params, room, dependencies)
        })?;
        Ok(dependencies)
    }

    /// Binds the templates one by one, each with the room that the others leave it.
    fn each(
        &self,
        dependencies: &mut Vec<DependencyKey>,
        mut bind: impl FnMut(&Template, usize, &mut Vec<DependencyKey>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let most = self.dependencies_max;
        for (position, template) in self.templates.iter().enumerate() {
            // Every later template needs room for at least one.
            let later = self.templates.len() - position - 1;
            let room = most.saturating_sub(dependencies.len() + later);
            bind(template, room.max(1), dependencies)?;
        }
        match dependencies.len() > most {
            true => Err(Reason::new("more dependencies than an entry may have")),
            false => Ok(()),
        }
    }

    fn check_moments(&self, params: &[Param<'_>]) -> Result<(), Reason> {
        let positions = self.dated_parameters.iter();
        let mut dated = positions.filter_map(|position| params.get(*position));
        match dated.any(may_name_a_moment) {
            true => Err(Reason::new("a parameter names the current moment")),
            false => Ok(()),
        }
    }

    fn check_scope(&self, scope: Option<&str>) -> Result<(), Reason> {
        match (&self.needs_scope, scope) {
            (Some(reason), None) => Err(reason.clone()),
            _ => Ok(()),
        }
    }

    fn entry(
        &self,
        params: &[Param<'_>],
        result: &ResultIdentity,
        scope: Option<&str>,
    ) -> Result<EntryKey, Reason> {
        self.check_scope(scope)?;
        let prefix = self
            .identities
            .find_or_make(*result, || identified(&self.prefix, result));
        Ok(EntryKey {
            table: self.first_table.clone(),
            digest: entry_digest(&prefix, params, scope)?,
        })
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("text", &self.plan.normalized)
            .field("catalog_version", &self.catalog_version)
            .finish_non_exhaustive()
    }
}

/// `today` bound where a date is read means another day tomorrow. Nesting is bounded: the key of
/// the entry was written before.
fn may_name_a_moment(param: &Param<'_>) -> bool {
    match param {
        Param::Text(text) => names_a_moment(text),
        Param::Bytes(bytes) | Param::Other(_, bytes) => {
            names_a_moment(&String::from_utf8_lossy(bytes))
        }
        Param::Array(_, elements) => elements.iter().any(may_name_a_moment),
        _ => false,
    }
}

/// Design §4, "Keys", up to the normalized text.
fn prefix(plan: &Plan, read: &ReadPlan, place: &Place<'_>) -> Fields {
    let mut fields = Fields::new("larder entry");
    fields.text(place.namespace);
    fields.text(place.source);
    fields.text(place.version);
    fields.number(place.catalog.session.len() as u64);
    for (name, value) in &place.catalog.session {
        fields.text(name);
        fields.text(value);
    }
    // The tables of the plan alone: what else the catalog has met so far is no matter.
    fields.number(read.tables.len() as u64);
    for table in &read.tables {
        fields.text(&table.name.schema);
        fields.text(&table.name.name);
        fields.raw(&table.fingerprint());
    }
    fields.text(&plan.normalized);
    fields
}

fn identified(prefix: &Fields, result: &ResultIdentity) -> Fields {
    let mut fields = prefix.clone();
    feed_identity(&mut fields, result);
    fields.align();
    fields
}

pub(crate) fn feed_identity(fields: &mut Fields, result: &ResultIdentity) {
    fields.text(result.adapter);
    fields.text(result.terminal);
    fields.text(result.type_name);
    // Two local types of one function may share a name.
    result.type_id.hash(&mut Written(fields));
    fields.number(result.schema_fingerprint);
}

/// Writes what is hashed: the only way to see what a [`TypeId`] holds.
struct Written<'a>(&'a mut Fields);

impl Hasher for Written<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.raw(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn entry_digest(
    prefix: &Fields,
    params: &[Param<'_>],
    scope: Option<&str>,
) -> Result<Digest, Reason> {
    let mut fields = prefix.clone();
    feed_params(params, &mut fields)
        .ok_or_else(|| Reason::new("parameters are nested too deep"))?;
    // Parameters begin with their number, so nothing without a scope ends like this.
    if let Some(scope) = scope {
        fields.text(scope);
    }
    Ok(fields.digest())
}

#[cfg(test)]
mod tests;
