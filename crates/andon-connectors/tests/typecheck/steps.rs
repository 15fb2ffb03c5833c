//! Faults of what is more than one request: episodes, change sets, attachments, and steps of Andon's own.

use crate::corpus::{Fault, fault, written};

const ALARM: &str = "actions/alarm.toml";
const ALARMS: &str = "tables/alarms.json";
const CREW: &str = "tables/crew.json";
const HALLS: &str = "lookups/halls.csv";

pub(crate) fn faults() -> Vec<Fault> {
    [episodes(), files(), change_sets(), own_steps(), summaries()].into_iter().flatten().collect()
}

/// Episodes: their key, the check, and the update.
fn episodes() -> Vec<Fault> {
    let mut faults = written(
        "key of an episode",
        ALARM,
        &[
            ("/${{decision.kind}}\"", "/${{decision.kidn}}\"", "kidn"),
            ("once_per = \"${{lookups.site.machine", "once_per = \"${{lookups.site.machien", "machien"),
            ("once_per = \"${{lookups.site.", "once_per = \"${{lookups.sites.", "sites"),
        ],
    );
    faults.push(fault("key of an episode", ALARMS, "\"k\": \"\\\"M1\\\"\"", "\"k\": \"\"", "row 2"));
    faults.extend(written(
        "open check",
        ALARM,
        &[
            ("path = \"d.Phase\"", "path = \"d.Pahse\"", "Pahse"),
            ("path = \"d.Phase\"", "path = \"Phase\"", "d.Phase"),
            ("path = \"d.Phase\"", "path = \"d.results[0].Phase\"", "results"),
            ("path = \"d.Phase\"", "path = \"d.IsDown\"", "IsDown"),
            ("\"X\"]", "\"open\"]", "open"),
            ("\"X\"]", "\"x\"]", "upper case"),
            ("path = \"d.Phase\", values = [\"1\"", "path = \"d.Repeats\", values = [\"1.5\"", "1.5"),
            ("path = \"d.Phase\", values = [\"1\"", "path = \"d.Machine\", values = [\"M-1\"", "M-1"),
            ("Notifications('${{episode", "Notification('${{episode", "Notification"),
            ("('${{episode.document}}')\"\nquery", "(${{episode.document}})\"\nquery", "Number"),
            ("('${{episode.document}}')\"\nquery", "\"\nquery", "d.results"),
            ("method = \"GET\"", "method = \"POST\"", "POST"),
            ("Number,Phase,", "Number,Phaze,", "Phaze"),
            ("Number,Phase,", "Number,Repeats,", "Phase"),
        ],
    ));
    faults.extend(written(
        "update",
        ALARM,
        &[
            ("\"Repeats\": $", "\"Repaets\": $", "Repaets"),
            ("\"Repeats\": ${{episode.count}}", "\"Repeats\": \"${{episode.count}}\"", "Repeats"),
            ("\"Repeats\": ${{episode.count}}", "\"Number\": \"${{episode.document}}\"", "Number"),
            ("\"Repeats\": ${{episode.count}}", "\"Kind\": \"M3\"", "Kind"),
            ("\"Repeats\": ${{episode.count}}", "\"Phase\": \"4\"", "Phase"),
            ("\"Repeats\": ${{episode.count}}", "\"Items\": []", "Items"),
            ("\"IsDown\": true", "\"IsDown\": \"true\"", "IsDown"),
            ("\"Priority\": \"${{decision.priority}}\"", "\"Priority\": \"${{decision.text}}\"", "Priority"),
            ("\"Priority\": \"${{decision.priority}}\"", "\"Priority\": \"${{decision.urgency}}\"", "urgency"),
            ("open-check.status.d.ShortText", "open-check.status.d.ShortTxt", "ShortTxt"),
            ("open-check.status.d.ShortText", "open-check.status.ShortText", "d.ShortText"),
            ("method = \"PATCH\"", "method = \"POST\"", "POST"),
            ("method = \"PATCH\"", "method = \"DELETE\"", "delete"),
            ("('${{episode.document}}')\"\nif_match", "('0${{episode.document}}000000000000')\"\nif_match", "Number"),
            ("('${{episode.document}}')\"\nif_match", "\"\nif_match", "PATCH"),
        ],
    ));
    faults
}

