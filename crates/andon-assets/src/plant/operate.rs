//! What people ask of alarms.

use super::alarms::Told;
use super::{Applied, Plant};
use crate::alarm::{Input, MAX_NOTE_CHARS, Operation, OperationKind};
use crate::definition::AlarmState;
use crate::error::OperationError;

impl Plant {
    /// Does what a person asks of an alarm, after time has passed up to then. What that changed is told even when the
    /// operation itself is refused.
    pub fn operate(&mut self, operation: &Operation) -> (Applied, Result<(), OperationError>) {
        let mut applied = Applied::default();
        let (asset, alarm) = match self.find_alarm(operation) {
            Ok(found) => found,
            Err(error) => return (applied, Err(error)),
        };
        let mut turn = self.turn(&mut applied);
        turn.advance(operation.at);
        let at = turn.at;
        let input = input(operation.kind);
        let from = turn.record(asset, alarm).state;
        let done = turn.step(asset, alarm, input, Told::by_person(operation, at));
        if let (true, OperationKind::Snooze { until }) = (done, operation.kind) {
            turn.record(asset, alarm).snoozed_until = Some(until);
        }
        if done && (operation.kind == OperationKind::Reset || from == AlarmState::Disabled) {
            turn.listen_anew(asset, alarm);
        }
        if done && matches!(operation.kind, OperationKind::Reset | OperationKind::Enable) {
            turn.judge_latest(asset, alarm);
        }
        turn.arm_alarm(asset, alarm);
        let refused = OperationError::NotNow { state: from.word(), operation: operation.kind.word() };
        (applied, if done { Ok(()) } else { Err(refused) })
    }

    fn find_alarm(&self, operation: &Operation) -> Result<(usize, usize), OperationError> {
        if operation.note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
            return Err(OperationError::Value(format!("a note has at most {MAX_NOTE_CHARS} characters")));
        }
        if let OperationKind::Snooze { until } = operation.kind
            && until <= operation.at.max(self.state.now)
        {
            return Err(OperationError::Value("the time until which an alarm is put aside is over already".into()));
        }
        let asset = self.state.index.get(operation.asset.as_str()).copied();
        let asset = asset.ok_or_else(|| OperationError::NoAsset(operation.asset.clone()))?;
        let alarm = self.models.all[self.state.assets[asset].model].alarm(&operation.alarm);
        let missing = || OperationError::NoAlarm { asset: operation.asset.clone(), alarm: operation.alarm.clone() };
        Ok((asset, alarm.ok_or_else(missing)?))
    }
}

const fn input(kind: OperationKind) -> Input {
    match kind {
        OperationKind::Acknowledge => Input::Acknowledge,
        OperationKind::Snooze { .. } => Input::Snooze,
        OperationKind::Reset => Input::Reset,
        OperationKind::Enable => Input::Enable,
        OperationKind::Disable => Input::Disable,
    }
}
