//! What a formula reads.

/// A function over the values of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// The mean of the numbers.
    Avg,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many values there are.
    Count,
    /// The standard deviation of the numbers as a whole population: that of one number is 0.
    Stdev,
    /// The first value in the window, by time.
    First,
    /// The last value in the window.
    Last,
    /// The value with which the window began: the last one before it, or else the first in it.
    Earliest,
    /// The last value in the window, or before it.
    Latest,
}

impl Function {
    /// By its name in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            "stdev" => Self::Stdev,
            "first" => Self::First,
            "last" => Self::Last,
            "earliest" => Self::Earliest,
            "latest" => Self::Latest,
            _ => return None,
        })
    }

    /// Whether it picks one of the values, which then has a time.
    pub(crate) const fn picks(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::Earliest | Self::Latest)
    }
}

/// One thing that a formula reads; numbers are positions among its inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The value of an input.
    Value(usize),
    /// The time of its value.
    Time(usize),
    /// A function over inputs, together.
    Aggregate(Function, Vec<usize>),
    /// The time of the value that a function picks.
    TimeOf(Function, usize),
}
