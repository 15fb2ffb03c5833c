//! From a formula to a ZEN expression over slots.

use std::sync::Arc;

use zen_expression::Isolate;

use super::lexer::{Token, fault, tokens};
use super::{Formula, FormulaFault, Function, MAX_BYTES, MAX_SLOTS, Place, Slot, Variable};

/// Deepest nesting of calls and brackets.
const MAX_DEPTH: usize = 32;

/// Functions that compare: SiteWise's name and the operator.
const COMPARE: [(&str, &str); 7] =
    [("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<="), ("eq", "=="), ("neq", "!="), ("pow", "^")];

/// Functions that ZEN has as well, with how many arguments they take.
const SAME: [(&str, usize); 9] = [
    ("abs", 1),
    ("ceil", 1),
    ("floor", 1),
    ("round", 1),
    ("trunc", 1),
    ("len", 1),
    ("upper", 1),
    ("lower", 1),
    ("contains", 2),
];

impl Formula {
    /// Compiles `text`; `variable` says what a name stands for.
    pub(crate) fn compile(
        text: &str,
        place: Place,
        variable: &dyn Fn(&str) -> Option<Variable>,
    ) -> Result<Self, FormulaFault> {
        if text.len() > MAX_BYTES {
            return Err(fault(text, 0, format!("a formula has at most {MAX_BYTES} bytes")));
        }
        let mut translation = Translation { text, tokens: tokens(text)?, at: 0, place, variable, slots: Vec::new() };
        let expression = translation.whole()?;
        let slots = translation.slots;
        if expression == "s0" {
            return Ok(Self { slots, code: None });
        }
        let compiled = Isolate::new().compile_standard(&expression);
        let compiled = compiled.map_err(|error| fault(text, 0, format!("cannot be computed: {error}")))?;
        Ok(Self { slots, code: Some(Arc::clone(compiled.bytecode())) })
    }
}

struct Translation<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    place: Place,
    variable: &'a dyn Fn(&str) -> Option<Variable>,
    slots: Vec<Slot>,
}

