//! The lake's tables as DataFusion looks them up: each at the version that is the newest in memory, or an older one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deltalake::datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use deltalake::datafusion::error::{DataFusionError, Result};
use deltalake::delta_datafusion::DeltaScanNext;

use crate::table::{AsOf, Shared};

/// Name of the only catalog.
pub(crate) const CATALOG: &str = "lake";

/// Name of its only schema.
pub(crate) const SCHEMA: &str = "public";

/// The tables of one query.
#[derive(Clone)]
pub(crate) struct Catalog {
    pub(crate) shared: Arc<Shared>,
    pub(crate) as_of: Option<AsOf>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        (name == SCHEMA).then(|| Arc::new(self.clone()) as _)
    }
}

#[async_trait]
impl SchemaProvider for Catalog {
    fn table_names(&self) -> Vec<String> {
        let there = self.shared.tables.all().into_iter().filter(|table| table.state().is_some());
        there.map(|table| table.name().to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.shared.tables.get(name) else { return Ok(None) };
        let state = match self.as_of {
            None => table.state(),
            Some(as_of) => table.version(as_of).await.map_err(|e| DataFusionError::External(e.into()))?,
        };
        let Some(state) = state else { return Ok(None) };
        let snapshot = state.snapshot().clone();
        let provider = DeltaScanNext::builder().with_log_store(table.log_store()).with_eager_snapshot(snapshot);
        Ok(Some(provider.await?))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.shared.tables.get(name).is_some_and(|table| table.state().is_some())
    }
}
