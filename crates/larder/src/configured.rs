//! From settings to a builder that has its store.

#[cfg(feature = "redis")]
use larder_redis::{RedisConfig, RedisStore};
use larder_signals::{Larder, LarderBuilder, Settings};

use crate::Error;

/// A builder with the settings, and with the store that they name: `memory`, or Redis by its URL
/// and `[redis]`. What the program says on the builder counts where the settings say nothing; it
/// gives the store where they name none.
///
/// ```no_run
/// # async fn run() -> Result<(), larder::Error> {
/// use larder::{Settings, configured};
///
/// let larder = configured(Settings::load()?).await?.namespace("blog").build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Config`: the store is of a kind that no feature of this build makes, a setting of `[redis]` is
/// wrong (with its name), or Redis refuses the connection, as
/// [`RedisStore::connect`](https://docs.rs/larder-redis) says.
pub async fn configured(settings: Settings) -> Result<LarderBuilder, Error> {
    #[cfg(feature = "redis")]
    if let Some(config) = redis_config(&settings)? {
        let store = RedisStore::connect(config).await?;
        let settings = settings.with_store_made();
        return Ok(Larder::builder().store(store).settings(settings));
    }
    Ok(Larder::builder().settings(settings))
}

/// [`configured`] for threads.
///
/// # Errors
/// As there.
pub fn configured_blocking(settings: Settings) -> Result<LarderBuilder, Error> {
    #[cfg(feature = "redis")]
    if let Some(config) = redis_config(&settings)? {
        let store = RedisStore::connect_blocking(config)?;
        let settings = settings.with_store_made();
        return Ok(Larder::builder().store(store).settings(settings));
    }
    Ok(Larder::builder().settings(settings))
}

/// What the settings say of Redis, if that is their store: the URL, and `[redis]` over it. Nothing
/// is connected.
///
/// # Errors
/// `Config`: the URL or a setting of `[redis]` is wrong, with its name. The text contains no values.
#[cfg(feature = "redis")]
pub fn redis_config(settings: &Settings) -> Result<Option<RedisConfig>, Error> {
    let Some(url) = settings.store().filter(|store| store.contains("://")) else {
        return Ok(None);
    };
    let mut config =
        RedisConfig::from_url(url).map_err(|error| Error::config(format!("`store`: {error}")))?;
    for (name, value, origin) in settings.redis() {
        config
            .set(name, &value)
            .map_err(|error| Error::config(format!("{origin}: [redis] {error}")))?;
    }
    config
        .validate()
        .map_err(|error| Error::config(format!("[redis] {error}")))?;
    Ok(Some(config))
}
