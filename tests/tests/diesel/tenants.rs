//! Row-level security: results are kept for each tenant apart, and for nobody who names none.

use diesel::{Connection, ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use larder::{Larder, WrapConfig, diesel::CachedConnection};

use crate::{
    lab::{Backend, Base, larder},
    model::schema::tag,
};

fn connect(
    base: &Base,
    larder: &Larder,
    tenant: i32,
    scoped: bool,
) -> CachedConnection<PgConnection> {
    let (_, server) = base.url.split_once('@').unwrap();
    let (_, database) = base.url.rsplit_once('/').unwrap();
    let url =
        format!("postgres://tenant_of_{database}@{server}?options=-c%20app.tenant%3D{tenant}");
    let config = match scoped {
        true => WrapConfig::new().scope(format!("tenant-{tenant}")),
        false => WrapConfig::new(),
    };
    let inner = PgConnection::establish(&url).unwrap();
    CachedConnection::wrap(larder, inner, &config)
}

fn names(db: &mut CachedConnection<PgConnection>) -> Vec<String> {
    let names = tag::table.order(tag::id).select(tag::name);
    names.load(db).unwrap()
}

#[test]
fn tenants_see_their_own_rows_and_whoever_names_none_is_not_cached() {
    let base = Base::start(Backend::Postgres);
    let (_, database) = base.url.rsplit_once('/').unwrap();
    base.run([
        "ALTER TABLE tag ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON tag USING (id = current_setting('app.tenant')::int)",
        &format!("CREATE ROLE tenant_of_{database} LOGIN"),
        &format!("GRANT ALL ON tag TO tenant_of_{database}"),
    ]);
    let larder = larder();
    let mut one = connect(&base, &larder, 1, true);
    let mut two = connect(&base, &larder, 2, true);
    let mut nobody = connect(&base, &larder, 2, false);
    for _ in 0..2 {
        assert_eq!(names(&mut one), ["rust"]);
        assert_eq!(names(&mut two), ["sql"]);
        assert_eq!(names(&mut nobody), ["sql"]);
    }
    base.run(["UPDATE tag SET name = name || '!'"]);
    assert_eq!(names(&mut one), ["rust"]);
    assert_eq!(names(&mut two), ["sql"]);
    assert_eq!(names(&mut nobody), ["sql!"]);
    diesel::update(tag::table.find(2))
        .set(tag::name.eq("SQL"))
        .execute(&mut two)
        .unwrap();
    assert_eq!(names(&mut two), ["SQL"]);
    assert_eq!(names(&mut one), ["rust!"]);
}
