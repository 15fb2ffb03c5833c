//! What is shown of a run before it begins.

use super::*;

fn previewed(action: &Action, library: &dyn Library) -> Preview {
    let event = event();
    let ctx = RunContext { action, event: &event, offset: Offset(1), library };
    preview(ctx, 1, json!({}), json!({}), Timestamp::default())
}

#[test]
fn later_requests_are_shown_as_far_as_is_known() {
    let Preview { steps, problem } = previewed(&action(PROBE), &Nothing);
    assert_eq!((steps.len(), problem), (2, None));
    let first = steps[0].request.as_ref().expect("rendered");
    assert_eq!((first.path.as_str(), steps[0].open.len()), ("/equipment/p%201", 0));
    let second = steps[1].request.as_ref().expect("rendered as far as is known");
    let body = second.body.as_deref().expect("a body");
    assert!(body.ends_with(r#""Text": "${{pre.read.name}}"}"#), "{body}");
    assert!(!body.contains("${{key}}") && second.path == "/svc/Set", "what is known is rendered: {second:?}");
    assert_eq!((steps[1].open.as_slice(), &steps[1].problem), (&["pre.read.name".to_owned()][..], &None));
}

#[test]
fn what_cannot_be_rendered_ends_the_preview() {
    let text = action_text().replace("event.data.equipment", "event.data.asset");
    let action = Action::compile(&Name::new("notify").expect("a name"), &text).expect("valid");
    let steps = previewed(&action, &Nothing).steps;
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].problem.as_ref().map(|problem| problem.code), Some(Code::MissingPath));
}

#[test]
fn local_steps_are_evaluated_when_they_can_be() {
    #[derive(Debug)]
    struct OneRow;
    impl Library for OneRow {
        fn decide(&self, decision: &Name, event: &Event) -> Result<Determined, Problem> {
            Nothing.decide(decision, event)
        }
        fn lookup(&self, _: &Name, key: &BTreeMap<String, String>) -> Result<Option<Value>, Problem> {
            Ok(Some(json!({ "asked": key })))
        }
    }
    let lookup = |name: &str, key: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nstage = \"pre\"\nkind = \"lookup\"\nlookup = \"t\"\nkey = {{ k = \"{key}\" }}\n"
        )
    };
    let fetch = "[[step]]\nname = \"fetch\"\nstage = \"pre\"\nkind = \"http\"\ndestination = \"d\"\nmethod = \"GET\"\n";
    let text = lookup("a", "x")
        + fetch
        + "path = \"/${{pre.a.asked.k}}\"\n"
        + &lookup("b", "${{pre.fetch.y}}")
        + &lookup("c", "${{pre.b.asked.k}}");
    let action = Action::compile(&Name::new("l").expect("a name"), &text).expect("valid");
    let steps = previewed(&action, &OneRow).steps;
    assert_eq!(steps[0].answer, Some(json!({ "asked": { "k": "x" } })));
    assert_eq!(steps[1].request.as_ref().map(|request| request.path.as_str()), Some("/x"));
    let open: Vec<_> = steps.iter().map(|step| step.open.join(" ")).collect();
    assert_eq!(open, ["", "", "pre.fetch.y", "pre.b.asked.k"]);
    assert!(steps[2].answer.is_none() && steps[3].problem.is_none());
}
