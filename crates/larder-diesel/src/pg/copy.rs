//! `COPY .. FROM STDIN`, whose rows never show in a statement.

use diesel::{
    PgConnection, QuerySource, Table,
    pg::{CopyFromQuery, Pg},
    prelude::ExecuteCopyFromDsl,
    query_builder::QueryFragment,
    result::Error,
};

use crate::{
    CachedConnection,
    backend::text_of,
    connection::{asked, deliver},
};

/// As on the connection inside; every result that rests on the table is dropped before this returns.
impl<T, A> ExecuteCopyFromDsl<CachedConnection<PgConnection>> for CopyFromQuery<T, A>
where
    T: Table + Default + QuerySource<FromClause: QueryFragment<Pg>>,
    Self: ExecuteCopyFromDsl<PgConnection, Error: From<Error>>,
{
    type Error = <Self as ExecuteCopyFromDsl<PgConnection>>::Error;

    fn execute(
        self,
        connection: &mut CachedConnection<PgConnection>,
    ) -> Result<usize, Self::Error> {
        let table = text_of::<Pg, _>(&T::default().from_clause())?;
        connection.prepare();
        let planned = connection.session.plan(&format!("COPY {table} FROM STDIN"));
        let CachedConnection { inner, session, .. } = &mut *connection;
        let sending = session.send(&planned, &[])?;
        let result = self.execute(inner);
        let delivery = match &result {
            Ok(_) => sending.succeeded(larder_signals::Returned::Nothing),
            Err(_) => {
                // The error is the caller's own type and tells nothing.
                let failure = asked(inner, sending.is_inside());
                sending.failed(failure)
            }
        };
        deliver(delivery);
        let depth = connection.depth();
        deliver(connection.session.align(depth));
        result
    }
}
