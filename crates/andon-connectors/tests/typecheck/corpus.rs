//! A corpus of configuration faults: the good scenario, each time with one thing wrong. Most must be caught.
//!
//! Generated faults are made from every member of the bodies and from the metadata; written ones are pieces of text
//! and what stands in their place. A fault counts as caught when a finding names the word that belongs to it.

use std::collections::BTreeMap;

use andon_connectors::metadata::{Kind, Metadata, Property, Version};

use crate::scenario::Scenario;
use crate::steps;

const NOTIFY: &str = "actions/notify.toml";
const REQUEST: &str = "actions/request.toml";
const TABLE: &str = "tables/device.json";
const LOOKUP: &str = "lookups/site.csv";

/// Share of the faults that must be caught, in percent.
const LEAST_PERCENT: usize = 95;

/// One thing wrong.
pub(crate) struct Fault {
    class: &'static str,
    file: &'static str,
    from: String,
    to: String,
    /// A finding must hold it.
    word: String,
}

pub(crate) fn fault(class: &'static str, file: &'static str, from: &str, to: &str, word: &str) -> Fault {
    Fault { class, file, from: from.to_owned(), to: to.to_owned(), word: word.to_owned() }
}

/// Faults of one class in one file: piece, what stands in its place, word.
pub(crate) fn written(class: &'static str, file: &'static str, faults: &[(&str, &str, &str)]) -> Vec<Fault> {
    faults.iter().map(|(from, to, word)| fault(class, file, from, to, word)).collect()
}

/// The members of the first body that are properties: name, the text `"name": value`, and the property.
fn members(scenario: &Scenario, file: &str, metadata: &str, kinds: &[&str]) -> Vec<(String, String, Property)> {
    let metadata = Metadata::parse(scenario.text(metadata)).expect("valid");
    let text = scenario.text(file);
    let mut found = Vec::new();
    for (name, property) in kinds.iter().flat_map(|kind| &metadata.types[*kind].properties) {
        let Some(at) = text.find(&format!("\"{name}\": ")) else { continue };
        let rest = &text[at + name.len() + 4..];
        let end = match rest.strip_prefix('"') {
            Some(inner) => 2 + inner.find('"').expect("closed"),
            None => rest.find([',', '\n', '}']).expect("something follows"),
        };
        found.push((name.clone(), text[at..at + name.len() + 4 + end].to_owned(), property.clone()));
    }
    found
}

/// The first two letters that differ change places.
fn misspelt(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = (1..letters.len() - 1).find(|at| letters[*at] != letters[at + 1]).unwrap_or(0);
    letters.swap(at, at + 1);
    letters.into_iter().collect()
}

/// Values that are not of the type.
fn wrong_values(property: &Property, version: Version) -> Vec<&'static str> {
    match &property.kind {
        Kind::String => vec!["17", "true", "[\"a\"]"],
        Kind::Boolean => vec!["\"true\"", "\"X\"", "1"],
        Kind::Integer(..) => vec!["\"3\"", "3.5", "99999999999"],
        Kind::Int64 => vec!["90000000000", "\"many\""],
        Kind::Decimal if version == Version::V2 => vec!["1.5", "\"1,5\"", "\"1.23456\""],
        Kind::Decimal => vec!["\"1.5\"", "99999999999999"],
        Kind::Double => vec!["\"much\"", "true"],
        Kind::DateTime | Kind::DateTimeOffset | Kind::Date => {
            vec!["\"01.05.2026\"", "\"2026-13-01T00:00:00\"", "20260501"]
        }
        Kind::Time | Kind::TimeOfDay => vec!["\"8 o'clock\"", "\"25:00:00\"", "8"],
        Kind::Guid => vec!["\"0a1b2c3d\"", "5"],
        _ => Vec::new(),
    }
}

fn generated(scenario: &Scenario, file: &'static str, metadata: &str, kinds: &[&str]) -> Vec<Fault> {
    let version = Metadata::parse(scenario.text(metadata)).expect("valid").version;
    let mut faults = Vec::new();
    for (name, member, property) in members(scenario, file, metadata, kinds) {
        let quoted = format!("\"{name}\"");
        let wrong = misspelt(&name);
        faults.push(fault("misspelt property", file, &quoted, &format!("\"{wrong}\""), &wrong));
        if let Some(most) = property.max_length {
            let long = format!("{quoted}: \"{}\"", "7".repeat(most + 1));
            faults.push(fault("literal too long", file, &member, &long, &name));
            let padded = format!("{quoted}: \"{}${{{{decision.kind}}}}\"", "7".repeat(most - 1));
            faults.push(fault("literal and value too long", file, &member, &padded, &name));
        }
        for value in wrong_values(&property, version) {
            faults.push(fault("wrong type", file, &member, &format!("{quoted}: {value}"), &name));
        }
        if property.kind != Kind::String && !matches!(property.kind, Kind::Double) {
            let text = format!("{quoted}: \"${{{{decision.text}}}}\"");
            faults.push(fault("wrong type from a table", file, &member, &text, &name));
        }
    }
    faults
}

