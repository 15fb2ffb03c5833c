//! Deciding events: tables asked, evidence kept, runs planned, all in the turn's transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use andon_act::plan;
use andon_journal::{Decided, JournalError, StoredEvent};
use andon_model::{Event, Offset, Problem};

use super::Lane;
use crate::HandleError;
use crate::catalog::{Catalog, Verdict};
use crate::slots::Loaded;
use crate::telemetry;
use crate::turn::Turn;

impl Lane {
    /// Decides the next events, if there is room for their runs.
    pub(super) async fn decide_events(&mut self, turn: &mut Turn) {
        self.more_events |= self.shared.appended_up_to.load(Ordering::Acquire) > self.decided_up_to.0;
        if !self.more_events || !self.may_decide() {
            return;
        }
        let batch = self.shared.settings.decide_batch;
        match self.shared.journal.events_after(self.decided_up_to, batch).await {
            Ok(events) => {
                self.shared.lane_status.lock().read_problem = None;
                self.more_events = events.len() == batch;
                self.decide_all(turn, events);
            }
            Err(JournalError::Corrupt { .. }) => self.decide_around_a_bad_row(turn).await,
            Err(error) => self.note_failed_read(&error),
        }
    }

    fn decide_all(&mut self, turn: &mut Turn, events: Vec<StoredEvent>) {
        let catalog = self.shared.catalog();
        for stored in events {
            self.decided_up_to = stored.offset;
            turn.decided_up_to = Some(stored.offset);
            self.decide_one(turn, &catalog, stored);
        }
    }

    /// One event at a time: the one that cannot be read back is noted as failed and passed over.
    async fn decide_around_a_bad_row(&mut self, turn: &mut Turn) {
        let next = Offset(self.decided_up_to.0 + 1);
        match self.shared.journal.events_after(self.decided_up_to, 1).await {
            Ok(events) => self.decide_all(turn, events),
            Err(error @ JournalError::Corrupt { .. }) => {
                let problem = Problem::from(&error);
                telemetry::decision_failed(next.0, &problem);
                let at = self.shared.clock.now();
                turn.decided.push(Decided { event: next, at, decisions: Vec::new(), failure: Some(problem) });
                self.decided_up_to = next;
                turn.decided_up_to = Some(next);
            }
            Err(error) => self.note_failed_read(&error),
        }
    }

    /// Decides an event again; only while it has no run.
    pub(super) async fn decide_again(&mut self, turn: &mut Turn, event: Offset) -> Result<(), HandleError> {
        self.learn_all().await?;
        let not_found = || HandleError::NotFound(format!("event {event}"));
        let detail = self.shared.views.event_detail(event).await?.ok_or_else(not_found)?;
        if event > self.decided_up_to {
            return Err(HandleError::Conflict("the event waits to be decided for the first time".into()));
        }
        if !detail.runs.is_empty() {
            return Err(HandleError::Conflict("the event has runs; retry those instead".into()));
        }
        let stored = self.shared.journal.event(event).await?.ok_or_else(not_found)?;
        let catalog = self.shared.catalog();
        self.decide_one(turn, &catalog, stored);
        Ok(())
    }

    fn decide_one(&mut self, turn: &mut Turn, catalog: &Catalog, stored: StoredEvent) {
        let now = self.shared.clock.now();
        let StoredEvent { offset, event, .. } = stored;
        let verdict = catalog.decide(&event, now);
        if let Some(problem) = &verdict.failure {
            telemetry::decision_failed(offset.0, problem);
        } else {
            self.plan_runs(turn, catalog, offset, event, &verdict);
        }
        turn.decided.push(Decided { event: offset, at: now, decisions: verdict.decisions, failure: verdict.failure });
    }

    fn plan_runs(&mut self, turn: &mut Turn, catalog: &Catalog, offset: Offset, event: Event, verdict: &Verdict) {
        let now = self.shared.clock.now();
        let event = Arc::new(event);
        let subject = event.subject.clone().unwrap_or_default();
        for (wish, action) in verdict.runs(catalog) {
            let context = action.context(&event, offset);
            let transition = plan(context, catalog.revision, wish.output.clone(), wish.lookups.clone(), now);
            let loaded =
                Loaded { state: transition.state.clone(), action: action.clone(), event: event.clone(), offset };
            self.add_run(turn, offset, &subject, loaded, transition);
        }
    }
}
