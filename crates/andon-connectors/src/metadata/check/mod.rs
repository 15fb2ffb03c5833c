//! Compares an action with the metadata of its services and with what decisions and lookups give.

mod answer;
mod attachment;
mod body;
mod episode;
mod guard;
mod method;
mod path;
mod predicate;
mod query;
mod references;
mod texts;
mod value;

use std::collections::BTreeMap;

use andon_act::template::{Facts, Form, Template};
use andon_journal::{Document, Finding};
use andon_model::{Code, Problem, Severity};

use super::services::Services;
use super::written::{File, Request, Text, WrittenAction, WrittenStep};
use super::{Metadata, Version};
use path::Target;

/// Most findings of one action; more help nobody.
const MAX_FINDINGS: usize = 200;

/// Compares an action (`actions/<name>.toml`) with the metadata of the services that its steps name, and its
/// templates with `facts`. Steps whose services have no metadata are only checked for what they read; a text that is
/// not an action gives nothing, since compiling it says why.
pub fn check_types(action: &Document, services: &Services, facts: &Facts) -> Vec<Finding> {
    let Ok(written) = toml::from_str::<WrittenAction>(&action.text) else { return Vec::new() };
    let path = action.path();
    let file = File { path: &path, text: &action.text };
    let mut check = Check { file, services, facts, steps: &written.steps, findings: Vec::new() };
    check.once_per(written.episode.as_ref());
    for step in &written.steps {
        check.step(step);
    }
    check.findings.truncate(MAX_FINDINGS);
    check.findings
}

/// A check under way.
struct Check<'a> {
    file: File<'a>,
    services: &'a Services,
    facts: &'a Facts,
    steps: &'a [WrittenStep],
    findings: Vec<Finding>,
}

/// The metadata of a step's service.
#[derive(Clone, Copy)]
struct Service<'a> {
    metadata: &'a Metadata,
    /// The path of the service, for people.
    name: &'a str,
}

impl Service<'_> {
    fn version(&self) -> Version {
        self.metadata.version
    }
}

impl<'a> Check<'a> {
    fn report(&mut self, severity: Severity, code: Code, text: &Text, at: usize, what: impl Into<String>) {
        let problem = Problem::new(code, what).at(self.file.place(text, at));
        self.findings.push(Finding { severity, problem });
    }

    /// Something that cannot work.
    fn error(&mut self, text: &Text, at: usize, what: impl Into<String>) {
        self.report(Severity::Error, Code::ServiceMismatch, text, at, what);
    }

    /// Something that does not work for every event.
    fn warning(&mut self, text: &Text, at: usize, what: impl Into<String>) {
        self.report(Severity::Warning, Code::ServiceMismatch, text, at, what);
    }

    /// What is known before an event comes.
    fn before(&self) -> texts::Before<'a> {
        texts::Before { facts: self.facts, steps: self.steps }
    }

    fn service(&self, step: &'a WrittenStep) -> Option<Service<'a>> {
        let name = step.service.as_ref().filter(|_| step.is_odata())?.get_ref();
        Some(Service { metadata: self.services.find(&step.destination, name)?, name })
    }

    fn step(&mut self, step: &'a WrittenStep) {
        self.references(step);
        let Some(service) = self.service(step) else { return };
        self.kind_and_version(step, service);
        self.requests(step, service);
        self.attachment(step, service);
        self.guard(step, service);
        self.document(step, service);
        self.open_while(step, service);
    }

    fn requests(&mut self, step: &'a WrittenStep, service: Service<'a>) {
        let mut made = BTreeMap::new();
        for (number, part) in step.changeset.iter().enumerate() {
            let target = self.request(service, Request::from(part), true, &made);
            made.extend(target.map(|target| (format!("${}", number + 1), target)));
        }
        if let Some(request) = step.request().filter(|_| step.changeset.is_empty()) {
            let target = self.request(service, request, step.sends_json(), &made);
            if let Some(target) = target {
                self.query(step, service, &target);
            }
        }
    }

    fn kind_and_version(&mut self, step: &WrittenStep, service: Service<'_>) {
        let expected = match step.kind.as_str() {
            "odata-v4" => Version::V4,
            _ => Version::V2,
        };
        if let Some(text) = step.service.as_ref().filter(|_| service.version() != expected) {
            let kind = if service.version() == Version::V4 { "odata-v4" } else { "odata" };
            let detail =
                format!("the metadata of {} is of the other version of OData: use kind = \"{kind}\"", service.name);
            self.error(text, 0, detail);
        }
    }

    /// Checks path, method and body; where the request leads, when that is known.
    fn request(
        &mut self,
        service: Service<'a>,
        request: Request<'a>,
        is_json: bool,
        made: &BTreeMap<String, Target<'a>>,
    ) -> Option<Target<'a>> {
        let target = self.target(service, request.path, made)?;
        let tunnelled = request.headers.keys().any(|name| name.eq_ignore_ascii_case("x-http-method"));
        let purpose = if tunnelled { None } else { self.purpose(request.method, &target) };
        let body = request.body.filter(|_| is_json && !target.is_media());
        if let (Some(purpose), Some(body)) = (purpose, body)
            && let Ok(template) = Template::compile(body.get_ref(), Form::Json, "")
            && let Some(node) = template.outline()
        {
            self.body(service, &target, purpose, body, &node);
        }
        Some(target)
    }
}