fn bodies() -> Vec<Fault> {
    let mut faults = written(
        "missing mandatory",
        NOTIFY,
        &[
            ("  \"ShortText\": \"${{decision.text}}\",\n", "", "ShortText takes no null"),
            ("\"ItemText\": \"${{decision.text | left(20)}}\", ", "", "ItemText is mandatory"),
        ],
    );
    faults.extend(written(
        "missing mandatory",
        REQUEST,
        &[
            ("  \"Description\": \"${{decision.text}}\",\n", "", "Description is mandatory"),
            ("\"ShortText\": \"Spare part ordered\", ", "", "ShortText"),
            ("\"ItemText\": \"Order\", ", "", "ItemText is mandatory"),
        ],
    ));
    for name in ["Number", "MachineLabel", "StatusText", "ChangedAt"] {
        let to = format!("\"IsDown\": true,\n  \"{name}\": \"1\"");
        faults.push(fault("not creatable", NOTIFY, "\"IsDown\": true", &to, name));
        let to = format!("\"Priority\": \"1\",\n  \"{name}\": \"1\"");
        faults.push(fault("not updatable", NOTIFY, "\"Priority\": \"1\"", &to, name));
    }
    faults.extend(written(
        "not updatable",
        NOTIFY,
        &[("\"Priority\": \"1\"", "\"Kind\": \"M1\"", "Kind"), ("\"Priority\": \"1\"", "\"Items\": []", "Items")],
    ));
    faults.extend(written(
        "not creatable",
        REQUEST,
        &[
            ("\"OnlyValidate\": false", "\"CreatedBy\": \"ANDON\"", "CreatedBy"),
            ("\"Price\": 110.25", "\"ChangedAt\": \"2026-05-01T00:00:00Z\"", "ChangedAt"),
        ],
    ));
    faults.extend(written(
        "form of related entities",
        NOTIFY,
        &[("\"results\": [", "\"result\": [", "Items"), ("\"Items\": {", "\"Itmes\": {", "Itmes")],
    ));
    faults.extend(written("form of related entities", REQUEST, &[("\"_Item\": [", "\"_Items\": [", "_Items")]));
    faults.extend(written(
        "given twice",
        NOTIFY,
        &[("\"IsDown\": true", "\"IsDown\": true, \"IsDown\": false", "IsDown")],
    ));
    faults.extend(written(
        "no null",
        NOTIFY,
        &[("\"ShortText\": \"${{decision.text}}\"", "\"ShortText\": null", "ShortText")],
    ));
    faults.extend(written(
        "parameter of an action",
        REQUEST,
        &[
            ("{\"Reason\":", "{\"Raeson\":", "Raeson"),
            ("\"${{decision.kind}}\"}", "\"because this takes too long\"}", "Reason"),
        ],
    ));
    faults
}

