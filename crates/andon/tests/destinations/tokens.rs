//! Tokens that end, and token services that fail: runs wait, no document is lost, none is there twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::wait_for;
use crate::gate::{Gate, Verdict};
use crate::plant::{LONGER_THAN_TIMEOUT, Plant, client_credentials};

#[test]
fn a_token_that_ends_is_renewed_once() {
    let plant = Plant::new();
    let address = plant.sap_address();
    plant.apply(&format!("url = \"http://{address}\""), &client_credentials(&address));
    plant.send(0..3);
    plant.check(3);
    for round in 1..4 {
        plant.sap.simulator.expire_access_tokens();
        plant.send(round * 3..round * 3 + 3);
        plant.check(round * 3 + 3);
        assert_eq!(plant.asked("tokens"), 1 + round as u64, "one token for each that ended");
    }
}

#[test]
fn tokens_that_end_all_the_time_cost_no_document() {
    let plant = Plant::new();
    let address = plant.sap_address();
    // Every tenth request finds its token ended, whatever it is about.
    let count = AtomicUsize::new(0);
    let gate = Gate::open(&address, move |_| match count.fetch_add(1, Ordering::SeqCst) % 10 {
        9 => Verdict::Answer(401, "www-authenticate: Bearer error=\"invalid_token\"\r\n", String::new()),
        _ => Verdict::Pass,
    });
    plant.apply(&format!("url = \"http://{}\"", gate.address), &client_credentials(&address));
    plant.send(0..20);
    plant.check(20);
    assert!(plant.asked("tokens") > 2);
}

/// A token service that plays these answers before it works.
fn ailing(plant: &Plant, answers: Vec<fn() -> Verdict>) -> (Gate, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let gate = Gate::open(&plant.sap_address(), move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        answers.get(number).map_or(Verdict::Pass, |answer| answer())
    });
    (gate, asked)
}

#[test]
fn a_token_service_that_fails_in_every_way_makes_runs_wait() {
    let plant = Plant::new();
    let answers: Vec<fn() -> Verdict> = vec![
        || Verdict::Answer(500, "", "<html>".into()),
        || Verdict::Answer(200, "content-type: text/html\r\n", "<html>maintenance".into()),
        || Verdict::Answer(429, "retry-after: 1\r\n", String::new()),
        || Verdict::Close,
        || Verdict::Answer(200, "", "{\"access_to".into()),
        || Verdict::Answer(200, "", "x".repeat(10 << 20)),
        || Verdict::Answer(404, "x-cf-routererror: unknown_route\r\n", String::new()),
        || {
            std::thread::sleep(LONGER_THAN_TIMEOUT);
            Verdict::Close
        },
        || Verdict::Answer(200, "", "{\"error\":\"temporarily_unavailable\"}".into()),
    ];
    let count = answers.len();
    let (gate, asked) = ailing(&plant, answers);
    plant.apply(&format!("url = \"http://{}\"", plant.sap_address()), &client_credentials(&gate.address));
    plant.send(0..6);
    plant.check(6);
    assert!(asked.load(Ordering::SeqCst) > count);
    assert_eq!(plant.asked("unauthenticated"), 0, "nothing leaves without a token");
}

#[test]
fn a_token_that_ends_while_its_service_is_away_makes_the_run_wait() {
    let plant = Plant::new();
    let gone = Arc::new(AtomicUsize::new(0));
    let away = gone.clone();
    let gate = Gate::open(&plant.sap_address(), move |_| match away.load(Ordering::SeqCst) {
        0 => Verdict::Pass,
        _ => Verdict::Answer(503, "", String::new()),
    });
    plant.apply(&format!("url = \"http://{}\"", plant.sap_address()), &client_credentials(&gate.address));
    plant.send(0..2);
    plant.check(2);
    gone.store(1, Ordering::SeqCst);
    plant.sap.simulator.expire_access_tokens();
    plant.send(2..5);
    wait_for("the token service to be asked in vain", || (gate.seen().len() > 3).then_some(()));
    assert!(plant.wait("refused", 0).is_empty(), "401 stops nobody while a token cannot be had");
    gone.store(0, Ordering::SeqCst);
    plant.check(5);
}

#[test]
fn a_client_that_is_refused_stops_the_run_and_goes_on_when_it_is_mended() {
    let plant = Plant::new();
    let address = plant.sap_address();
    plant.store("sap-password", "not the password");
    plant.apply(&format!("url = \"http://{address}\""), &client_credentials(&address));
    plant.send(0..2);
    let refused = plant.wait("refused", 2);
    plant.store("sap-password", crate::common::PASSWORD);
    for run in refused {
        plant.server.json(&["runs", "retry", run["id"].as_str().unwrap()]);
    }
    plant.check(2);
}
