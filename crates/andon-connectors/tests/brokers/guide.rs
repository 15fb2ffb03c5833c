//! The guide's documents can be used as they stand.

use andon_connectors::SourceSpec;

use crate::plant::name;

const GUIDE: &str = include_str!("../../../../docs/guide/mqtt-sources.md");

#[test]
fn every_document_of_the_guide_is_valid() {
    let documents = GUIDE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut count = 0;
    for document in documents {
        let spec = SourceSpec::parse(&name(), document).unwrap_or_else(|problem| panic!("{problem}\n{document}"));
        assert!(spec.mqtt.is_some(), "{document}");
        count += 1;
    }
    assert_eq!(count, 5);
}
