//! The lake as people see it.

use andon_journal::{DeviceRows, Lake, LakeStatus, LakeTableStatus, LakeUpkeep, SqlAnswer, SqlFormat, SqlQuery};
use andon_model::{Code, IngestId, Problem};
use async_trait::async_trait;
use serde::Deserialize;

use super::delta::LakeTable;
use super::lake::DeltaLake;
use super::schema::ingest_id;
use super::settings::QUARANTINE;

/// As much of an answer as [`Lake::device_rows`] asks for.
#[derive(Deserialize)]
struct Answered {
    rows: Vec<DeviceRows>,
}

#[async_trait]
impl Lake for DeltaLake {
    fn status(&self) -> LakeStatus {
        let counted = self.shared.counted();
        let (state, tables) = (counted.state, self.shared.tables.all());
        LakeStatus {
            next: state.position.next,
            readings: counted.readings,
            quarantined: counted.quarantined,
            missing: state.missing,
            generation: state.generation,
            tables: tables.iter().filter_map(|table| status_of(table)).collect(),
        }
    }

    async fn query(&self, query: SqlQuery) -> Result<Box<dyn SqlAnswer>, Problem> {
        self.sql.query(query).await
    }

    async fn device_rows(&self, after: &str, limit: usize, before: IngestId) -> Result<Vec<DeviceRows>, Problem> {
        let (root, after, before) = (&self.shared.settings.root, after.replace('\'', "''"), ingest_id(before));
        let text = format!(
            "SELECT device, sum(r) AS readings, sum(q) AS quarantined FROM (\
             SELECT device, 1 AS r, 0 AS q FROM {root} WHERE ingest_id < {before} AND device > '{after}' \
             UNION ALL \
             SELECT device, 0 AS r, 1 AS q FROM {QUARANTINE} WHERE ingest_id < {before} AND device > '{after}') \
             GROUP BY device ORDER BY device LIMIT {limit}"
        );
        let query = SqlQuery { text, format: SqlFormat::Json, ..SqlQuery::default() };
        let mut answer = self.sql.query(query).await?;
        let mut bytes = Vec::new();
        while let Some(more) = answer.next().await? {
            bytes.extend_from_slice(&more);
        }
        let answered: Answered =
            serde_json::from_slice(&bytes).map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        Ok(answered.rows)
    }

    async fn compact(&self) -> Result<LakeUpkeep, Problem> {
        Self::compact(self).await
    }

    async fn vacuum(&self) -> Result<LakeUpkeep, Problem> {
        Self::vacuum(self).await
    }

    async fn rebuild(&self) -> Result<(), Problem> {
        Self::rebuild(self).await
    }
}

fn status_of(table: &LakeTable) -> Option<LakeTableStatus> {
    let state = table.state()?;
    let mut status = LakeTableStatus {
        name: table.name().to_owned(),
        version: state.version(),
        columns: state.schema().fields().count(),
        files: 0,
        bytes: 0,
        rows: 0,
    };
    for file in state.log_data().iter() {
        status.files += 1;
        status.bytes += u64::try_from(file.size()).unwrap_or_default();
        status.rows += file.num_records().unwrap_or_default() as u64;
    }
    Some(status)
}