fn addresses() -> Vec<Fault> {
    let mut faults = written(
        "unknown set",
        NOTIFY,
        &[
            ("path = \"Notifications\"", "path = \"Notification\"", "Notification"),
            ("path = \"Notifications('", "path = \"Notificatons('", "Notificatons"),
            ("path = \"Machines(", "path = \"Machine(", "Machine"),
            ("path = \"Release\"", "path = \"Relaese\"", "Relaese"),
            ("path = \"History\"", "path = \"Histroy\"", "Histroy"),
        ],
    );
    faults.extend(written(
        "unknown set",
        REQUEST,
        &[
            ("path = \"Requests\"", "path = \"Request\"", "Request"),
            ("path = \"$1/Items\"", "path = \"$1/Item\"", "Item"),
            ("v0001.Submit", "v0001.Sbumit", "Sbumit"),
        ],
    ));
    let v2 = "service = \"/sap/opu/odata/sap/ZPLANT_MAINTENANCE_SRV\"\nmethod = \"POST\"\npath = \"Notifications\"";
    let v4 = v2
        .replace("/sap/opu/odata/sap/ZPLANT_MAINTENANCE_SRV", "/sap/opu/odata4/sap/zrequest/srvd_a2x/sap/request/0001");
    faults.push(fault("wrong service", NOTIFY, v2, &v4, "Notifications"));
    let back =
        "service = \"/sap/opu/odata4/sap/zrequest/srvd_a2x/sap/request/0001\"\nmethod = \"POST\"\npath = \"Requests\"";
    let other = back
        .replace("/sap/opu/odata4/sap/zrequest/srvd_a2x/sap/request/0001", "/sap/opu/odata/sap/ZPLANT_MAINTENANCE_SRV");
    faults.push(fault("wrong service", REQUEST, back, &other, "Requests"));
    faults.extend(written("wrong service", REQUEST, &[("kind = \"odata-v4\"", "kind = \"odata\"", "odata-v4")]));
    faults.extend(written("wrong service", NOTIFY, &[("kind = \"odata\"", "kind = \"odata-v4\"", "odata")]));
    faults.extend(written(
        "wrong method",
        NOTIFY,
        &[
            ("method = \"POST\"\npath = \"Notifications\"", "method = \"PATCH\"\npath = \"Notifications\"", "PATCH"),
            ("method = \"PATCH\"", "method = \"DELETE\"", "delete"),
            ("method = \"PATCH\"", "method = \"POST\"", "POST"),
            ("method = \"POST\"\npath = \"Release\"", "method = \"GET\"\npath = \"Release\"", "Release"),
            ("method = \"GET\"\npath = \"History\"", "method = \"POST\"\npath = \"History\"", "History"),
            ("method = \"GET\"\npath = \"Machines", "method = \"PATCH\"\npath = \"Machines", "change"),
        ],
    ));
    faults.extend(written(
        "wrong method",
        REQUEST,
        &[
            ("method = \"POST\"\npath = \"Requests\"", "method = \"MERGE\"\npath = \"Requests\"", "MERGE"),
            ("path = \"Requests\"", "path = \"RequestItems\"", "RequestItems"),
            ("method = \"PATCH\"\npath = \"Items(", "method = \"PATCH\"\npath = \"Machines(", "Machines"),
        ],
    ));
    faults
}

fn keys_and_queries() -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(written(
        "wrong key predicate",
        NOTIFY,
        &[
            ("Machine='${{lookups.site.machine}}',", "", "Machine"),
            ("(Machine='${{lookups.site.machine}}'", "(Machien='${{lookups.site.machine}}'", "Machien"),
            ("Machine='${{lookups.site.machine}}',V", "Machine=${{lookups.site.machine}},V", "Machine"),
            ("datetime'9999-12-31T00:00:00'", "'9999-12-31T00:00:00'", "ValidTo"),
            ("datetime'9999-12-31T00:00:00'", "datetime'31.12.9999'", "ValidTo"),
            ("datetime'9999-12-31T00:00:00'", "datetime'9999-12-31T23:59:59'", "ValidTo"),
            ("Notifications('${{main.create.d.Number}}')", "Notifications(${{main.create.d.Number}})", "Number"),
            ("Notifications('${{main.create.d.Number}}')", "Notifications('000000000000001')", "Number"),
            ("Notifications('${{main", "Notifications(Numbre='${{main", "Numbre"),
            ("Notifications('${{main.create.d.Number}}')", "Notifications(guid'${{main.create.d.Number}}')", "Number"),
        ],
    ));
    faults.extend(written(
        "wrong key predicate",
        REQUEST,
        &[
            (",Position='0001')", ")", "Position"),
            ("Position='0001'", "Position=1", "Position"),
            ("Position='0001'", "Position='00001'", "Position"),
        ],
    ));
    faults.extend(written(
        "query",
        NOTIFY,
        &[
            ("Machine,MachineName,Plant", "Machine,MachinName,Plant", "MachinName"),
            ("\"$select\"", "\"$slect\"", "$slect"),
            ("query = { Number = ", "query = { Nubmer = ", "Nubmer"),
            ("query = { Number = \"'${{main.create.d.Number}}'\" }\n", "", "Number"),
            (
                "query = { Number = \"'${{main.create.d.Number}}'\" }",
                "query = { Number = \"${{main.create.d.Number}}\" }",
                "Number",
            ),
            ("{ Machine = \"'${{", "{ Machine = \"'00000000000000${{", "Machine"),
        ],
    ));
    faults
}

