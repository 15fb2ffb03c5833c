//! The service document and `$metadata`, generated from the field facts.

use serde_json::json;

use super::fields::{Edm, EntityType, Field, Function, Service};

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
    let container = container(service);
    let namespace = service.namespace;
    format!(
        "<edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" \
         xmlns:sap=\"http://www.sap.com/Protocols/SAPData\"><edmx:DataServices m:DataServiceVersion=\"2.0\">\
         <Schema Namespace=\"{namespace}\" xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">\
         {types}{associations}{container}</Schema></edmx:DataServices></edmx:Edmx>"
    )
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
    format!("<EntityType Name=\"{}\"><Key>{keys}</Key>{properties}{navigations}</EntityType>", kind.name)
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
    let one = |name: &str, target: &str| {
        let (namespace, set, parent) = (service.namespace, kind.set, kind.name);
        format!(
            "<Association Name=\"{set}_{name}\"><End Type=\"{namespace}.{parent}\" Multiplicity=\"1\" Role=\"Parent\"/>\
             <End Type=\"{namespace}.{target}\" Multiplicity=\"*\" Role=\"Child\"/></Association>"
        )
    };
    kind.navigations.iter().map(|navigation| one(navigation.name, navigation.target.name)).collect()
}

fn container(service: &Service) -> String {
    let namespace = service.namespace;
    let set = |kind: &EntityType| {
        format!("<EntitySet Name=\"{}\" EntityType=\"{namespace}.{}\" sap:deletable=\"false\"/>", kind.set, kind.name)
    };
    let sets: String = service.types().map(set).collect();
    let functions: String = service.functions.iter().map(|function| function_import(service, function)).collect();
    format!(
        "<EntityContainer Name=\"{namespace}_Entities\" m:IsDefaultEntityContainer=\"true\">{sets}{functions}\
         </EntityContainer>"
    )
}

fn function_import(service: &Service, function: &Function) -> String {
    let parameter = |field: &Field| format!("<Parameter Name=\"{}\" {} Mode=\"In\"/>", field.name, edm_type(field.edm));
    let parameters: String = function.parameters.iter().map(parameter).collect();
    format!(
        "<FunctionImport Name=\"{}\" ReturnType=\"{}.{}\" EntitySet=\"{}\" m:HttpMethod=\"POST\">{parameters}\
         </FunctionImport>",
        function.name, service.namespace, service.root.name, service.root.set
    )
}
