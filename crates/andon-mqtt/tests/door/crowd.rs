//! Many devices at once: attempts to reach what belongs to others, and a revocation of all.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use andon_devices::door::DoorChange;

use crate::client::{Client, Seen, VERSIONS, Wish};
use crate::dice::{Dice, many};
use crate::plant::{Papers, Plant, name};

const DEVICES: usize = 20;

/// Attempts of each device, over real connections; `ANDON_ATTEMPTS` times as many when it is set.
const ATTEMPTS: usize = 300;

fn device(number: usize) -> String {
    format!("pump-{number:03}")
}

/// A topic that might help to reach another device.
fn trick(numbers: &mut Dice, own: &str, other: &str) -> String {
    let depth = 1 + numbers.below(3);
    let levels: Vec<_> =
        (0..depth).map(|_| *numbers.pick(&[own, other, "x", "..", "*", "?", "", "$share", "%2f"])).collect();
    let prefix = numbers.pick(&["data", "cmd", "data/", "/data", "$SYS", "$aws", "Data", "data/.."]);
    format!("{prefix}/{other}/{}", levels.join("/"))
}

/// The same as a filter.
fn trick_filter(numbers: &mut Dice, own: &str, other: &str) -> String {
    let plain = trick(numbers, own, other);
    match numbers.below(5) {
        0 => format!("$share/{own}/{plain}"),
        1 => format!("{plain}/#"),
        2 => plain.replace(other, "+"),
        3 => "#".to_owned(),
        _ => plain,
    }
}

/// Every message carries the name of the device that it is for.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_what_belongs_to_others() {
    let plant = Plant::open().await;
    let papers: Vec<Papers> = (0..DEVICES).map(|number| plant.device(&device(number))).collect();
    let mut victims = Vec::new();
    for number in (0..DEVICES).step_by(2) {
        let wish = Wish::new(&device(number), &papers[number], VERSIONS[number / 2 % 2]);
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert!(client.subscribe(&format!("cmd/{}/#", device(number))).await < 3);
        victims.push(client);
    }
    let mut numbers = Dice(42);
    for number in (1..DEVICES).step_by(2) {
        let (own, other) = (device(number), device(number - 1));
        let wish = Wish::new(&own, &papers[number], VERSIONS[number / 2 % 2]);
        let (mut client, _) = Client::connect(&plant, &wish).await;
        for _ in 0..many(ATTEMPTS) {
            let outcome = if numbers.below(2) == 0 {
                client.publish(&trick(&mut numbers, &own, &other), 1, &other).await;
                client.next().await
            } else {
                let filter = trick_filter(&mut numbers, &own, &other);
                client.try_subscribe(&filter).await.map_or(Seen::Gone, Seen::Acked)
            };
            match outcome {
                Seen::Acked(code) if code >= 128 => {}
                Seen::Gone => client = Client::connect(&plant, &wish).await.0,
                other => panic!("{own} succeeded: {other:?}"),
            }
        }
    }
    let others: BTreeSet<_> = plant.readings.kept().into_iter().map(|reading| reading.topic).collect();
    assert!(others.is_empty(), "{others:?}");
    for client in &mut victims {
        assert_eq!(client.seen_already(), None);
    }
}

/// How many devices are connected when one is revoked: 1,000 is what the product promises a second for, few are
/// enough to see that it works.
fn crowd() -> usize {
    std::env::var("ANDON_CROWD").ok().and_then(|text| text.parse().ok()).unwrap_or(DEVICES)
}

/// One after the other is cut off; how long each took is printed, and must be within what a person would wait.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_crowd_is_cut_off() {
    let plant = Plant::open().await;
    let mut clients = Vec::new();
    for number in 0..crowd() {
        let papers = plant.device(&device(number));
        let wish = Wish::new(&device(number), &papers, VERSIONS[number % 2]);
        clients.push(Client::connect(&plant, &wish).await.0);
    }
    let mut took = Vec::new();
    for (number, client) in clients.iter_mut().enumerate().take(100) {
        let begun = Instant::now();
        plant.registry.revoke(&name(&device(number)));
        assert_eq!(client.next().await, Seen::Gone);
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    println!("of {} connections: median {:?}, last {:?}", crowd(), took[took.len() / 2], took[took.len() - 1]);
    assert!(took[took.len() - 1] < Duration::from_secs(10), "{took:?}");
    let begun = Instant::now();
    for number in took.len()..crowd() {
        plant.registry.revoke(&name(&device(number)));
    }
    plant.registry.tell(DoorChange::Everything);
    for client in clients.iter_mut().skip(took.len()) {
        assert_eq!(client.next().await, Seen::Gone);
    }
    println!("the others together: {:?}", begun.elapsed());
    assert!(plant.broker.sessions().is_empty());
}