fn guards_and_answers() -> Vec<Fault> {
    let mut faults = written(
        "bad guard",
        NOTIFY,
        &[
            ("set = \"Notifications\"", "set = \"Notification\"", "Notification"),
            ("field = \"Reference\"", "field = \"Refrence\"", "Refrence"),
            ("field = \"Reference\"", "field = \"HiddenReference\"", "HiddenReference"),
            ("field = \"Reference\"", "field = \"ShortReference\"", "ShortReference"),
            ("field = \"Reference\"", "field = \"StatusText\"", "StatusText"),
            ("field = \"Reference\"", "field = \"Batch\"", "Batch"),
            ("set = \"Notifications\"", "set = \"Items\"", "Reference"),
            ("field = \"Reference\"", "field = \"Reference\", value = \"Andon ${{key}}\"", "Reference"),
            ("set = \"Notifications\", field", "list = \"Histry\", field", "Histry"),
        ],
    );
    faults.extend(written(
        "bad guard",
        REQUEST,
        &[
            ("set = \"RequestItems\"", "set = \"Requests\"", "ExternalReference"),
            ("field = \"ExternalReference\"", "field = \"Quantity\"", "Quantity"),
        ],
    ));
    faults.extend(written(
        "answer path",
        NOTIFY,
        &[
            ("document = \"d.Number\"", "document = \"d.Nubmer\"", "Nubmer"),
            ("document = \"d.Number\"", "document = \"Number\"", "d.Number"),
            ("main.create.d.ShortText", "main.create.d.ShortTxt", "ShortTxt"),
            ("pre.machine.d.MachineName", "pre.machine.d.Name", "Name"),
            ("pre.before.d.results[0].Number", "pre.before.d.results[0].No", "No"),
            ("pre.before.d.results[0].Number", "pre.before.d.Number", "results"),
        ],
    ));
    faults.extend(written(
        "answer path",
        REQUEST,
        &[
            ("document = \"Request\"", "document = \"d.Request\"", "d"),
            ("main.create.Request}}')/com", "main.create.Requets}}')/com", "Requets"),
        ],
    ));
    faults
}

fn tables_and_lookups() -> Vec<Fault> {
    let mut faults = Vec::new();
    for (output, wrong) in [("text", "txt"), ("kind", "kidn"), ("priority", "prioritty")] {
        let (from, to) = (format!("{{{{decision.{output}"), format!("{{{{decision.{wrong}"));
        faults.push(fault("output misspelt", NOTIFY, &from, &to, wrong));
        let (from, to) = (format!("\"field\": \"{output}\""), format!("\"field\": \"{output}s\""));
        faults.push(fault("output missing in the table", TABLE, &from, &to, output));
    }
    faults.extend(written(
        "output misspelt",
        NOTIFY,
        &[
            ("{{decision.text | left(20)", "{{decision.texts | left(20)", "texts"),
            ("{{decision.text}}, ", "{{decision.txet}}, ", "txet"),
        ],
    ));
    faults.extend(written(
        "output misspelt",
        REQUEST,
        &[("{{decision.text", "{{decision.short", "short"), ("{{decision.kind", "{{decision.kinds", "kinds")],
    ));
    let long = "Failure ahead, stop safely, and tell the shift manager";
    faults.extend(written(
        "output too long in one row",
        TABLE,
        &[
            ("Failure ahead, stop safely", long, "ShortText takes 40 characters, row 1 of decision device gives 54"),
            ("Anomaly, please inspect", "Anomaly that somebody should please inspect", "row 2"),
            ("Wear part reaches its limit", "Wear part reaches its limit within a week", "Description"),
            ("\"k\": \"\\\"M2\\\"\"", "\"k\": \"\\\"M2A\\\"\"", "Kind"),
            ("\"p\": \"\\\"3\\\"\"", "\"p\": \"\\\"10\\\"\"", "Priority"),
        ],
    ));
    faults.extend(written(
        "output empty in one row",
        TABLE,
        &[
            ("\"p\": \"\\\"1\\\"\"", "\"p\": \"\"", "row 1"),
            ("\"x\": \"\\\"Anomaly, please inspect\\\"\"", "\"x\": \"\"", "row 2"),
            ("\"k\": \"\\\"NB\\\"\"", "\"k\": \"\"", "row 3"),
        ],
    ));
    for (column, wrong) in [("plant", "plnat"), ("machine", "machien"), ("damage_group", "damagegroup")] {
        let (from, to) = (format!("{{{{lookups.site.{column}"), format!("{{{{lookups.site.{wrong}"));
        faults.push(fault("lookup column misspelt", NOTIFY, &from, &to, wrong));
        faults.push(fault("lookup column missing", LOOKUP, &format!(",{column}"), &format!(",{wrong}"), column));
    }
    faults.extend(written("lookup misspelt", NOTIFY, &[("{{lookups.site.plant", "{{lookups.sites.plant", "sites")]));
    faults.extend(written("lookup misspelt", REQUEST, &[("{{lookups.site.spare", "{{lookups.side.spare", "side")]));
    faults.extend(written(
        "lookup value too long",
        LOOKUP,
        &[
            ("hall-1,1010", "hall-1,10100", "hall-1"),
            ("PM-CONV", "PM-CONVEYOR", "hall-3"),
            ("210100095", "0000000000210100095", "hall-2"),
        ],
    ));
    faults.extend(written("lookup value of the wrong form", LOOKUP, &[("210100095", "M-210100095", "hall-2")]));
    faults
}

