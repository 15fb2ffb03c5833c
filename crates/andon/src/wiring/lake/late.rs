//! The lake as the API sees it, from before it is open.

use std::sync::Arc;

use andon_journal::{
    DeviceRows, Lake, LakeStatus, LakeUpkeep, PropertyValue, SqlAnswer, SqlQuery, ValueGap, ValueMark, ValueTable,
};
use andon_lake::DeltaLake;
use andon_model::{Code, IngestId, Problem};
use async_trait::async_trait;
use tokio::sync::watch;

/// How far the lake is.
#[derive(Clone)]
enum Now {
    Opening,
    Refused(Problem),
    Open(Arc<DeltaLake>),
}

/// A lake that opens later.
pub(in crate::wiring) struct LateLake(watch::Sender<Now>);

impl Default for LateLake {
    fn default() -> Self {
        Self(watch::Sender::new(Now::Opening))
    }
}

impl LateLake {
    /// It is open; called once.
    pub(super) fn set(&self, lake: DeltaLake) -> Arc<DeltaLake> {
        let lake = Arc::new(lake);
        self.0.send_replace(Now::Open(Arc::clone(&lake)));
        lake
    }

    /// It cannot be opened at present.
    pub(super) fn refuse(&self, problem: Problem) {
        self.0.send_replace(Now::Refused(problem));
    }

    /// Comes back when it is open, or the first attempt has failed.
    pub(super) async fn settled(&self) {
        let mut now = self.0.subscribe();
        // The sender is this lake itself.
        let _ = now.wait_for(|now| !matches!(now, Now::Opening)).await;
    }

    fn open(&self) -> Result<Arc<DeltaLake>, Problem> {
        match &*self.0.borrow() {
            Now::Open(lake) => Ok(Arc::clone(lake)),
            Now::Refused(problem) => Err(problem.clone()),
            Now::Opening => Err(Problem::new(Code::Lake, "the lake is being opened: ask again in a few seconds")),
        }
    }
}

#[async_trait]
impl Lake for LateLake {
    fn status(&self) -> LakeStatus {
        let nothing = LakeStatus {
            next: IngestId::FIRST,
            readings: 0,
            quarantined: 0,
            missing: 0,
            generation: 0,
            tables: Vec::new(),
        };
        self.open().map_or(nothing, |lake| lake.status())
    }

    async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem> {
        self.open()?.query(query).await
    }

    async fn device_rows(&self, after: &str, limit: usize, before: IngestId) -> Result<Vec<DeviceRows>, Problem> {
        self.open()?.device_rows(after, limit, before).await
    }

    async fn compact(&self) -> Result<LakeUpkeep, Problem> {
        self.open()?.compact().await
    }

    async fn vacuum(&self) -> Result<LakeUpkeep, Problem> {
        self.open()?.vacuum().await
    }

    async fn rebuild(&self) -> Result<(), Problem> {
        self.open()?.rebuild().await
    }
}

/// Before the lake is open nobody knows which values it has.
#[async_trait]
impl ValueTable for LateLake {
    async fn committed(&self) -> Result<ValueMark, Problem> {
        self.open()?.committed().await
    }

    async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.open()?.append(values, up_to).await
    }

    async fn gap(&self) -> Result<Option<ValueGap>, Problem> {
        self.open()?.gap().await
    }

    async fn fill(&self, round: i64, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.open()?.fill(round, values, up_to).await
    }
}
