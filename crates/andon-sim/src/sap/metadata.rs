//! The service document and `$metadata`, generated from the field facts.

use serde_json::json;

use super::fields::{Edm, Effect, EntityType, Field, Function, Navigation, Service};

/// The service document in JSON.
pub(crate) fn document_json(service: &Service) -> String {
    let sets: Vec<&str> = service.types().map(|kind| kind.set).collect();
    json!({"d": {"EntitySets": sets}}).to_string()
}

/// The service document in XML.
pub(crate) fn document_xml(service: &Service, base: &str) -> String {
    let collection = |kind: &EntityType| {
        let set = kind.set;
        format!("<app:collection href=\"{set}\"><atom:title>{set}</atom:title></app:collection>")
    };
    let collections: String = service.types().map(collection).collect();
    format!(
        "<app:service xml:base=\"{base}/\" xmlns:app=\"http://www.w3.org/2007/app\" \
         xmlns:atom=\"http://www.w3.org/2005/Atom\"><app:workspace><atom:title>Data</atom:title>{collections}\
         </app:workspace></app:service>"
    )
}

/// The metadata document.
pub(crate) fn edmx(service: &Service) -> String {
    let types: String = service.types().map(|kind| entity_type(service, kind)).collect();
    let associations: String = service.types().map(|kind| associations(service, kind)).collect();
    let (container, concurrency) = (container(service), concurrency(service));
    let namespace = service.namespace;
    format!(
        "<edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" \
         xmlns:sap=\"http://www.sap.com/Protocols/SAPData\"><edmx:DataServices m:DataServiceVersion=\"2.0\">\
         <Schema Namespace=\"{namespace}\" xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">\
         {types}{associations}{container}{concurrency}</Schema></edmx:DataServices></edmx:Edmx>"
    )
}

/// Which property of a set is the source of its `ETag`.
fn concurrency(service: &Service) -> String {
    let annotation = |kind: &EntityType| {
        let (namespace, set, stamp) = (service.namespace, kind.set, kind.stamp?);
        Some(format!(
            "<Annotations Target=\"{namespace}.{namespace}_Entities/{set}\" \
             xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\
             <Annotation Term=\"Org.OData.Core.V1.OptimisticConcurrency\"><Collection>\
             <PropertyPath>{stamp}</PropertyPath></Collection></Annotation></Annotations>"
        ))
    };
    service.types().filter_map(annotation).collect()
}

fn entity_type(service: &Service, kind: &EntityType) -> String {
    let key = |name: &&str| format!("<PropertyRef Name=\"{name}\"/>");
    let keys: String = kind.keys.iter().map(key).collect();
    let properties: String = kind.fields.iter().map(|field| property(kind, field)).collect();
    let navigation = |name: &str| {
        let association = format!("{}.{}_{name}", service.namespace, kind.set);
        format!(
            "<NavigationProperty Name=\"{name}\" Relationship=\"{association}\" FromRole=\"Parent\" ToRole=\"Child\"/>"
        )
    };
    let navigations: String = kind.navigations.iter().map(|n| navigation(n.name)).collect();
    let stream = if service.media { " m:HasStream=\"true\"" } else { "" };
    format!("<EntityType Name=\"{}\"{stream}><Key>{keys}</Key>{properties}{navigations}</EntityType>", kind.name)
}

fn property(kind: &EntityType, field: &Field) -> String {
    let nullable = !field.required && !kind.keys.contains(&field.name);
    let (name, edm, format) = (field.name, edm_type(field.edm), display_format(field));
    let flags = [
        (field.creatable, " sap:creatable=\"false\""),
        (field.updatable, " sap:updatable=\"false\""),
        (field.filterable, " sap:filterable=\"false\""),
    ];
    let denied: String = flags.into_iter().filter(|(allowed, _)| !allowed).map(|(_, flag)| flag).collect();
    format!("<Property Name=\"{name}\" {edm} Nullable=\"{nullable}\"{format}{denied}/>")
}

