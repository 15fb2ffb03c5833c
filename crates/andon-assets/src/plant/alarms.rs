//! Alarms of the plant: judged by values, woken by time, asked by people.

use std::sync::Arc;

use andon_model::Timestamp;

use super::state::Timer;
use super::turn::Turn;
use crate::alarm::{
    About, AlarmRecord, Cause, Condition, Evaluation, Input, Limit, Moved, Operation, Transition, Verdict, compare,
    event,
};
use crate::definition::{AlarmState, Operator};
use crate::model::Alarm;
use crate::value::{Point, Quality};

/// Alarms are looked at after all metrics.
const AFTER_METRICS: u32 = u32::MAX;

impl<'a> Turn<'a> {
    /// A property has had a value, reported or computed: what watches for its silence is content.
    pub(super) fn heard(&mut self, asset: usize, property: usize) {
        let now = self.at;
        for at in &self.property(asset, property).alarms {
            let alarm = self.alarm(asset, *at);
            let record = self.record(asset, *at);
            let silent_for = now.since(record.heard.unwrap_or(now));
            record.heard = Some(now);
            if let Condition::Silence { after } = alarm.condition
                && record.state != AlarmState::Disabled
            {
                record.evaluation = Some(silence(silent_for.as_secs_f64(), after));
                self.verdict(asset, *at, Verdict::Over, now);
            }
        }
    }

    /// An alarm judges a good value, the latest.
    pub(super) fn judge(&mut self, asset: usize, at: usize, point: &Point) {
        let alarm = self.alarm(asset, at);
        let Some(value) = point.value.number() else { return };
        if self.record(asset, at).state == AlarmState::Disabled {
            return;
        }
        let (evaluation, hysteresis) = match &alarm.condition {
            Condition::Threshold { operator, limit, hysteresis } => {
                let Some(threshold) = self.limit(asset, *limit) else { return };
                (Evaluation { value, operator: *operator, threshold }, *hysteresis)
            }
            Condition::Rate { change, within, direction, hysteresis } => {
                let value = self.record(asset, at).samples.change(point.ts, value, *within, *direction);
                (Evaluation { value, operator: Operator::Greater, threshold: *change }, *hysteresis)
            }
            Condition::Silence { .. } => return,
        };
        let verdict = compare(evaluation.operator, evaluation.value, evaluation.threshold, hysteresis);
        self.record(asset, at).evaluation = Some(evaluation);
        self.verdict(asset, at, verdict, point.ts);
    }

    /// A threshold judges the latest value as if it had come now: a device that reports changes alone may be silent for
    /// long. A rate waits for the next value, since only that is another change.
    pub(super) fn judge_latest(&mut self, asset: usize, at: usize) {
        let alarm = self.alarm(asset, at);
        if !matches!(alarm.condition, Condition::Threshold { .. }) {
            return;
        }
        let latest = self.state.assets[asset].properties[alarm.property].latest.clone();
        if let Some(point) = latest.filter(|point| point.quality == Quality::Good) {
            self.judge(asset, at, &Point { ts: self.at, ..point });
        }
    }

    /// Other definitions may be in force: what was judged by another limit, or not at all, is judged by the present one.
    /// Where nothing has changed, nothing happens.
    pub(super) fn judge_anew(&mut self) {
        for asset in 0..self.state.assets.len() {
            for at in 0..self.state.assets[asset].alarms.len() {
                self.follow_definition(asset, at);
                if self.has_another_limit(asset, at) {
                    self.judge_latest(asset, at);
                }
            }
        }
    }

    /// A definition that says another than before whether the alarm is watched counts more than what people said before.
    fn follow_definition(&mut self, asset: usize, at: usize) {
        let enabled = self.alarm(asset, at).definition.enabled;
        let record = self.record(asset, at);
        let is_off = record.state == AlarmState::Disabled;
        let follows = record.enabled.replace(enabled) == Some(enabled);
        if follows || is_off != enabled {
            return;
        }
        let input = if enabled { Input::Enable } else { Input::Disable };
        self.step(asset, at, input, Told { at: self.at, cause: Cause::Definition, by: None, note: None });
        if enabled {
            self.listen_anew(asset, at);
            self.judge_latest(asset, at);
        }
        self.arm_alarm(asset, at);
    }

    fn has_another_limit(&self, asset: usize, at: usize) -> bool {
        let Condition::Threshold { operator, limit, .. } = self.alarm(asset, at).condition else { return false };
        let judged = self.state.assets[asset].alarms[at].evaluation.as_ref();
        judged.is_none_or(|judged| judged.operator != operator || Some(judged.threshold) != self.limit(asset, limit))
    }

    fn limit(&self, asset: usize, limit: Limit) -> Option<f64> {
        match limit {
            Limit::Number(number) => Some(number),
            Limit::Attribute(at) => self.state.assets[asset].properties[at].latest.as_ref()?.value.number(),
        }
    }

    fn verdict(&mut self, asset: usize, at: usize, verdict: Verdict, ts: Timestamp) {
        let definition = &self.alarm(asset, at).definition;
        let wait = (definition.active_after.duration(), definition.normal_after.duration());
        let now = self.at;
        if self.record(asset, at).debounce.judge(verdict, ts, now, wait) {
            self.counts(asset, at, ts, Cause::Value);
        }
        self.arm_alarm(asset, at);
    }

