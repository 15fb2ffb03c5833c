//! What a plant lane keeps, in memory, failing when it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use andon_journal::{PlantMemory, PropertyValue, ValueGap, ValueMark, ValueTable};
use andon_model::{Code, Problem};
use async_trait::async_trait;
use bytes::Bytes;

fn injected() -> Problem {
    Problem::new(Code::PlantMemory, "injected")
}

/// One fails, as often as it is told to.
fn fails(failures: &AtomicUsize) -> bool {
    failures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
}

/// A snapshot. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MemorySnapshot {
    saved: Arc<Mutex<Option<Bytes>>>,
    failures: Arc<AtomicUsize>,
}

impl MemorySnapshot {
    /// The next saves fail; nothing of them is kept.
    pub fn fail(&self, saves: usize) {
        self.failures.store(saves, Ordering::Release);
    }

    /// What was saved last.
    pub fn saved(&self) -> Option<Bytes> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl PlantMemory for MemorySnapshot {
    async fn load(&self) -> Result<Option<Bytes>, Problem> {
        Ok(self.saved())
    }

    async fn save(&self, snapshot: Bytes) -> Result<(), Problem> {
        if fails(&self.failures) {
            return Err(injected());
        }
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        Ok(())
    }
}

/// A table of values. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct MemoryValues {
    table: Arc<Mutex<Table>>,
    failures: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Table {
    committed: ValueMark,
    gap: Option<ValueGap>,
    values: Vec<PropertyValue>,
}

impl MemoryValues {
    /// The next appends fail, every second of them after it has taken effect.
    pub fn fail(&self, appends: usize) {
        self.failures.store(appends, Ordering::Release);
    }

    /// All that is in it.
    pub fn values(&self) -> Vec<PropertyValue> {
        self.table().values.clone()
    }

    /// Takes all values away, to be made again.
    pub fn begin_anew(&self) {
        let mut table = self.table();
        let round = table.gap.map_or(1, |gap| gap.round + 1);
        table.gap = Some(ValueGap { round, done: ValueMark::default(), until: table.committed });
        table.values.clear();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the table, or fails, or both.
    fn change(&self, change: impl FnOnce(&mut Table)) -> Result<(), Problem> {
        let takes_effect = self.failures.load(Ordering::Acquire).is_multiple_of(2);
        let fails = fails(&self.failures);
        if !fails || takes_effect {
            change(&mut self.table());
        }
        if fails { Err(injected()) } else { Ok(()) }
    }
}

#[async_trait]
impl ValueTable for MemoryValues {
    async fn committed(&self) -> Result<ValueMark, Problem> {
        Ok(self.table().committed)
    }

    async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.change(|table| {
            if up_to > table.committed {
                table.committed = up_to;
                table.values.extend(values);
            }
        })
    }

    async fn gap(&self) -> Result<Option<ValueGap>, Problem> {
        Ok(self.table().gap.filter(|gap| gap.done < gap.until))
    }

    async fn fill(&self, round: i64, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.change(|table| {
            if let Some(gap) = table.gap.as_mut().filter(|gap| gap.round == round && gap.done < up_to) {
                gap.done = up_to;
                table.values.extend(values);
            }
        })
    }
}
