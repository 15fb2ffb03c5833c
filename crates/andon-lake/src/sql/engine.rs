//! Queries: admitted, planned, begun.

use std::sync::Arc;

use andon_journal::{SqlAnswer, SqlAsOf, SqlQuery};
use andon_model::{Code, Problem};
use deltalake::datafusion::execution::SessionStateBuilder;
use deltalake::datafusion::execution::context::{SQLOptions, SessionContext};
use deltalake::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use deltalake::datafusion::execution::memory_pool::FairSpillPool;
use deltalake::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::datafusion::prelude::{DataFrame, SessionConfig};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answer::{Answer, Work};
use super::catalog::{CATALOG, Catalog, SCHEMA};
use super::{SqlLimits, fault, statement};
use crate::table::{AsOf, SCHEME, Shared};

/// Answers queries on the lake's tables.
pub(crate) struct SqlEngine {
    shared: Arc<Shared>,
    runtime: Arc<RuntimeEnv>,
    places: Arc<Semaphore>,
}

impl SqlEngine {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self, Problem> {
        let limits = shared.settings.sql;
        let no_files = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .with_disk_manager_builder(no_files)
            .build_arc()
            .map_err(|e| fault::problem(&e))?;
        let root = Url::parse(&format!("{SCHEME}://")).map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        runtime.register_object_store(&root, Arc::clone(&shared.store));
        let places = Arc::new(Semaphore::new(limits.at_once.max(1)));
        Ok(Self { shared, runtime, places })
    }

    /// Begins to answer `query`.
    pub(crate) async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem> {
        let limits = self.shared.settings.sql;
        let deadline = Instant::now() + limits.time;
        let place = within(deadline, &limits, Arc::clone(&self.places).acquire_owned()).await?;
        let place = place.map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        let frame = within(deadline, &limits, self.plan(&query)).await??;
        let rows = query.rows.map_or(limits.rows, |rows| rows.min(limits.rows));
        let stream = within(deadline, &limits, frame.execute_stream()).await?.map_err(|e| fault::problem(&e))?;
        let work = Work { stream, deadline, limits, rows, _place: place };
        Ok(Box::new(Answer::new(work, query.format)?))
    }

    async fn plan(&self, query: &SqlQuery) -> Result<DataFrame, Problem> {
        let limit = self.shared.settings.sql.text_bytes;
        if query.text.len() > limit {
            let bytes = query.text.len();
            return Err(Problem::new(
                Code::QueryLimit,
                format!("its text has {bytes} bytes, at most {limit} are read"),
            ));
        }
        let context = self.context(query.as_of);
        let state = context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = state.sql_to_statement(&query.text, &dialect).map_err(|e| fault::problem(&e))?;
        statement::check(&statement)?;
        let plan = state.statement_to_plan(statement).await.map_err(|e| fault::problem(&e))?;
        let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads.verify_plan(&plan).map_err(|e| fault::problem(&e))?;
        context.execute_logical_plan(plan).await.map_err(|e| fault::problem(&e))
    }

    /// A session of its own for each query: nothing that one sets is seen by another.
    fn context(&self, as_of: Option<SqlAsOf>) -> SessionContext {
        let mut config = SessionConfig::new()
            .with_target_partitions(self.shared.settings.sql.threads.max(1))
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        config.options_mut().sql_parser.collect_spans = true;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        let as_of = as_of.map(|as_of| match as_of {
            SqlAsOf::Version(version) => AsOf::Version(version),
            SqlAsOf::Time(time) => AsOf::Time(time),
        });
        context.register_catalog(CATALOG, Arc::new(Catalog { shared: Arc::clone(&self.shared), as_of }));
        context
    }
}

/// What `work` gives, if it does until `deadline`.
pub(crate) async fn within<T>(
    deadline: Instant,
    limits: &SqlLimits,
    work: impl Future<Output = T>,
) -> Result<T, Problem> {
    let late = || {
        let seconds = limits.time.as_secs_f64();
        let detail = format!("it takes longer than {seconds} s: ask for fewer hours, or aggregate");
        Problem::new(Code::QueryLimit, detail)
    };
    if Instant::now() >= deadline {
        return Err(late());
    }
    timeout_at(deadline, work).await.map_err(|_| late())
}