    /// What the condition says has begun to count.
    fn counts(&mut self, asset: usize, at: usize, ts: Timestamp, cause: Cause) {
        let input = if self.record(asset, at).debounce.holds { Input::Holds } else { Input::Over };
        self.step(asset, at, input, Told { at: ts, cause, by: None, note: None });
    }

    /// Time has passed for an alarm.
    pub(super) fn wake_alarm(&mut self, asset: usize, at: usize) {
        let now = self.at;
        let alarm = self.alarm(asset, at);
        let record = self.record(asset, at);
        if record.snoozed_until.is_some_and(|until| until <= now) {
            record.snoozed_until = None;
            self.step(asset, at, Input::SnoozeOver, Told { at: now, cause: Cause::Time, by: None, note: None });
        }
        if self.record(asset, at).debounce.tick(now) {
            self.counts(asset, at, now, Cause::Time);
        }
        self.listen(asset, at, alarm);
        self.arm_alarm(asset, at);
    }

    /// A person says that all is well: the silence of before counts no more. A property that never had a value is not
    /// listened for.
    pub(super) fn listen_anew(&mut self, asset: usize, at: usize) {
        let now = self.at;
        let record = self.record(asset, at);
        record.heard = record.heard.map(|_| now);
    }

    /// Whether it has been silent for too long.
    fn listen(&mut self, asset: usize, at: usize, alarm: &Alarm) {
        let now = self.at;
        let record = self.record(asset, at);
        let (Condition::Silence { after }, Some(heard)) = (&alarm.condition, record.heard) else { return };
        if silent_at(record, *after).is_none_or(|due| due > now) {
            return;
        }
        record.evaluation = Some(silence(now.since(heard).as_secs_f64(), *after));
        let wait = (alarm.definition.active_after.duration(), alarm.definition.normal_after.duration());
        if record.debounce.judge(Verdict::Holds, now, now, wait) {
            self.counts(asset, at, now, Cause::Time);
        }
    }

    /// Sees to it that the alarm is woken when time changes something for it.
    pub(super) fn arm_alarm(&mut self, asset: usize, at: usize) {
        let alarm = self.alarm(asset, at);
        let record = self.record(asset, at);
        let silent = match alarm.condition {
            Condition::Silence { after } => silent_at(record, after),
            _ => None,
        };
        let due = [record.snoozed_until, record.debounce.wake(), silent].into_iter().flatten().min();
        if let Some(due) = due {
            let slot = self.state.assets[asset].properties.len() + at;
            self.state.arm(Timer { due, rank: AFTER_METRICS, asset, slot });
        }
    }

    /// Goes to the next state, if `input` leads to one, and tells of it. Returns whether it did.
    pub(super) fn step(&mut self, asset: usize, at: usize, input: Input, told: Told) -> bool {
        let alarm = self.alarm(asset, at);
        let Some(moved) = self.record(asset, at).step(input, told.at, alarm.definition.acknowledge) else {
            return false;
        };
        let record = &self.state.assets[asset].alarms[at];
        let transition = Transition {
            asset: Arc::clone(&self.state.assets[asset].id),
            alarm: Arc::clone(&alarm.name),
            episode: record.episode,
            from: moved.from,
            to: moved.to,
            at: told.at,
            cause: told.cause,
            by: told.by,
            note: told.note,
            evaluation: record.evaluation.clone(),
        };
        if moved.first && alarm.definition.events.contains(&moved.to) {
            self.tell(asset, alarm, &transition, &moved);
        }
        self.out.transitions.push(transition);
        true
    }

    fn tell(&mut self, asset: usize, alarm: &Alarm, transition: &Transition, moved: &Moved) {
        let told = &self.state.assets[asset];
        let property = self.property(asset, alarm.property);
        let about = About {
            name: &told.name,
            model: &self.models.all[told.model].name,
            property: &property.name,
            unit: property.unit.as_deref(),
            alias: told.aliases.get(&alarm.property).map(AsRef::as_ref),
            links: &told.called(),
            severity: alarm.definition.severity,
            opened: (transition.episode > 0).then_some(moved.stamp),
        };
        let event = event(transition, moved, &about);
        self.out.events.push(event);
    }

    pub(super) fn alarm(&self, asset: usize, at: usize) -> &'a Alarm {
        &self.models.all[self.state.assets[asset].model].alarms[at]
    }

    pub(super) fn record(&mut self, asset: usize, at: usize) -> &mut AlarmRecord {
        &mut self.state.assets[asset].alarms[at]
    }
}

/// What is told with a change of state.
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) cause: Cause,
    pub(super) by: Option<String>,
    pub(super) note: Option<String>,
}

impl Told {
    /// As a person asked for it.
    pub(super) fn by_person(operation: &Operation, at: Timestamp) -> Self {
        Self { at, cause: Cause::Person(operation.kind), by: operation.by.clone(), note: operation.note.clone() }
    }
}

/// When a property has been silent for too long, unless that counts or waits already.
fn silent_at(record: &AlarmRecord, after: i64) -> Option<Timestamp> {
    let watched = record.state != AlarmState::Disabled && !record.debounce.holds && record.debounce.wake().is_none();
    let due = Timestamp::from_micros(record.heard?.as_micros().saturating_add(after));
    watched.then_some(due)
}

fn silence(seconds: f64, after: i64) -> Evaluation {
    Evaluation { value: seconds, operator: Operator::Greater, threshold: after as f64 / 1e6 }
}
