use andon_model::{Code, Problem};

use super::*;
use crate::enrolment::EnrolmentStatus;

fn told(format: BulkFormat, text: &str) -> Vec<String> {
    let lines = bulk_lines(format, text.as_bytes());
    let told = lines.map(|line| match line.request {
        Ok(request) => {
            let attributes: Vec<_> = request.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let groups: Vec<_> = request.groups.iter().map(ToString::to_string).collect();
            format!("{} {} {} {}", line.line, request.device, groups.join("+"), attributes.join("+"))
        }
        Err(problem) => format!("{} {} {}", line.line, problem.code, problem.place.unwrap_or_default()),
    });
    told.map(|text| text.trim_end().to_owned()).collect()
}

#[test]
fn both_formats_say_the_same() {
    let csv = "device,profile,groups,attributes.plant,key,speaks_for\n\
               pump-01,s1,line-4; hall-7,1710,rsa_2048,tag-1;tag-2\n\
               pump-02,,,,,\n";
    let json = "{\"device\": \"pump-01\", \"profile\": \"s1\", \"groups\": [\"line-4\", \"hall-7\"], \
                \"attributes\": {\"plant\": \"1710\"}, \"key\": \"rsa_2048\", \"speaks_for\": [\"tag-1\", \"tag-2\"]}\n\n{\"device\": \"pump-02\"}\r\n";
    let requests = |format, text: &str| -> Vec<_> {
        bulk_lines(format, text.as_bytes()).map(|line| line.request.expect("good")).collect()
    };
    let read = requests(BulkFormat::Csv, csv);
    assert_eq!(read, requests(BulkFormat::JsonLines, json));
    assert_eq!((&read[0].key, read[0].on_behalf_of.len()), (&RequestedKey::Generate(KeyKind::Rsa2048), 2));
    assert_eq!(told(BulkFormat::Csv, csv), ["2 pump-01 hall-7+line-4 plant=1710", "3 pump-02"]);
}

#[test]
fn a_column_stands_there_once() {
    let check = |header: &str, expect: &[&str]| assert_eq!(told(BulkFormat::Csv, &format!("{header}\na,b\n")), expect);
    check("device,groups", &["2 a b"]);
    check("device,device", &["1 AND-1001 line 1"]);
    check("device, device", &["1 AND-1001 line 1"]);
}

#[test]
fn faults_name_their_line_and_stop_nothing() {
    let csv = "device,groups\na b,x\npump-01,x\npump-02,x,too,many\npump-03,a/b\npump-04,\n,x\n";
    let expect = [
        "2 AND-7001 line 2",
        "3 pump-01 x",
        "4 AND-1001 line 4",
        "5 AND-7001 line 5",
        "6 pump-04",
        "7 AND-7001 line 7",
    ];
    assert_eq!(told(BulkFormat::Csv, csv), expect);
    let json = "{\"device\": \"a b\"}\nno json\n{\"device\": \"pump-01\"}\n{\"device\": \"x\", \"colour\": 1}\n\
                {\"device\": \"x\", \"csr\": \"none\"}";
    let expect = ["1 AND-1001 line 1", "2 AND-1001 line 2", "3 pump-01", "4 AND-1001 line 4", "5 AND-7002 line 5"];
    assert_eq!(told(BulkFormat::JsonLines, json), expect);
    assert_eq!(told(BulkFormat::Csv, "device,colour\npump-01,red\n"), ["2 AND-1001 line 2"]);
    let unknown = bulk_lines(BulkFormat::Csv, b"device,colour\npump-01,red\n").next().expect("a line").request;
    let detail = unknown.expect_err("no column").detail;
    assert!(detail.starts_with("there is no column \"colour\"; there are device, profile, "), "{detail}");
    assert_eq!(told(BulkFormat::Csv, ""), [] as [String; 0]);
    let long = format!("{{\"device\": \"x\", \"csr\": \"{}\"}}", "x".repeat(MAX_BULK_LINE_BYTES));
    assert_eq!(told(BulkFormat::JsonLines, &long), ["1 AND-1002 line 1"]);
}

#[test]
fn a_report_counts_and_names() {
    let mut report = BulkReport::default();
    let device = DeviceName::new("pump-01").expect("a name");
    report.ended(2, &device, EnrolmentStatus::Done, None);
    report.unchanged(3);
    let refused = Problem::new(Code::Onboarding, "not on the list");
    report.ended(4, &device, EnrolmentStatus::Refused, Some(refused.clone()));
    (5..2_000).for_each(|line| report.fault(line, None, refused.clone()));
    assert_eq!((report.line, report.onboarded, report.unchanged, report.faulty), (1_999, 1, 1, 1_996));
    assert_eq!((report.faults.len(), report.faults[0].line), (1_000, 4));
}

/// What a file says comes back from the rows that are sent in its place.
#[test]
fn rows_in_parts_are_the_lines_of_the_file() {
    let csv = "device,profile,groups,attributes.plant,key\npump-01,s1,line-4; hall-7,1710,rsa_2048\na b,,,,\n,,,,\npump-02,,,,\n";
    let whole: Vec<BulkLine> = bulk_lines(BulkFormat::Csv, csv.as_bytes()).collect();
    let sent = |NumberedRow { line, row }: NumberedRow| {
        let row = row.unwrap_or_else(|problem| BulkRow { problem: Some(problem), ..BulkRow::default() });
        serde_json::to_string(&BulkRow { line: Some(line), ..row }).expect("JSON") + "\n"
    };
    let rows: Vec<String> = bulk_rows(BulkFormat::Csv, csv.as_bytes()).map(sent).collect();
    let parts = rows.chunks(2).map(<[String]>::concat);
    let again: Vec<BulkLine> =
        parts.flat_map(|part| bulk_lines(BulkFormat::JsonLines, part.as_bytes()).collect::<Vec<_>>()).collect();
    assert_eq!((whole.len(), again), (4, whole));
}
