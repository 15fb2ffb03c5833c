//! What is allowed in an action, and yet likely to be a mistake.

use andon_model::{Code, Problem};

use super::{Action, Guard, Step};

impl Action {
    /// What a person should look at before the action is put into force; nothing of it keeps it from working.
    pub fn advice(&self) -> Vec<Problem> {
        let steps = self.steps.iter();
        steps.filter_map(|step| Some((step, hasty_search(step)?))).map(|(step, what)| self.about(step, what)).collect()
    }

    fn about(&self, step: &Step, what: String) -> Problem {
        Problem::new(Code::ConfigurationValue, what).at(format!("actions/{}.toml step {}", self.name, step.name()))
    }
}

/// A step that waits longer for its answer than it lets the destination finish a request whose connection
/// broke: the search may come while the document is still being made, and find nothing.
fn hasty_search(step: &Step) -> Option<String> {
    let Guard::Probe(probe) = &step.guard else { return None };
    (probe.settle < step.timeout).then(|| {
        format!(
            "a call may take {:?} (timeout), but a lost one is searched for after {:?} (settle): if it is still being \
             worked on then, its document is made twice. Let settle be as long as timeout",
            step.timeout, probe.settle
        )
    })
}

#[cfg(test)]
mod tests {
    use andon_model::Name;

    use super::*;

    fn check(guard: &str, timeout: &str, expect: Option<&str>) {
        let text = format!(
            "[[step]]\nname = \"create\"\nstage = \"main\"\nkind = \"http\"\ndestination = \"s4\"\nmethod = \"POST\"\n\
             path = \"/Set\"\nbody = '{{\"Ref\": \"${{{{key}}}}\"}}'\nguard = {guard}\n{timeout}"
        );
        let action = Action::compile(&Name::new("notify").expect("a name"), &text).expect("valid");
        let found: Vec<_> = action.advice().iter().map(ToString::to_string).collect();
        match expect {
            None => assert!(found.is_empty(), "{guard} {timeout}: {found:?}"),
            Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{guard} {timeout}: {found:?}"),
        }
    }

    #[test]
    fn a_search_before_the_call_may_be_over_is_pointed_out() {
        let probe = |settle: &str| format!("{{ kind = \"probe\", set = \"/Set\", field = \"Ref\"{settle} }}");
        let place = "actions/notify.toml step create";
        check(&probe(", settle = \"5s\""), "", Some(place));
        check(&probe(", settle = \"5s\""), "timeout = \"6s\"", Some("a call may take 6s"));
        check(&probe(""), "timeout = \"31s\"", Some("searched for after 30s"));
        check(&probe(", settle = \"5s\""), "timeout = \"5s\"", None);
        check(&probe(""), "", None);
        check("{ kind = \"park\" }", "timeout = \"9m\"", None);
    }
}
