//! The service document and `$metadata` of OData V4, generated from the field facts.
//!
//! What V2 says in attributes of SAP's own, V4 says by annotations: `Computed` for what the system assigns,
//! `Immutable` for what cannot be changed later, `RequiredProperties` for what a create must bring,
//! `OptimisticConcurrency` for the source of the `ETag`.

use serde_json::json;

use super::fields::{Edm, EntityType, Field, Service};

/// The service document.
pub(crate) fn document(service: &Service) -> String {
    let sets: Vec<_> = service.types().map(|kind| json!({"name": kind.set, "url": kind.set})).collect();
    json!({"@odata.context": "$metadata", "value": sets}).to_string()
}

/// The metadata document.
pub(crate) fn edmx(service: &Service) -> String {
    let namespace = service.namespace;
    let types: String = service.types().map(|kind| entity_type(service, kind)).collect();
    let sets: String = service.types().map(|kind| entity_set(service, kind)).collect();
    let annotations: String = service.types().map(|kind| annotations(service, kind)).collect();
    format!(
        "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" \
         xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">{}{}<edmx:DataServices>\
         <Schema Namespace=\"{namespace}\" Alias=\"SAP__self\">{types}\
         <EntityContainer Name=\"Container\">{sets}</EntityContainer>{annotations}</Schema>\
         </edmx:DataServices></edmx:Edmx>",
        reference("Org.OData.Core.V1", "SAP__core"),
        reference("Org.OData.Capabilities.V1", "SAP__capabilities"),
    )
}

fn reference(vocabulary: &str, alias: &str) -> String {
    format!(
        "<edmx:Reference Uri=\"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/{vocabulary}.xml\">\
         <edmx:Include Namespace=\"{vocabulary}\" Alias=\"{alias}\"/></edmx:Reference>"
    )
}

fn entity_type(service: &Service, kind: &EntityType) -> String {
    let key = |name: &&str| format!("<PropertyRef Name=\"{name}\"/>");
    let keys: String = kind.keys.iter().map(key).collect();
    let properties: String = kind.fields.iter().map(property).collect();
    let navigations = kind.navigations.iter().map(|navigation| {
        let target = format!("{}.{}", service.namespace, navigation.target.name);
        let target = if navigation.single { target } else { format!("Collection({target})") };
        format!("<NavigationProperty Name=\"{}\" Type=\"{target}\"/>", navigation.name)
    });
    let navigations: String = navigations.collect();
    format!("<EntityType Name=\"{}\"><Key>{keys}</Key>{properties}{navigations}</EntityType>", kind.name)
}

fn property(field: &Field) -> String {
    let nullable = matches!(field.edm, Edm::Date | Edm::Moment | Edm::Time | Edm::Guid);
    let denied = if nullable { "" } else { " Nullable=\"false\"" };
    format!("<Property Name=\"{}\" {}{denied}/>", field.name, edm_type(field.edm))
}

fn edm_type(edm: Edm) -> String {
    match edm {
        Edm::Text(0) => "Type=\"Edm.String\"".to_owned(),
        Edm::Text(length) | Edm::Digits(length) => format!("Type=\"Edm.String\" MaxLength=\"{length}\""),
        Edm::Date => "Type=\"Edm.Date\"".to_owned(),
        Edm::Moment => "Type=\"Edm.DateTimeOffset\"".to_owned(),
        Edm::Time => "Type=\"Edm.TimeOfDay\"".to_owned(),
        Edm::Flag => "Type=\"Edm.Boolean\"".to_owned(),
        Edm::Double => "Type=\"Edm.Double\"".to_owned(),
        Edm::Int => "Type=\"Edm.Int32\"".to_owned(),
        Edm::Decimal(precision, scale) => format!("Type=\"Edm.Decimal\" Precision=\"{precision}\" Scale=\"{scale}\""),
        Edm::Guid => "Type=\"Edm.Guid\"".to_owned(),
    }
}

fn entity_set(service: &Service, kind: &EntityType) -> String {
    let bindings = kind.navigations.iter().map(|navigation| {
        let (path, target) = (navigation.name, navigation.target.set);
        format!("<NavigationPropertyBinding Path=\"{path}\" Target=\"{target}\"/>")
    });
    let bindings: String = bindings.collect();
    format!(
        "<EntitySet Name=\"{}\" EntityType=\"{}.{}\">{bindings}</EntitySet>",
        kind.set, service.namespace, kind.name
    )
}

fn annotations(service: &Service, kind: &EntityType) -> String {
    let fields: String = kind.fields.iter().map(|field| of_field(kind, field)).collect();
    let required: String = kind.fields.iter().filter(|field| field.required).map(|field| path(field.name)).collect();
    let root = std::ptr::eq(kind, service.root);
    let concurrency = kind.stamp.map(|stamp| {
        format!(
            "<Annotation Term=\"SAP__core.OptimisticConcurrency\"><Collection>{}</Collection></Annotation>",
            path(stamp)
        )
    });
    format!(
        "{fields}<Annotations Target=\"SAP__self.Container/{}\">{}\
         <Annotation Term=\"SAP__capabilities.InsertRestrictions\"><Record>\
         <PropertyValue Property=\"Insertable\" Bool=\"{}\"/>\
         <PropertyValue Property=\"RequiredProperties\"><Collection>{required}</Collection></PropertyValue>\
         </Record></Annotation><Annotation Term=\"SAP__capabilities.UpdateRestrictions\"><Record>\
         <PropertyValue Property=\"Updatable\" Bool=\"{}\"/></Record></Annotation></Annotations>",
        kind.set,
        concurrency.unwrap_or_default(),
        service.allowed.create && root,
        service.allowed.change && root,
    )
}

fn path(name: &str) -> String {
    format!("<PropertyPath>{name}</PropertyPath>")
}

fn of_field(kind: &EntityType, field: &Field) -> String {
    let term = match (field.creatable, field.updatable) {
        (false, _) => "SAP__core.Computed",
        (true, false) => "SAP__core.Immutable",
        (true, true) => return String::new(),
    };
    format!(
        "<Annotations Target=\"SAP__self.{}/{}\"><Annotation Term=\"{term}\"/></Annotations>",
        kind.name, field.name
    )
}
