//! The values of assets: a table that whoever computes them appends to.
//!
//! **Constraints.** The columns never change. Values are in the table once: each commit carries how far it goes, as two
//! application transactions, the place in the log and the time. Values that came before the table was begun anew are
//! filled in beside the appends, with marks of their own; which the table lacks, its own log says.
//!
//! **Life of a value.** [`rows`] sorts those of a commit by asset, property and time and cuts them by the day that they
//! were measured, so that the history of one property is in few places; late ones go to their own day. Compaction and
//! vacuum are those of the other tables. A rebuild of the lake takes all rows away and opens a gap that ends where the
//! appends were.

mod marks;
mod rows;

use andon_journal::{PropertyValue, ValueGap, ValueMark, ValueTable};
use andon_model::Problem;
use async_trait::async_trait;

use super::LakeError;
use super::delta::{LakeTable, Mark};
use super::lake::{DeltaLake, Shared};
use super::schema::value_columns;
use super::settings::VALUES;
pub(crate) use marks::APPS;
use marks::{DONE, LIVE, ROUND, UNTIL};

impl Shared {
    /// Opens the table, and makes it if it is not there.
    pub(crate) async fn open_values(&self) -> Result<(), LakeError> {
        self.tables.open_values(&APPS).await?;
        self.tables.expect(VALUES)?.make(&value_columns(), self.settings.keep).await
    }

    /// Takes all values away; those up to here are to be filled in again.
    pub(crate) async fn clear_values(&self) -> Result<(), LakeError> {
        let _valuing = self.valuing.lock().await;
        let table = self.tables.expect(VALUES)?;
        table.settle(&APPS).await?;
        let until = LIVE.read(&table);
        if until == ValueMark::default() {
            return Ok(());
        }
        let round = [Mark { app: ROUND, behind: table.behind(ROUND) + 1 }];
        let marks = [&round[..], &DONE.at(ValueMark::default()), &UNTIL.at(until)].concat();
        table.clear(&marks, &value_columns()).await
    }

    /// How the table is; where that is in doubt, its log is read.
    async fn values<T>(&self, read: impl FnOnce(&LakeTable) -> T + Send) -> Result<T, LakeError> {
        let _valuing = self.valuing.lock().await;
        let table = self.tables.expect(VALUES)?;
        table.settle(&APPS).await?;
        Ok(read(&table))
    }

    async fn add_values(&self, values: Vec<PropertyValue>, to: Place, up_to: ValueMark) -> Result<(), LakeError> {
        let _valuing = self.valuing.lock().await;
        let table = self.tables.expect(VALUES)?;
        table.settle(&APPS).await?;
        let (marks, name) = match to {
            Place::Live if LIVE.read(&table) < up_to => (LIVE.at(up_to), "values".to_owned()),
            Place::Gap { round } if gap(&table).is_some_and(|gap| gap.round == round && gap.done < up_to) => {
                (DONE.at(up_to), format!("refill-{round}"))
            }
            _ => return Ok(()),
        };
        let name = format!("{name}-{}-{}", up_to.next, up_to.at.as_micros());
        let files = tokio::task::spawn_blocking(move || rows::files(&name, values)).await??;
        table.append(&marks, &value_columns(), files).await?;
        Ok(())
    }
}

/// Where values go.
enum Place {
    /// Behind those that are there.
    Live,
    /// Into the gap.
    Gap { round: i64 },
}

fn gap(table: &LakeTable) -> Option<ValueGap> {
    let gap = ValueGap { round: table.behind(ROUND), done: DONE.read(table), until: UNTIL.read(table) };
    (gap.done < gap.until).then_some(gap)
}

#[async_trait]
impl ValueTable for DeltaLake {
    async fn committed(&self) -> Result<ValueMark, Problem> {
        Ok(self.shared.values(|table| LIVE.read(table)).await?)
    }

    async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        Ok(self.shared.add_values(values, Place::Live, up_to).await?)
    }

    async fn gap(&self) -> Result<Option<ValueGap>, Problem> {
        Ok(self.shared.values(gap).await?)
    }

    async fn fill(&self, round: i64, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        Ok(self.shared.add_values(values, Place::Gap { round }, up_to).await?)
    }
}