fn dates_and_filters() -> Vec<Fault> {
    let mut faults = written(
        "bad date",
        NOTIFY,
        &[
            ("2026-05-01T00:00:00\"", "2026-05-01\"", "RequiredDay"),
            ("2026-05-01T00:00:00\"", "2026-05-01T00:00:00Z\"", "RequiredDay"),
            ("2026-05-01T00:00:00\"", "2026-05-01T12:30:00\"", "RequiredDay"),
            ("2026-05-01T00:00:00\"", "/Date(1687839153000)/\"", "RequiredDay"),
            ("\"${{event.time | odata_day}}\"", "\"${{event.time | odata_time}}\"", "FaultDay"),
            ("\"${{event.time | odata_day}}\"", "\"${{event.time}}\"", "FaultDay"),
            ("\"${{event.time | odata_day}}\"", "\"${{event.time | odata_date}}\"", "FaultDay"),
            ("\"${{event.time | odata_time}}\"", "\"${{event.time | odata_date}}\"", "FaultTime"),
            ("\"SeenAt\": \"${{event.time}}\"", "\"SeenAt\": \"${{event.time | odata_time}}\"", "SeenAt"),
        ],
    );
    faults.extend(written(
        "bad date",
        REQUEST,
        &[
            ("\"2026-05-01\"", "\"2026-05-01T00:00:00\"", "DeliveryDate"),
            ("\"2026-05-01\"", "\"${{event.time | odata_day}}\"", "DeliveryDate"),
            ("\"2026-05-01\"", "\"/Date(0)/\"", "DeliveryDate"),
            ("\"08:00:00\"", "\"PT08H00M00S\"", "DeliveryTime"),
        ],
    ));
    faults.extend(written(
        "limit above the field's",
        NOTIFY,
        &[
            ("{{decision.text | left(20)", "{{event.data.text | left(40)", "ItemText"),
            ("\"${{decision.priority}}\"", "\"${{event.data.class | upper | truncate(4)}}\"", "Priority"),
            ("\"${{decision.text}}\"", "\"Reported: ${{event.data.text | left(40)}}\"", "ShortText"),
            ("{{decision.text | left(20)", "{{event.data.text | pad_left(30)", "ItemText"),
        ],
    ));
    faults
}

fn corpus(scenario: &Scenario) -> Vec<Fault> {
    let v2 = ["zplant.Notification", "zplant.Item"];
    let v4 = ["com.example.zrequest.v0001.RequestType", "com.example.zrequest.v0001.ItemType"];
    let mut faults = generated(scenario, NOTIFY, "metadata/zplant_maintenance_srv.xml", &v2);
    faults.extend(generated(scenario, REQUEST, "metadata/zrequest.request.0001.xml", &v4));
    let groups =
        [bodies(), addresses(), keys_and_queries(), guards_and_answers(), tables_and_lookups(), dates_and_filters()];
    faults.extend(groups.into_iter().flatten());
    faults.extend(steps::faults());
    faults
}

#[test]
fn most_seeded_faults_are_caught() {
    let good = Scenario::good();
    let faults = corpus(&good);
    let mut classes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for fault in &faults {
        let findings = good.with(fault.file, &fault.from, &fault.to).check();
        let texts: Vec<String> = findings.iter().map(|finding| finding.problem.to_string()).collect();
        let is_caught = texts.iter().any(|text| text.contains(&fault.word));
        let (caught, all) = classes.entry(fault.class).or_default();
        (*caught, *all) = (*caught + usize::from(is_caught), *all + 1);
        if !is_caught {
            println!("escaped: {} in {}: {} -> {} {texts:?}", fault.class, fault.file, fault.from, fault.to);
        }
    }
    let caught: usize = classes.values().map(|(caught, _)| caught).sum();
    for (class, (caught, all)) in &classes {
        println!("{class}: {caught} of {all}");
    }
    let all = faults.len();
    println!("{caught} of {all} faults in {} classes are caught", classes.len());
    assert!(all >= 100 && classes.len() >= 12, "the corpus is too small: {all} in {} classes", classes.len());
    assert!(caught * 100 >= all * LEAST_PERCENT, "only {caught} of {all} are caught");
}
