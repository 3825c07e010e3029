//! What the two blogs on axum share: where their servers are, the larder, how they serve and end,
//! what goes over the wire, and a demonstration that asks them over HTTP.

mod api;
mod client;
mod demonstration;
mod schema;
mod summary;

use std::{env, sync::Arc, time::Duration};

use axum::{Router, middleware, routing::get};
use larder::{Larder, MetricsObserver, Settings, configured};
use larder_testkit::server::{PostgresServer, RedisServer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

pub use self::{
    api::{Answer, BoxError, Dashboard, Edit, Failure, NewPost, Page, Whose},
    schema::{SETUP, TEARDOWN},
};
use self::{client::Visitor, summary::summarized};

/// What a blog needs around its routes.
#[derive(Debug)]
pub struct Service {
    larder: Larder,
    recorder: PrometheusHandle,
    database: String,
    purpose: Purpose,
    /// Servers that end with the program, where the environment names none.
    _private: (Option<PostgresServer>, Option<RedisServer>),
}

impl Service {
    /// Finds or starts the servers, and makes the larder from `larder.toml` and the environment.
    ///
    /// # Errors
    ///
    /// A server cannot be started or reached, or a setting or an argument is wrong.
    pub async fn start() -> Result<Self, BoxError> {
        let purpose = Purpose::of_arguments()?;
        let (database, postgres) = match env::var("DATABASE_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let server = PostgresServer::start()?;
                (server.url(), Some(server))
            }
        };
        let (store, redis) = match env::var("LARDER_STORE").or_else(|_| env::var("REDIS_URL")) {
            Ok(url) => (url, None),
            Err(_) => {
                let server = RedisServer::start()?;
                (server.url(), Some(server))
            }
        };
        // An application says `Settings::load()?`, which reads the file beside it.
        let settings = Settings::from_toml(include_str!("larder.toml"), "larder.toml")?
            .with_environment([("LARDER_STORE", store)])?
            .with_environment(env::vars_os())?;
        // First the recorder, then the observer that tells it.
        let recorder = PrometheusBuilder::new()
            .set_buckets(&[0.000_1, 0.001, 0.01, 0.1, 1.0])?
            .install_recorder()?;
        let larder = configured(settings)
            .await?
            .observer(Arc::new(MetricsObserver::new()))
            .build()?;
        Ok(Self {
            larder,
            recorder,
            database: schema::within(&database),
            purpose,
            _private: (postgres, redis),
        })
    }

    /// The larder of the program.
    pub fn larder(&self) -> &Larder {
        &self.larder
    }

    /// The URL of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Serves the routes on `LISTEN` (default: a free port): with `--serve` until the program is
    /// told to end, without arguments for as long as the demonstration takes.
    ///
    /// # Errors
    ///
    /// The address is taken, an answer in the demonstration is not what it must be, or some
    /// invalidation has not reached Redis within 5 s of the end.
    pub async fn run(&self, routes: Router) -> Result<(), BoxError> {
        let address = env::var("LISTEN").unwrap_or("127.0.0.1:0".into());
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, self.around(routes))
            // Whoever drops the sender stops it too.
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
        let serving = tokio::spawn(serving.into_future());

        let outcome = match self.purpose {
            Purpose::Demonstration => demonstration::run(Visitor::new(address)).await,
            Purpose::Service => {
                println!("serving http://{address}/authors/1/posts until it is told to end");
                told_to_end().await
            }
        };

        // Requests under way are answered, then what they wrote is delivered.
        let _ = stop.send(());
        serving.await??;
        let delivered = self.larder.shutdown(Duration::from_secs(5)).await;
        outcome.and(delivered.map_err(BoxError::from))
    }

    /// The metrics beside the routes, and the summary of each request around them.
    fn around(&self, routes: Router) -> Router {
        let recorder = self.recorder.clone();
        let summarized = middleware::from_fn_with_state(self.larder.clone(), summarized);
        routes
            .layer(summarized)
            .route("/metrics", get(move || async move { recorder.render() }))
    }
}

/// What the program is started for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Demonstration,
    Service,
}

impl Purpose {
    fn of_arguments() -> Result<Self, BoxError> {
        let mut arguments = env::args().skip(1);
        match (arguments.next().as_deref(), arguments.next()) {
            (None, _) => Ok(Self::Demonstration),
            (Some("--serve"), None) => Ok(Self::Service),
            _ => Err("the only argument is `--serve`".into()),
        }
    }
}

/// Waits for Ctrl-C, or for the signal by which a container is stopped.
async fn told_to_end() -> Result<(), BoxError> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
