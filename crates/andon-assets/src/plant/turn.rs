//! One input's way through the plant.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::Timestamp;

use super::applied::{Applied, Change, Measured, Refused, RefusedWhy};
use super::state::{State, Timer};
use crate::formula::{Formula, Slot};
use crate::limits::Limits;
use crate::live::{Closed, Cut, Kept};
use crate::model::{Dependent, Models, Source};
use crate::value::{DataType, Given, Point, Quality, Scalar};

/// Metrics are stamped with the end of their window; as a value in another window they belong to what came before.
const BEFORE_THE_END: i64 = 1;

/// The plant while it takes an input in.
pub(super) struct Turn<'a> {
    pub(super) models: &'a Models,
    pub(super) state: &'a mut State,
    pub(super) limits: &'a Limits,
    pub(super) out: &'a mut Applied,
    /// Transforms to be computed, by rank, each for the newest of the times that it follows from.
    pending: BTreeMap<(u32, usize, usize), Timestamp>,
    /// The time of what is being done: of receipt, or when a timer was due. Not the plant's, which may have gone further
    /// than what is received: so a replay, in which it has not, gives the same.
    pub(super) at: Timestamp,
    /// Room for the key of a route.
    pub(super) key: String,
}

impl<'a> Turn<'a> {
    pub(super) fn new(models: &'a Models, state: &'a mut State, limits: &'a Limits, out: &'a mut Applied) -> Self {
        Self { models, at: state.now, state, limits, out, pending: BTreeMap::new(), key: String::new() }
    }

    /// Takes a reading in; time has passed up to its receipt.
    pub(super) fn measured(&mut self, measured: &Measured<'_>) {
        let Some(route) = self.route(measured) else {
            self.out.unmatched = self.out.refused.is_empty();
            return;
        };
        for (path, given) in measured.fields {
            for property in route.fields.get(*path).into_iter().flatten() {
                self.measure((route.asset, *property), *given, (measured.ts, measured.received), measured.quality);
            }
        }
        self.settle();
    }

    /// Takes one value of a measurement in.
    pub(super) fn measure(
        &mut self,
        (asset, property): (usize, usize),
        given: Given<'_>,
        (ts, received): (Timestamp, Timestamp),
        quality: Quality,
    ) {
        let in_time = ts >= received.before(self.limits.oldest) && ts <= received.after(self.limits.newest);
        let Some(value) = self.property(asset, property).data_type.accept(given) else {
            return self.refuse(asset, property, RefusedWhy::WrongType);
        };
        // Whose clock is wrong is not silent.
        self.heard(asset, property);
        if in_time {
            self.set(asset, property, &Point { ts, value, quality });
        } else {
            self.refuse(asset, property, RefusedWhy::OutOfRange);
        }
    }

