//! What can go wrong in the shop.

use std::fmt;

use sea_orm::{DbErr, TransactionError};

pub type Result<T, E = ShopError> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum ShopError {
    /// The database had a problem.
    Database(DbErr),
    /// There is no such book, customer, order or event.
    NotFound(&'static str),
    /// Fewer copies than ordered are left of this book.
    OutOfStock { book_id: i32 },
    /// The code is unknown, used up or out of season.
    PromotionRefused(String),
    /// All seats are taken.
    SoldOut,
    /// The request contradicts what is stored.
    Refused(&'static str),
}

impl fmt::Display for ShopError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => write!(formatter, "database: {error}"),
            Self::NotFound(what) => write!(formatter, "no such {what}"),
            Self::OutOfStock { book_id } => write!(formatter, "book {book_id} is out of stock"),
            Self::PromotionRefused(code) => write!(formatter, "promotion {code} is not valid"),
            Self::SoldOut => write!(formatter, "sold out"),
            Self::Refused(why) => write!(formatter, "refused: {why}"),
        }
    }
}

impl std::error::Error for ShopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DbErr> for ShopError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<TransactionError<ShopError>> for ShopError {
    fn from(error: TransactionError<ShopError>) -> Self {
        match error {
            TransactionError::Connection(error) => Self::Database(error),
            TransactionError::Transaction(error) => error,
        }
    }
}