fn edm_type(edm: Edm) -> String {
    match edm {
        Edm::Text(0) => "Type=\"Edm.String\"".to_owned(),
        Edm::Text(length) | Edm::Digits(length) => format!("Type=\"Edm.String\" MaxLength=\"{length}\""),
        Edm::Date => "Type=\"Edm.DateTime\" Precision=\"0\"".to_owned(),
        Edm::Moment => "Type=\"Edm.DateTimeOffset\" Precision=\"0\"".to_owned(),
        Edm::Time => "Type=\"Edm.Time\" Precision=\"0\"".to_owned(),
        Edm::Flag => "Type=\"Edm.Boolean\"".to_owned(),
        Edm::Double => "Type=\"Edm.Double\"".to_owned(),
        Edm::Int => "Type=\"Edm.Int32\"".to_owned(),
        Edm::Decimal(precision, scale) => format!("Type=\"Edm.Decimal\" Precision=\"{precision}\" Scale=\"{scale}\""),
        Edm::Guid => "Type=\"Edm.Guid\"".to_owned(),
    }
}

fn display_format(field: &Field) -> &'static str {
    match field.edm {
        Edm::Date => " sap:display-format=\"Date\"",
        Edm::Digits(_) => " sap:display-format=\"NonNegative\"",
        Edm::Text(_) if field.upper => " sap:display-format=\"UpperCase\"",
        _ => "",
    }
}

fn associations(service: &Service, kind: &EntityType) -> String {
    let one = |navigation: &Navigation| {
        let (namespace, set, parent) = (service.namespace, kind.set, kind.name);
        let (name, target) = (navigation.name, navigation.target.name);
        let many = if navigation.single { "0..1" } else { "*" };
        format!(
            "<Association Name=\"{set}_{name}\"><End Type=\"{namespace}.{parent}\" Multiplicity=\"1\" Role=\"Parent\"/>\
             <End Type=\"{namespace}.{target}\" Multiplicity=\"{many}\" Role=\"Child\"/></Association>"
        )
    };
    kind.navigations.iter().map(one).collect()
}

fn container(service: &Service) -> String {
    let namespace = service.namespace;
    let set = |kind: &EntityType| {
        let denied = denied(service, kind);
        format!(
            "<EntitySet Name=\"{}\" EntityType=\"{namespace}.{}\" sap:deletable=\"false\"{denied}/>",
            kind.set, kind.name
        )
    };
    let sets: String = service.types().map(set).collect();
    let links: String = service.types().map(|kind| association_sets(service, kind)).collect();
    let functions: String = service.functions.iter().map(|function| function_import(service, function)).collect();
    format!(
        "<EntityContainer Name=\"{namespace}_Entities\" m:IsDefaultEntityContainer=\"true\">{sets}{links}{functions}\
         </EntityContainer>"
    )
}

/// Which sets the ends of an association stand in; without it a client cannot follow a navigation.
fn association_sets(service: &Service, kind: &EntityType) -> String {
    let one = |navigation: &Navigation| {
        let (namespace, set, name, target) = (service.namespace, kind.set, navigation.name, navigation.target.set);
        format!(
            "<AssociationSet Name=\"{set}_{name}Set\" Association=\"{namespace}.{set}_{name}\">\
             <End EntitySet=\"{set}\" Role=\"Parent\"/><End EntitySet=\"{target}\" Role=\"Child\"/></AssociationSet>"
        )
    };
    kind.navigations.iter().map(one).collect()
}

/// What the set itself does not offer; children are created with their document only.
fn denied(service: &Service, kind: &EntityType) -> String {
    let (allowed, root) = (service.allowed, std::ptr::eq(kind, service.root));
    let addressable = if root { allowed.read && !service.media } else { allowed.read_parts };
    let flags = [
        (allowed.create && root, " sap:creatable=\"false\""),
        (allowed.change && root, " sap:updatable=\"false\""),
        (addressable, " sap:addressable=\"false\""),
    ];
    flags.into_iter().filter(|(offered, _)| !offered).map(|(_, flag)| flag).collect()
}

fn function_import(service: &Service, function: &Function) -> String {
    let parameter = |field: &Field| format!("<Parameter Name=\"{}\" {} Mode=\"In\"/>", field.name, edm_type(field.edm));
    let parameters: String = function.parameters.iter().map(parameter).collect();
    let method = if function.effect.reads() { "GET" } else { "POST" };
    let kind = format!("{}.{}", service.namespace, service.root.name);
    let returned = match function.effect {
        Effect::ListOriginals => format!("Collection({kind})"),
        _ => kind,
    };
    format!(
        "<FunctionImport Name=\"{}\" ReturnType=\"{returned}\" EntitySet=\"{}\" m:HttpMethod=\"{method}\">{parameters}\
         </FunctionImport>",
        function.name, service.root.set
    )
}
