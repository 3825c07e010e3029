use sea_orm_migration::{prelude::*, schema::*};

use super::{create_index, drop_tables, reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(publisher()).await?;
        manager.create_table(author()).await?;
        manager.create_table(book()).await?;
        create_index(manager, "book", &["published_on", "id"]).await?;
        manager.create_table(book_author()).await?;
        manager.create_table(category()).await?;
        manager.create_table(book_category()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "book_category",
            "category",
            "book_author",
            "book",
            "author",
            "publisher",
        ];
        drop_tables(manager, &tables).await
    }
}

fn publisher() -> TableCreateStatement {
    Table::create()
        .table("publisher")
        .col(pk_auto("id"))
        .col(string_uniq("name"))
        .col(string_null("country"))
        .col(date_null("founded_on"))
        .to_owned()
}

fn author() -> TableCreateStatement {
    Table::create()
        .table("author")
        .col(pk_auto("id"))
        .col(string("name"))
        .col(text_null("bio"))
        .col(date_null("born_on"))
        .to_owned()
}

fn book() -> TableCreateStatement {
    Table::create()
        .table("book")
        .col(pk_auto("id"))
        .col(integer_null("publisher_id"))
        .col(string_uniq("isbn"))
        .col(string("title"))
        .col(string_len("format", 16))
        .col(decimal_len("price", 10, 2))
        .col(date("published_on"))
        .col(integer_null("page_count"))
        .col(boolean("in_print").default(true))
        .col(json_null("details"))
        .foreign_key(&mut reference(
            "book",
            "publisher_id",
            "publisher",
            ForeignKeyAction::SetNull,
        ))
        .to_owned()
}

fn book_author() -> TableCreateStatement {
    Table::create()
        .table("book_author")
        .col(integer("book_id"))
        .col(integer("author_id"))
        .col(integer("position"))
        .primary_key(Index::create().col("book_id").col("author_id"))
        .foreign_key(&mut reference(
            "book_author",
            "book_id",
            "book",
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut reference(
            "book_author",
            "author_id",
            "author",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}

fn category() -> TableCreateStatement {
    Table::create()
        .table("category")
        .col(pk_auto("id"))
        .col(integer_null("parent_id"))
        .col(string_uniq("slug"))
        .col(string("name"))
        .foreign_key(&mut reference(
            "category",
            "parent_id",
            "category",
            ForeignKeyAction::SetNull,
        ))
        .to_owned()
}

fn book_category() -> TableCreateStatement {
    Table::create()
        .table("book_category")
        .col(integer("book_id"))
        .col(integer("category_id"))
        .primary_key(Index::create().col("book_id").col("category_id"))
        .foreign_key(&mut reference(
            "book_category",
            "book_id",
            "book",
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut reference(
            "book_category",
            "category_id",
            "category",
            ForeignKeyAction::Cascade,
        ))
        .to_owned()
}
