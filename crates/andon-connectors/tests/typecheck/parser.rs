//! Reading metadata: what is understood, and how faults are named.

use andon_connectors::metadata::{Format, Kind, Metadata, Version};

use crate::scenario::Scenario;

fn v2() -> Metadata {
    Metadata::parse(Scenario::good().text("metadata/zplant_maintenance_srv.xml")).expect("valid")
}

fn v4() -> Metadata {
    Metadata::parse(Scenario::good().text("metadata/zrequest.request.0001.xml")).expect("valid")
}

#[test]
fn v2_attributes_are_understood() {
    let metadata = v2();
    assert_eq!(metadata.version, Version::V2);
    let notification = &metadata.types["zplant.Notification"];
    let property = |name: &str| &notification.properties[name];
    assert_eq!(notification.keys, ["Number"]);
    assert_eq!(property("ShortText").max_length, Some(40));
    assert!(property("ShortText").is_expected && !property("Number").is_expected);
    assert!(!property("MachineLabel").is_creatable && !property("Kind").is_updatable);
    assert!(!property("StatusText").is_filterable);
    assert_eq!((property("DownHours").precision, property("DownHours").scale), (Some(7), Some(3)));
    assert_eq!(property("FaultDay").format, Format::Date);
    assert_eq!(property("Machine").format, Format::Digits);
    assert_eq!(property("Pulses").kind, Kind::Int64);
    let items = &notification.navigations["Items"];
    assert_eq!((items.target.as_str(), items.is_many), ("zplant.Item", true));
    assert!(!metadata.sets["Machines"].is_creatable && !metadata.sets["Items"].is_addressable);
    assert_eq!(metadata.sets["Items"].mandatory, ["ItemText"]);
    let release = &metadata.operations["Release"];
    assert_eq!((release.method.as_str(), release.result.as_deref()), ("POST", Some("zplant.Notification")));
    assert_eq!(release.parameters.iter().map(|(_, p)| p.is_optional).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn v4_annotations_are_understood() {
    let metadata = v4();
    assert_eq!(metadata.version, Version::V4);
    let request = &metadata.types["com.example.zrequest.v0001.RequestType"];
    assert!(request.properties["Description"].is_mandatory);
    assert!(!request.properties["CreatedBy"].is_creatable && !request.properties["RequestKind"].is_updatable);
    assert_eq!(metadata.types["com.example.zrequest.v0001.ItemType"].properties["Price"].scale, None);
    assert!(!metadata.sets["Requests"].is_deletable && !metadata.sets["RequestItems"].is_creatable);
    assert_eq!(metadata.sets["RequestItems"].not_updatable, ["Material"]);
    let submit = &metadata.operations["com.example.zrequest.v0001.Submit"];
    assert_eq!(submit.bound_to.as_deref(), Some("com.example.zrequest.v0001.RequestType"));
    assert_eq!(submit.parameters.len(), 1);
}

#[test]
fn faults_name_their_place() {
    let frame = |schema: &str| format!("<Edmx Version=\"1.0\">\n<DataServices>{schema}</DataServices></Edmx>");
    let check = |text: &str, expect: &str| {
        let found = Metadata::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(found.contains(expect) && !found.is_empty(), "{text:?}: {found:?}");
    };
    check("", "line 1 column 1: there is no XML here");
    check("<html><body>Logon</body></html>", "line 1 column 1: the outermost element is html");
    check("<Edmx>\n<DataServices>\n", "line 3 column 1: the document ends within DataServices");
    check("<Edmx>\n</Data>", "line 2");
    check("<!DOCTYPE x><Edmx/>", "a document type is not accepted");
    check("<Edmx/>", "there is no Schema");
    check(&frame("<Schema/>"), "line 2 column 15: Schema has no Namespace");
    check(&frame("<Schema Namespace='a'><EntityType/></Schema>"), "line 2 column 37: EntityType has no Name");
    check(
        &frame("<Schema Namespace='a'><EntityType Name='T'><Property Name='x'/></EntityType></Schema>"),
        "has no Type",
    );
    let key = "<EntityType Name='T'><Key><PropertyRef Name='k'/></Key></EntityType>";
    check(&frame(&format!("<Schema Namespace='a'>{key}</Schema>")), "the key of T names k, which is no property");
    let set = "<EntityContainer Name='c'><EntitySet Name='S' EntityType='a.T'/></EntityContainer>";
    check(&frame(&format!("<Schema Namespace='a'>{set}</Schema>")), "set S is of type a.T, which does not exist");
    check(&"<a>".repeat(100), "within one another");
}

#[test]
fn unknown_parts_are_passed_over() {
    let text = "<Edmx Version='4.01'><x/><DataServices><Schema Namespace='a' Alias='b'><Term/>\
        <EntityType Name='Base' Abstract='true'><Key><PropertyRef Name='k'/></Key>\
        <Property Name='k' Type='Edm.Stream'/><Property Name='l' Type='b.Colour' DefaultValue='x' New='1'/></EntityType>\
        <EntityType Name='T' BaseType='b.Base' OpenType='true'><Property Name='g' Type='Collection(Edm.GeographyPoint)'/>\
        </EntityType><EntityContainer Name='c'><Singleton Name='Me' Type='b.T'/></EntityContainer>\
        <Annotations Target='b.Nothing/k'><Annotation Term='x.y'/></Annotations></Schema></DataServices></Edmx>";
    let metadata = Metadata::parse(text).expect("lenient");
    let derived = &metadata.types["a.T"];
    assert_eq!((derived.keys.clone(), derived.is_open), (vec!["k".to_owned()], true));
    assert_eq!(derived.properties["l"].kind, Kind::Named("a.Colour".into()));
    assert!(derived.properties["g"].is_list && metadata.sets["Me"].is_single);
}