fn files() -> Vec<Fault> {
    written(
        "attachment",
        ALARM,
        &[
            ("ZPLANT_FILES_SRV", "ZPLANT_MAINTENANCE_SRV", "AttachmentContentSet"),
            ("file_name =", "path = \"Folders\"\nfile_name =", "files"),
            ("file_name =", "path = \"AttachmentContentSet('1')\"\nfile_name =", "key"),
            ("file_name =", "path = \"AttachmentContents\"\nfile_name =", "AttachmentContents"),
            ("list = \"ListFiles\"", "list = \"ListFile\"", "ListFile"),
            ("list = \"ListFiles\"", "list = \"Folders\"", "FileName"),
            ("{ Object = ", "{ Objekt = ", "Objekt"),
            ("query = { Object = \"'${{main.create.responses[0].body.d.Number}}'\" }\n", "", "Object"),
            ("\"'${{main.create.responses[0]", "\"'1234567890123${{main.create.responses[0]", "Object"),
            ("field = \"FileName\"", "field = \"Filename\"", "Filename"),
            ("field = \"FileName\"", "field = \"ShortName\"", "ShortName"),
            ("field = \"FileName\"", "field = \"Size\"", "Size"),
            ("${{key}}.png", "picture-${{key}}.png", "FileName"),
            ("post.picture.d.FileName", "post.picture.d.Name", "Name"),
            ("post.picture.d.FileName", "post.picture.FileName", "d.FileName"),
        ],
    )
}

fn change_sets() -> Vec<Fault> {
    written(
        "answer of a change set",
        ALARM,
        &[
            ("document = \"responses[0]", "document = \"responses[2]", "[2]"),
            ("document = \"responses[0].body.d.Number\"", "document = \"d.Number\"", "responses"),
            ("document = \"responses[0].body.d.Number\"", "document = \"responses[0].d.Number\"", "body"),
            ("document = \"responses[0].body.d.Number\"", "document = \"responses[0].body.Number\"", "d.Number"),
            ("document = \"responses[0].body.d.Number\"", "document = \"responses[0].body.d.Position\"", "Position"),
            ("document = \"responses[0].body.d.Number\"", "document = \"responses[0].body.d.IsDown\"", "IsDown"),
            ("responses[1].body.d.Position", "responses[0].body.d.Position", "Position"),
            ("responses[1].body.d.Position", "responses[1].body.d.Psition", "Psition"),
            ("{ Object = \"'${{main.create.responses", "{ Object = \"'${{main.create.response", "response"),
            ("path = \"$1/Items\"", "path = \"$1/Itmes\"", "Itmes"),
        ],
    )
}

/// What steps of Andon's own answer.
fn own_steps() -> Vec<Fault> {
    let mut faults = written(
        "lookup step",
        ALARM,
        &[
            ("\"Plant\": \"${{pre.place.plant}}\"", "\"Plant\": \"${{pre.place.plnat}}\"", "plnat"),
            ("\"Plant\": \"${{pre.place.plant}}\"", "\"Plant\": \"${{pre.place.name}}\"", "Plant"),
            ("\"Plant\": \"${{pre.place.plant}}\"", "\"Plant\": \"P${{pre.place.plant}}\"", "Plant"),
            ("\"plant\": \"${{pre.place.plant}}\"", "\"plant\": \"${{pre.place.plants}}\"", "plants"),
            ("${{pre.place.damage_group}}", "${{pre.place.damagegroup}}", "damagegroup"),
        ],
    );
    faults.extend(written(
        "lookup step",
        HALLS,
        &[
            ("hall-1,1010", "hall-1,10100", "hall-1"),
            ("PM-CONV", "PM-CONVEYOR", "hall-3"),
            (",plant,", ",plnt,", "plant"),
        ],
    ));
    faults.extend(written(
        "decision step",
        ALARM,
        &[
            ("pre.crew.output.priority", "pre.crew.output.prio", "prio"),
            ("pre.crew.output.priority", "pre.crew.priority", "priority"),
            ("pre.crew.output.priority", "pre.crew.output.group", "Priority"),
            ("\"Priority\": \"${{pre.crew", "\"Repeats\": \"${{pre.crew", "Repeats"),
            (
                "\"ItemText\": \"${{pre.crew.output.group}}",
                "\"ItemText\": \"Please call: ${{pre.crew.output.group}}",
                "ItemText",
            ),
        ],
    ));
    faults.extend(written(
        "decision step",
        CREW,
        &[
            ("Early crew", "Early crew of the assembly hall", "row 1 of decision crew"),
            ("\"\\\"3\\\"\"", "\"\\\"13\\\"\"", "row 2 of decision crew"),
            ("\"field\": \"group\"", "\"field\": \"groups\"", "group"),
        ],
    ));
    faults
}

fn summaries() -> Vec<Fault> {
    written(
        "summary",
        ALARM,
        &[
            ("max_chars = 40", "max_chars = 41", "ShortText"),
            ("max_chars = 40\n", "", "ShortText"),
            ("\"${{pre.summary.text}}\"", "\"Model: ${{pre.summary.text}}\"", "ShortText"),
            ("pre.summary.text", "pre.summary.txt", "txt"),
            ("fallback = \"${{decision.text}}\"", "fallback = \"${{decision.txet}}\"", "txet"),
        ],
    )
}
