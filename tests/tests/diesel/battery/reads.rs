//! The reads.

/// Those of one run, in its order.
pub const READS: &[&str] = &[
    "load",
    "first_of_3",
    "title",
    "of_3",
    "find",
    "missing",
    "count",
    "count_of_3",
    "exists",
    "inner_join",
    "left_join",
    "boxed",
    "tuples",
    "as_select",
    "text_of_3",
    "text_with_parameter",
    "children",
    "grouped",
    "largest",
    "among",
    "without_body",
    "page",
    "distinct",
    "drafts",
    "of_active_authors",
    "tags",
    "comments",
    "comments_of_nobody",
    "authors",
];

macro_rules! reads {
    ($name:ident, $connection:ty, [$($as:tt)?], [$($aw:tt)*], $parameter:literal) => {
        pub $($as)? fn $name(c: &mut $connection, read: &str) -> String {
            match read {
                "load" => said(post::table.order(post::id).load::<Post>(c)$($aw)*),
                "first_of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).order(post::id.desc());
                    said(query.first::<Post>(c)$($aw)*)
                }
                "title" => {
                    let query = post::table.filter(post::id.eq(1)).select(post::title);
                    said(query.get_result::<String>(c)$($aw)*)
                }
                "of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).order(post::id);
                    said(query.get_results::<Post>(c)$($aw)*)
                }
                "find" => said(post::table.find(1).first::<Post>(c)$($aw)*),
                "missing" => said(post::table.find(77).first::<Post>(c)$($aw)*.optional()),
                "count" => said(post::table.count().get_result::<i64>(c)$($aw)*),
                "count_of_3" => {
                    let query = post::table.filter(post::author_id.eq(3)).count();
                    said(query.get_result::<i64>(c)$($aw)*)
                }
                "exists" => {
                    let query = select(exists(post::table.filter(post::author_id.eq(5))));
                    said(query.get_result::<bool>(c)$($aw)*)
                }
                "inner_join" => {
                    let query = post::table
                        .inner_join(author::table)
                        .filter(author::id.eq(4))
                        .order(post::id)
                        .select((post::id, post::title, author::id, author::name));
                    said(query.load::<(i32, String, i32, String)>(c)$($aw)*)
                }
                "left_join" => {
                    let query = author::table
                        .left_join(post::table)
                        .order((author::id, post::id))
                        .select((Author::as_select(), Option::<Post>::as_select()));
                    said(query.load::<(Author, Option<Post>)>(c)$($aw)*)
                }
                "boxed" => {
                    let query = post::table.into_boxed().filter(post::published.eq(true));
                    said(query.order(post::id).load::<Post>(c)$($aw)*)
                }
                "tuples" => {
                    let query = post::table.order(post::id).select((post::id, post::body));
                    said(query.load::<(i32, Option<String>)>(c)$($aw)*)
                }
                "as_select" => {
                    let query = post::table.order(post::id).select(Post::as_select());
                    said(query.load(c)$($aw)*)
                }
                "text_of_3" => {
                    let query = sql_query("SELECT title, id FROM post WHERE author_id = 3 ORDER BY id");
                    said(query.load::<Titled>(c)$($aw)*)
                }
                "text_with_parameter" => {
                    let text = concat!("SELECT id, title FROM post WHERE views > ", $parameter, " ORDER BY id");
                    said(sql_query(text).bind::<Integer, _>(0).load::<Titled>(c)$($aw)*)
                }
                "children" => {
                    let authors = author::table.order(author::id).load::<Author>(c)$($aw)*.unwrap();
                    let posts = Post::belonging_to(&authors)
                        .order(post::id)
                        .load::<Post>(c)$($aw)*
                        .unwrap();
                    format!("{:?}", posts.grouped_by(&authors))
                }
                "grouped" => {
                    let query = post::table
                        .group_by(post::author_id)
                        .select((post::author_id, count(post::id)))
                        .order(post::author_id);
                    said(query.load::<(i32, i64)>(c)$($aw)*)
                }
                "largest" => said(post::table.select(max(post::views)).first::<Option<i32>>(c)$($aw)*),
                "among" => {
                    let query = post::table.filter(post::id.eq_any(vec![1, 2, 9])).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "without_body" => {
                    let query = post::table.filter(post::body.is_null()).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "page" => said(post::table.order(post::id).limit(2).offset(1).load::<Post>(c)$($aw)*),
                "distinct" => {
                    let query = post::table.select(post::author_id).distinct().order(post::author_id);
                    said(query.load::<i32>(c)$($aw)*)
                }
                "drafts" => {
                    let query = post::table.filter(post::published.eq(false)).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "of_active_authors" => {
                    let active = author::table.filter(author::active.eq(true)).select(author::id);
                    let query = post::table.filter(post::author_id.eq_any(active)).order(post::id);
                    said(query.load::<Post>(c)$($aw)*)
                }
                "tags" => {
                    let query = tag::table
                        .inner_join(post_tag::table)
                        .filter(post_tag::post_id.eq(1))
                        .order(tag::id)
                        .select(tag::name);
                    said(query.load::<String>(c)$($aw)*)
                }
                "comments" => {
                    let query = comment::table
                        .filter(comment::approved.eq(true))
                        .order(comment::id)
                        .select((comment::id, comment::author_id, comment::body));
                    said(query.load::<(i32, Option<i32>, String)>(c)$($aw)*)
                }
                "comments_of_nobody" => {
                    let query = comment::table
                        .filter(comment::author_id.is_null())
                        .order(comment::id)
                        .select((comment::id, comment::post_id, comment::body));
                    said(query.load::<(i32, i32, String)>(c)$($aw)*)
                }
                "authors" => said(author::table.order(author::name).load::<Author>(c)$($aw)*),
                other => panic!("no read is called {other}"),
            }
        }
    };
}
