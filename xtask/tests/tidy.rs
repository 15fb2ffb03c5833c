//! The checkout is tidy.

#[test]
fn the_house_is_tidy() {
    let findings = xtask::tidy::check(&xtask::checkout()).expect("the checkout can be read");
    let list: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
}
