//! The models, which know nothing of a cache.

use diesel::prelude::*;

pub mod schema {
    diesel::table! {
        author (id) {
            id -> Integer,
            name -> Text,
            email -> Nullable<Text>,
            active -> Bool,
        }
    }

    diesel::table! {
        post (id) {
            id -> Integer,
            author_id -> Integer,
            title -> Text,
            body -> Nullable<Text>,
            published -> Bool,
            views -> Integer,
        }
    }

    diesel::table! {
        comment (id) {
            id -> Integer,
            post_id -> Integer,
            author_id -> Nullable<Integer>,
            body -> Text,
            approved -> Bool,
        }
    }

    diesel::table! {
        tag (id) {
            id -> Integer,
            name -> Text,
        }
    }

    diesel::table! {
        post_tag (post_id, tag_id) {
            post_id -> Integer,
            tag_id -> Integer,
        }
    }

    diesel::joinable!(post -> author (author_id));
    diesel::joinable!(comment -> post (post_id));
    diesel::joinable!(post_tag -> post (post_id));
    diesel::joinable!(post_tag -> tag (tag_id));
    diesel::allow_tables_to_appear_in_same_query!(author, post, comment, tag, post_tag);
}

use schema::{author, post};

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = author)]
pub struct Author {
    pub id: i32,
    pub name: String,
    pub email: Option<String>,
    pub active: bool,
}

#[derive(
    AsChangeset, Associations, Clone, Debug, Identifiable, PartialEq, Queryable, Selectable,
)]
#[diesel(table_name = post, belongs_to(Author))]
pub struct Post {
    pub id: i32,
    pub author_id: i32,
    pub title: String,
    pub body: Option<String>,
    pub published: bool,
    pub views: i32,
}

#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = post)]
pub struct NewPost<'a> {
    pub author_id: i32,
    pub title: &'a str,
    pub body: Option<&'a str>,
}

#[derive(Debug, PartialEq, QueryableByName)]
#[diesel(table_name = post)]
pub struct Titled {
    pub id: i32,
    pub title: String,
}