impl Translation<'_> {
    fn whole(&mut self) -> Result<String, FormulaFault> {
        let expression = self.part(0)?;
        match self.tokens.get(self.at) {
            Some(_) => Err(self.fault(self.at, "a bracket or comma that nothing goes with")),
            None => Ok(expression),
        }
    }

    /// Up to a comma or bracket that closes, or the end.
    fn part(&mut self, depth: usize) -> Result<String, FormulaFault> {
        self.pieces(depth, false)
    }

    /// Up to there; or, of what is `negated`, to where another condition follows.
    fn pieces(&mut self, depth: usize, negated: bool) -> Result<String, FormulaFault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(self.at, format!("more than {MAX_DEPTH} brackets in each other")));
        }
        let mut pieces: Vec<String> = Vec::new();
        while let Some((_, token)) = self.tokens.get(self.at).cloned() {
            if matches!(token, Token::Sign(")" | ",")) || (negated && self.ends_condition(&token)) {
                break;
            }
            self.at += 1;
            pieces.push(self.piece(token, depth)?);
        }
        if pieces.is_empty() {
            return Err(self.fault(self.at, "a value is expected"));
        }
        Ok(pieces.join(" "))
    }

    fn piece(&mut self, token: Token, depth: usize) -> Result<String, FormulaFault> {
        match token {
            Token::Number(number) => Ok(number),
            Token::Text(text) => self.literal(&text),
            Token::Sign("(") => {
                let inner = self.part(depth + 1)?;
                self.expect(")")?;
                Ok(format!("({inner})"))
            }
            Token::Sign("!") => self.negation(depth),
            Token::Sign(sign) => Ok(sign.into()),
            Token::Word(word) => match self.operator(&word) {
                Some("not") => self.negation(depth),
                Some(operator) => Ok(operator.into()),
                None if self.next_is("(") => self.call(&word.to_lowercase(), depth),
                None => self.word(&word),
            },
        }
    }

    /// An operator in letters, unless a variable has that name.
    fn operator(&self, word: &str) -> Option<&'static str> {
        let known = ["and", "or", "not"].into_iter().find(|known| known.eq_ignore_ascii_case(word))?;
        (self.variable)(word).is_none().then_some(known)
    }

    /// `not a > b` is said of the comparison, whereas ZEN's `not` binds more closely than that.
    fn negation(&mut self, depth: usize) -> Result<String, FormulaFault> {
        let condition = self.pieces(depth + 1, true)?;
        Ok(format!("not ({condition})"))
    }

    fn ends_condition(&self, token: &Token) -> bool {
        match token {
            Token::Sign(sign) => matches!(*sign, "?" | ":"),
            Token::Word(word) => matches!(self.operator(word), Some("and" | "or")),
            Token::Number(_) | Token::Text(_) => false,
        }
    }

    fn literal(&self, text: &str) -> Result<String, FormulaFault> {
        if text.contains(['"', '\\']) {
            return Err(self.fault(self.at - 1, "a text in a formula has neither double quotes nor backslashes"));
        }
        Ok(format!("\"{text}\""))
    }

    /// A constant, or a variable.
    fn word(&mut self, word: &str) -> Result<String, FormulaFault> {
        if let Some(variable) = (self.variable)(word) {
            if self.place == Place::Metric && !variable.attribute {
                let what = format!("a metric reads {word} through a function, such as avg({word})");
                return Err(self.fault(self.at - 1, what));
            }
            return self.slot(Slot::Value(variable.input));
        }
        Ok(match word.to_lowercase().as_str() {
            known @ ("true" | "false") => known.into(),
            "none" => "null".into(),
            "pi" => "3.14159265358979".into(),
            "e" => "2.71828182845905".into(),
            _ => return Err(self.fault(self.at - 1, format!("{word} is neither a variable nor a property"))),
        })
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<String, FormulaFault> {
        let from = self.at - 1;
        if let Some(function) = Function::named(name)
            && self.place == Place::Metric
        {
            let inputs = self.inputs(name)?;
            return self.slot(Slot::Aggregate(function, inputs));
        }
        if name == "timestamp" {
            let slot = self.timestamp()?;
            return self.slot(slot);
        }
        let arguments = self.arguments(depth)?;
        write_call(name, &arguments).map_err(|what| self.fault(from, what))
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<String>, FormulaFault> {
        self.expect("(")?;
        let mut arguments = vec![self.part(depth + 1)?];
        while self.next_is(",") {
            self.at += 1;
            arguments.push(self.part(depth + 1)?);
        }
        self.expect(")")?;
        Ok(arguments)
    }

    /// The variables in brackets.
    fn inputs(&mut self, function: &str) -> Result<Vec<usize>, FormulaFault> {
        self.expect("(")?;
        let mut inputs = vec![self.series(function)?];
        while self.next_is(",") {
            self.at += 1;
            inputs.push(self.series(function)?);
        }
        self.expect(")")?;
        Ok(inputs)
    }

    /// One variable that has a series of values.
    fn series(&mut self, function: &str) -> Result<usize, FormulaFault> {
        let found = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => (self.variable)(word).filter(|variable| !variable.attribute),
            _ => None,
        };
        let what = || format!("{function} takes variables that have a series of values, and nothing else");
        let variable = found.ok_or_else(|| self.fault(self.at, what()))?;
        self.at += 1;
        Ok(variable.input)
    }

    fn timestamp(&mut self) -> Result<Slot, FormulaFault> {
        if self.place == Place::Transform {
            return match self.inputs("timestamp")?.as_slice() {
                [input] => Ok(Slot::Time(*input)),
                _ => Err(self.fault(self.at - 1, "timestamp takes one variable")),
            };
        }
        self.expect("(")?;
        let picked = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => Function::named(&word.to_lowercase()).filter(|f| f.picks()),
            _ => None,
        };
        let what = "in a metric, timestamp takes first(…), last(…), earliest(…) or latest(…)";
        let function = picked.ok_or_else(|| self.fault(self.at, what))?;
        self.at += 1;
        let inputs = self.inputs("timestamp")?;
        self.expect(")")?;
        match inputs.as_slice() {
            [input] => Ok(Slot::TimeOf(function, *input)),
            _ => Err(self.fault(self.at - 1, what)),
        }
    }

    fn slot(&mut self, slot: Slot) -> Result<String, FormulaFault> {
        let known = self.slots.iter().position(|known| *known == slot);
        let place = known.unwrap_or(self.slots.len());
        if known.is_none() {
            if place == MAX_SLOTS {
                return Err(self.fault(self.at - 1, format!("a formula reads at most {MAX_SLOTS} different things")));
            }
            self.slots.push(slot);
        }
        Ok(format!("s{place}"))
    }

    fn next_is(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((_, Token::Sign(found))) if *found == sign)
    }

    fn expect(&mut self, sign: &str) -> Result<(), FormulaFault> {
        if !self.next_is(sign) {
            return Err(self.fault(self.at, format!("{sign:?} is expected")));
        }
        self.at += 1;
        Ok(())
    }

    fn fault(&self, token: usize, what: impl Into<String>) -> FormulaFault {
        fault(self.text, self.tokens.get(token).map_or(self.text.len(), |(byte, _)| *byte), what)
    }
}

/// A call as ZEN writes it.
fn write_call(name: &str, arguments: &[String]) -> Result<String, String> {
    let takes = |count: usize| format!("{name} takes {count} value{}", if count == 1 { "" } else { "s" });
    if let Some((_, sign)) = COMPARE.iter().find(|(known, _)| *known == name) {
        let [left, right] = arguments else { return Err(takes(2)) };
        return Ok(format!("(({left}) {sign} ({right}))"));
    }
    if let Some((_, count)) = SAME.iter().find(|(known, _)| *known == name) {
        if arguments.len() != *count {
            return Err(takes(*count));
        }
        return Ok(format!("{name}({})", arguments.join(", ")));
    }
    match (name, arguments) {
        ("if", [test, yes]) => Ok(format!("(bool({test}) ? ({yes}) : null)")),
        ("if", [test, yes, no]) => Ok(format!("(bool({test}) ? ({yes}) : ({no}))")),
        ("if", _) => Err("if takes a condition and one or two values".into()),
        ("sqrt", [value]) => Ok(format!("(({value}) ^ 0.5)")),
        ("cbrt", [value]) => Ok(format!("(({value}) ^ (1 / 3))")),
        ("sqrt" | "cbrt", _) => Err(takes(1)),
        ("avg" | "sum" | "min" | "max", values) => Ok(format!("{name}([{}])", values.join(", "))),
        _ => Err(format!("there is no function {name} here")),
    }
}
