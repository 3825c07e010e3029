//! A freshly opened shop for each test.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use larder_bookshop::{Shop, entity::book};
use larder_testkit::server;
use sea_orm::prelude::{Date, DateTime, DateTimeUtc, Decimal};

/// A shop and what must stay as long as it is open.
pub struct Place {
    pub shop: Shop,
    _folder: Option<Folder>,
}

pub async fn sqlite() -> Place {
    let folder = Folder::new();
    let url = format!("sqlite://{}/shop.db?mode=rwc", folder.0.display());
    Place {
        shop: Shop::open(&url).await.unwrap(),
        _folder: Some(folder),
    }
}

pub async fn postgres() -> Place {
    on_server(
        server::shared_postgres()
            .unwrap()
            .create_database()
            .unwrap(),
    )
    .await
}

pub async fn mariadb() -> Place {
    on_server(server::shared_mariadb().unwrap().create_database().unwrap()).await
}

async fn on_server(url: String) -> Place {
    Place {
        shop: Shop::open(&url).await.unwrap(),
        _folder: None,
    }
}

/// Makes each scenario a test on each database.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        scenarios!(on sqlite: $($name),+);
        scenarios!(on postgres: $($name),+);
        scenarios!(on mariadb: $($name),+);
    };
    (on $database:ident: $($name:ident),+) => {
        mod $database {
            $(
                #[tokio::test]
                async fn $name() {
                    let place = crate::place::$database().await;
                    super::$name(&place.shop).await;
                }
            )+
        }
    };
}

pub fn money(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

pub fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn date_time(text: &str) -> DateTime {
    text.parse().unwrap()
}

pub fn instant(text: &str) -> DateTimeUtc {
    date_time(text).and_utc()
}

pub fn titles(books: &[book::Model]) -> Vec<&str> {
    books.iter().map(|book| book.title.as_str()).collect()
}

/// A temporary folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bookshop-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