    pub(super) fn property(&self, asset: usize, property: usize) -> &'a crate::model::Property {
        &self.models.all[self.state.assets[asset].model].properties[property]
    }

    fn refuse(&mut self, asset: usize, property: usize, why: RefusedWhy) {
        self.state.assets[asset].properties[property].refused += 1;
        self.tell_refused(asset, property, why);
    }

    fn fail(&mut self, asset: usize, property: usize, why: &str) {
        self.state.assets[asset].properties[property].fail(why);
        self.tell_refused(asset, property, RefusedWhy::NotComputed);
    }

    fn tell_refused(&mut self, asset: usize, property: usize, why: RefusedWhy) {
        let what = self.property(asset, property).name.to_string();
        let asset = Some(Arc::clone(&self.state.assets[asset].id));
        self.out.refused.push(Refused { asset, what, why });
    }

    /// A property has a value: it is kept, told, and handed on to what follows from it.
    fn set(&mut self, asset: usize, property: usize, point: &Point) {
        let state = &mut *self.state;
        let kept = state.assets[asset].properties[property].keep(point, self.limits, &mut state.bytes);
        if kept == Kept::Repeated {
            return;
        }
        let known = self.property(asset, property);
        let late = kept == Kept::Late;
        let id = Arc::clone(&self.state.assets[asset].id);
        self.out.changes.push(Change { asset: id, property: Arc::clone(&known.name), point: point.clone(), late });
        if point.quality != Quality::Good {
            return;
        }
        for dependent in &known.dependents {
            self.hand_on(asset, property, point, late, *dependent);
        }
        if !late {
            known.alarms.iter().for_each(|alarm| self.judge(asset, *alarm, point));
        }
    }

    fn hand_on(&mut self, asset: usize, property: usize, point: &Point, late: bool, dependent: Dependent) {
        match dependent {
            Dependent::Transform(transform) if late => self.transform_late(asset, transform, property, point),
            Dependent::Transform(transform) => {
                let rank = self.property(asset, transform).rank;
                let ts = self.pending.entry((rank, asset, transform)).or_insert(point.ts);
                *ts = point.ts.max(*ts);
            }
            Dependent::Metric { property: metric, input } => {
                self.accumulate(asset, metric, input, (property, asset), point);
            }
            Dependent::OfParent { model, hierarchy, property: metric, input } => {
                let parent = self.state.assets[asset].parent;
                if let Some((parent, within)) = parent
                    && within == hierarchy
                    && self.state.assets[parent].model == model
                {
                    self.accumulate(parent, metric, input, (property, asset), point);
                }
            }
        }
    }

    /// Computes the transforms that wait, each after all that it follows from.
    pub(super) fn settle(&mut self) {
        while let Some(((_, asset, transform), ts)) = self.pending.pop_first() {
            if let Source::Transform { formula, inputs, .. } = &self.property(asset, transform).source {
                let value = self.evaluate(formula, |turn, slot| turn.read(asset, inputs, slot));
                self.computed(asset, transform, ts, value);
            }
        }
    }

    /// A value that is late changes a transform's past only where nothing but itself matters.
    fn transform_late(&mut self, asset: usize, transform: usize, property: usize, point: &Point) {
        let Source::Transform { formula, inputs, pointwise: true } = &self.property(asset, transform).source else {
            return;
        };
        let value = self.evaluate(formula, |turn, slot| match slot {
            Slot::Value(input) if inputs[*input] == property => Some(point.value.clone()),
            Slot::Time(input) if inputs[*input] == property => Some(seconds(point.ts)),
            _ => turn.read(asset, inputs, slot),
        });
        self.computed(asset, transform, point.ts, value);
    }

    fn evaluate(
        &self,
        formula: &Formula,
        read: impl Fn(&Self, &Slot) -> Option<Scalar>,
    ) -> Result<Option<Scalar>, String> {
        formula.evaluate(|slot| read(self, slot))
    }

    /// What a formula reads of the latest values.
    fn read(&self, asset: usize, inputs: &[usize], slot: &Slot) -> Option<Scalar> {
        let latest = |input: &usize| {
            let latest = self.state.assets[asset].properties[inputs[*input]].latest.as_ref();
            latest.filter(|point| point.quality == Quality::Good)
        };
        match slot {
            Slot::Value(input) => latest(input).map(|point| point.value.clone()),
            Slot::Time(input) => latest(input).map(|point| seconds(point.ts)),
            Slot::Aggregate(..) | Slot::TimeOf(..) => None,
        }
    }

    fn computed(&mut self, asset: usize, property: usize, ts: Timestamp, value: Result<Option<Scalar>, String>) {
        let data_type = self.property(asset, property).data_type;
        match value {
            Ok(Some(value)) => match data_type.accept(value.given()) {
                Some(value) => {
                    self.heard(asset, property);
                    self.set(asset, property, &Point::good(ts, value));
                }
                None => self.fail(asset, property, &not_of_type(&value, data_type)),
            },
            Ok(None) => {}
            Err(why) => self.fail(asset, property, &why),
        }
    }

    /// Takes a value into the window of a metric; `from` is the property and asset that it is of.
    fn accumulate(&mut self, asset: usize, metric: usize, input: usize, from: (usize, usize), point: &Point) {
        let Source::Metric { inputs, cut, .. } = &self.property(asset, metric).source else { return };
        let is_metric = matches!(self.property(from.1, from.0).source, Source::Metric { .. });
        let before = if is_metric { BEFORE_THE_END } else { 0 };
        let ts = Timestamp::from_micros(point.ts.as_micros() - before);
        let now = self.at;
        while let Some(closed) = self.windows(asset, metric).ended_by(*cut, ts, now) {
            self.close(asset, metric, &closed);
        }
        self.windows(asset, metric).add(*cut, (input, inputs.len()), (ts, &point.value), now);
        self.arm_metric(asset, metric);
    }

    fn windows(&mut self, asset: usize, metric: usize) -> &mut crate::live::Windows {
        self.state.assets[asset].properties[metric].windows.get_or_insert_default()
    }

    /// Time has passed: the windows that are due are closed.
    pub(super) fn close_due(&mut self, asset: usize, metric: usize, cut: Cut) {
        let now = self.at;
        while let Some(closed) = self.windows(asset, metric).due(cut, now) {
            self.close(asset, metric, &closed);
        }
        self.arm_metric(asset, metric);
        self.settle();
    }

    fn arm_metric(&mut self, asset: usize, metric: usize) {
        let rank = self.property(asset, metric).rank;
        if let Some(due) = self.windows(asset, metric).wake() {
            self.state.arm(Timer { due, rank, asset, slot: metric });
        }
    }

    fn close(&mut self, asset: usize, metric: usize, closed: &Closed) {
        let Source::Metric { formula, inputs, .. } = &self.property(asset, metric).source else { return };
        let value = self.evaluate(formula, |turn, slot| match slot {
            Slot::Value(input) => {
                let latest = turn.state.assets[asset].properties[inputs[*input].property].latest.as_ref();
                latest.map(|point| point.value.clone())
            }
            other => closed.read(other),
        });
        self.computed(asset, metric, closed.end, value);
    }
}

/// Texts are not repeated: they are what a device says.
fn not_of_type(value: &Scalar, data_type: DataType) -> String {
    match value.number() {
        Some(number) => format!("{number} is no value of type {data_type:?}"),
        None => format!("a text is no value of type {data_type:?}"),
    }
}

/// A time in a formula, as SiteWise has it.
fn seconds(ts: Timestamp) -> Scalar {
    Scalar::Integer(ts.as_micros().div_euclid(1_000_000))
}
