//! Queries: admitted, planned, begun.

use std::sync::Arc;

use andon_journal::{SqlAnswer, SqlAsOf, SqlQuery};
use andon_model::{Code, Problem};
use deltalake::datafusion::execution::SessionStateBuilder;
use deltalake::datafusion::execution::context::{SQLOptions, SessionContext};
use deltalake::datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use deltalake::datafusion::execution::memory_pool::FairSpillPool;
use deltalake::datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use deltalake::datafusion::physical_plan::execute_stream;
use deltalake::datafusion::prelude::{DataFrame, SessionConfig};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::answer::{Answer, Pieces, Work, broke_off};
use super::apart::apart;
use super::catalog::{CATALOG, Catalog, SCHEMA};
use super::functions::{self, Operators};
use super::places::{Place, Places};
use super::room::ROWS;
use super::texts::Longest;
use super::{SqlLimits, fault, patterns, room, statement, swell};
use crate::Threads;
use crate::table::{AsOf, SCHEME, Shared};

/// Name of the threads that queries run on.
const THREADS: &str = "andon-sql";

/// Stack of each of them, in bytes: planning and expressions recurse, as deep as [`statement::read`] lets them. It is
/// reserved, and used as it is needed.
const STACK_BYTES: usize = 64 << 20;

/// Pieces of an answer that wait to be read.
const PIECES: usize = 2;

/// Answers queries on the lake's tables.
pub(crate) struct SqlEngine {
    planner: Arc<Planner>,
    places: Places,
    threads: Threads,
}

/// What a query needs on its way.
struct Planner {
    shared: Arc<Shared>,
    runtime: Arc<RuntimeEnv>,
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
        let places = Places::new(limits.at_once);
        let threads = Threads::start_deep(THREADS, limits.threads, STACK_BYTES)?;
        Ok(Self { planner: Arc::new(Planner { shared, runtime }), places, threads })
    }

    /// Begins to answer `query`.
    pub(crate) async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem> {
        let limits = self.planner.shared.settings.sql;
        let deadline = Instant::now() + limits.time;
        let place = within(deadline, &limits, self.places.take(&query.caller)).await??;
        let (begun, begins) = oneshot::channel();
        let (send, pieces) = mpsc::channel(PIECES);
        let planner = Arc::clone(&self.planner);
        let answering = async move {
            match planner.begin(&query, deadline, place).await {
                Ok(answer) => {
                    if begun.send(Ok(answer.columns())).is_ok() {
                        answer.run(send).await;
                    }
                }
                // Nobody waits for it any more, when it cannot be told.
                Err(problem) => drop(begun.send(Err(problem))),
            }
        };
        let mut work = JoinSet::new();
        work.spawn_on(answering, self.threads.handle());
        let columns = within(deadline, &limits, begins).await?.map_err(|_| broke_off())??;
        Ok(Box::new(Pieces { columns, from: pieces, deadline, limits, _work: work }))
    }
}

impl Planner {
    async fn begin(&self, query: &SqlQuery, deadline: Instant, place: Place) -> Result<Answer, Problem> {
        let limits = self.shared.settings.sql;
        let longest = room::longest(&limits);
        let frame = self.plan(query, &longest).await?;
        let rows = query.rows.map_or(limits.rows, |rows| rows.min(limits.rows));
        let as_asked = query.rows == Some(rows);
        let plan = frame.create_physical_plan().await.map_err(|e| fault::problem(&e))?;
        room::divide(&plan, &limits, &longest)?;
        let stream = execute_stream(plan, Arc::new(frame.task_ctx())).map_err(|e| fault::problem(&e))?;
        Answer::new(Work { stream, deadline, limits, rows, as_asked, _place: place }, query.format)
    }

    async fn plan(&self, query: &SqlQuery, longest: &Longest) -> Result<DataFrame, Problem> {
        self.shared.settings.sql.reads(&query.text)?;
        let statement = statement::read(&query.text)?;
        let context = self.context(query.as_of, longest, statement::names_functions(&statement));
        let state = context.state();
        let plan = state.statement_to_plan(statement).await.map_err(|e| fault::problem(&e))?;
        let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        reads.verify_plan(&plan).map_err(|e| fault::problem(&e))?;
        swell::check(&plan)?;
        patterns::check(&plan)?;
        let plan = apart(plan).map_err(|e| fault::problem(&e))?;
        context.execute_logical_plan(plan).await.map_err(|e| fault::problem(&e))
    }

    /// A session of its own for each query: nothing that one sets is seen by another.
    fn context(&self, as_of: Option<SqlAsOf>, longest: &Longest, names_functions: bool) -> SessionContext {
        let mut config = SessionConfig::new()
            .with_batch_size(ROWS)
            .with_target_partitions(self.shared.settings.sql.threads.max(1))
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true);
        config.options_mut().sql_parser.collect_spans = true;
        // It reserves room for as many rows as LIMIT says.
        config.options_mut().optimizer.enable_topk_aggregation = false;
        let mut builder = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_expr_planners(vec![Arc::new(Operators::new(longest))])
            .with_default_features();
        *builder.scalar_functions() = Some(functions::functions(longest));
        *builder.higher_order_functions() = None;
        if !names_functions {
            *builder.aggregate_functions() = Some(functions::aggregates());
        }
        let context = SessionContext::new_with_state(builder.build());
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
