//! What a policy says that it may not mean.

use super::Policy;
use super::document::{Effect, Resource, Statement};

impl Policy {
    /// Sentences about statements that are legal but probably not meant, each naming the statement by its place.
    pub fn warnings(&self) -> Vec<String> {
        let numbered = self.statements.iter().enumerate();
        let told =
            numbered.flat_map(|(i, s)| warnings(s).into_iter().map(move |w| format!("statement {}: {w}", i + 1)));
        told.collect()
    }
}

fn warnings(statement: &Statement) -> Vec<String> {
    let mut told: Vec<String> =
        statement.foreign.iter().map(|action| format!("{action} is an action that Andon does not have")).collect();
    for resource in &statement.resources {
        told.extend(about_resource(statement, resource));
    }
    told
}

fn about_resource(statement: &Statement, resource: &Resource) -> Vec<String> {
    let Resource::Named(kind, name) = resource else {
        return match resource {
            Resource::Foreign(text) => vec![format!("{text} is a resource that Andon does not have")],
            _ => Vec::new(),
        };
    };
    let mut told = Vec::new();
    let ours = !statement.actions.is_empty();
    if ours && !statement.actions.iter().any(|action| action.resource() == *kind) {
        told.push(format!("none of its actions is about a resource of kind {kind:?}, so that it never matches"));
    }
    if *kind == super::ResourceKind::Topic && name.has_text(&['+', '#']) {
        told.push("+ and # stand for themselves in a policy, and no topic holds them: use * instead".to_owned());
    }
    if statement.effect == Effect::Deny && name.has_variable() {
        told.push("this Deny denies nothing to a connection on which its variable has no value".to_owned());
    }
    told
}
