//! How long the texts are that expressions make.
//!
//! **Constraints.** What expressions make is in memory that DataFusion does not count. Numbers take what they take, and arrays
//! and structures are not made at all; so what has to be bounded are texts. A function that makes longer texts than it is given
//! looks at what it is given before, and at what it made after.
//!
//! **Life of a bound.** Each query has one ([`Longest`]), which begins as for few texts; when its plan is made and it is
//! known how many texts its rows have at once, they share what a query may hold.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deltalake::arrow::array::{Array, AsArray as _};
use deltalake::arrow::datatypes::{DataType, FieldRef};
use deltalake::datafusion::common::exec_err;
use deltalake::datafusion::error::{DataFusionError, Result};
use deltalake::datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// How many times longer a text may be while it is made.
const PASSING: usize = 4;

/// Bytes of the longest text that an expression may make.
#[derive(Debug, Clone)]
pub(crate) struct Longest(Arc<AtomicUsize>);

impl Longest {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    pub(crate) fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    fn allows(&self, bytes: usize, times: usize) -> Result<()> {
        let limit = self.0.load(Ordering::Relaxed);
        if bytes <= limit.saturating_mul(times) {
            return Ok(());
        }
        let detail = format!("it makes a text of {bytes} bytes, at most {limit} are allowed here");
        Err(DataFusionError::ResourcesExhausted(detail))
    }

    fn check(&self, value: &ColumnarValue) -> Result<()> {
        self.allows(longest(value)?, 1)
    }
}

/// Bytes of the longest text in `value`.
fn longest(value: &ColumnarValue) -> Result<usize> {
    match value {
        ColumnarValue::Array(array) => Ok(longest_of(array.as_ref())),
        ColumnarValue::Scalar(value) => Ok(longest_of(value.to_array()?.as_ref())),
    }
}

fn longest_of(array: &dyn Array) -> usize {
    let views = |lengths: Option<u32>| lengths.and_then(|bytes| usize::try_from(bytes).ok());
    let longest = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().offsets().lengths().max(),
        DataType::LargeUtf8 => array.as_string::<i64>().offsets().lengths().max(),
        DataType::Binary => array.as_binary::<i32>().offsets().lengths().max(),
        DataType::LargeBinary => array.as_binary::<i64>().offsets().lengths().max(),
        DataType::Utf8View => views(array.as_string_view().lengths().max()),
        DataType::BinaryView => views(array.as_binary_view().lengths().max()),
        DataType::Dictionary(..) => Some(longest_of(array.as_any_dictionary().values().as_ref())),
        _ => None,
    };
    longest.unwrap_or_default()
}

/// A function whose texts are bounded. It is not simplified, since its parts would not be.
#[derive(Debug)]
pub(crate) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: usize,
    longest: Longest,
}

impl Bounded {
    /// `inner`, whose texts can be `growth` times as long as all that it is given.
    pub(crate) fn new(inner: Arc<ScalarUDF>, growth: usize, longest: &Longest) -> Self {
        Self { inner, growth, longest: longest.clone() }
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut given = 0_usize;
        for value in &args.args {
            given = given.saturating_add(longest(value)?);
        }
        self.longest.allows(given.saturating_mul(self.growth), PASSING)?;
        let made = self.inner.invoke_with_args(args)?;
        self.longest.check(&made)?;
        Ok(made)
    }
}

/// A function that returns what it is given, when it is not too long, and equals no other one.
#[derive(Debug)]
pub(crate) struct Kept {
    number: usize,
    longest: Longest,
    signature: Signature,
}

impl Kept {
    /// For the step of a query with this number, counted from 1; whatever length its texts have.
    pub(crate) fn step(number: usize) -> Self {
        Self::new(number, Longest::new(usize::MAX))
    }

    /// For what is joined by `||`.
    pub(crate) fn joined(longest: &Longest) -> Self {
        Self::new(0, longest.clone())
    }

    fn new(number: usize, longest: Longest) -> Self {
        Self { number, longest, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl ScalarUDFImpl for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }

    /// That of what it is given: nobody who asks sees that it is there.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        args.first().map_or_else(|| exec_err!("kept: nothing"), |inner| Ok(inner.schema_name().to_string()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().map_or_else(|| exec_err!("kept: nothing"), |kind| Ok(kind.clone()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        args.arg_fields.first().map_or_else(|| exec_err!("kept: nothing"), |field| Ok(Arc::clone(field)))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(value) = args.args.pop() else { return exec_err!("kept: nothing") };
        self.longest.check(&value)?;
        Ok(value)
    }
}
