//! The guide's table of cases, made from the cases.

use std::collections::BTreeMap;
use std::path::Path;

const V311: &[&str] = &[include_str!("v311.rs")];
const V5: &[&str] = &[include_str!("v5.rs"), include_str!("v5_flow.rs"), include_str!("v5_session.rs")];

const BEGIN: &str = "<!-- cases: made by `ANDON_BLESS=1 cargo test -p andon-mqtt` -->\n";
const END: &str = "<!-- end of cases -->\n";

/// Every case of some sources, with what differs in it.
fn cases(sources: &[&str]) -> BTreeMap<String, Option<String>> {
    let mut cases = BTreeMap::new();
    for source in sources {
        let (mut documentation, mut is_test) = (String::new(), false);
        for line in source.lines() {
            if let Some(text) = line.strip_prefix("/// ") {
                documentation = format!("{documentation} {text}");
            } else if line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some(name) = line.strip_prefix("async fn ").filter(|_| is_test) {
                let name = name.split('(').next().unwrap_or(name).to_owned();
                let differs = documentation.trim().strip_prefix("Differs: ").map(str::to_owned);
                assert!(cases.insert(name, differs).is_none(), "a case has two tests");
                (documentation, is_test) = (String::new(), false);
            } else {
                (documentation, is_test) = (String::new(), false);
            }
        }
    }
    cases
}

fn table() -> String {
    let (old, new) = (cases(V311), cases(V5));
    let verdict = |case: Option<&Option<String>>| match case {
        None => "–",
        Some(None) => "passes",
        Some(Some(_)) => "differs",
    };
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut text = "\n| case | 3.1.1 | 5 | what differs |\n|---|---|---|---|\n".to_owned();
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        let mut notes: Vec<_> =
            [old, new].into_iter().flatten().flatten().map(|note| note.trim_end_matches('.')).collect();
        notes.dedup();
        text += &["| `", name, "` | ", verdict(old), " | ", verdict(new), " | ", &notes.join("; "), " |\n"].concat();
    }
    text + "\n"
}

#[test]
fn the_guide_names_every_case() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/mqtt.md");
    let text = std::fs::read_to_string(&guide).expect("the guide");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (written, after) = rest.split_once(END).expect("where the table ends");
    let table = table();
    if std::env::var_os("ANDON_BLESS").is_some() {
        std::fs::write(&guide, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
    } else {
        assert_eq!(written, table, "the guide is behind: ANDON_BLESS=1");
    }
}
