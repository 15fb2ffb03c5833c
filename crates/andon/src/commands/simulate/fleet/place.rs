//! Where the broker is, if nobody says so: where the server's own door for devices listens.

use std::net::IpAddr;
use std::time::Duration;

use andon_server::schema::{Door, DoorState};
use reqwest::Url;

use crate::client::Client;

/// Where a door usually is.
const USUAL: &str = "mqtts://localhost:8883";
/// The door opens after the first device has made the authorities: so often it is asked, and how long apart.
const ATTEMPTS: usize = 40;
const APART: Duration = Duration::from_millis(250);

/// The address of the server's door; the usual one if the server does not tell.
pub(crate) async fn of_door(client: &Client) -> String {
    for _ in 0..ATTEMPTS {
        let Ok(door) = client.get::<Door>("/api/v1/mqtt").await else { break };
        match door.state {
            DoorState::Open => return place(&door.places, client.base()).unwrap_or_else(|| USUAL.to_owned()),
            DoorState::Waiting => tokio::time::sleep(APART).await,
            DoorState::Closed | DoorState::Failing => break,
        }
    }
    USUAL.to_owned()
}

/// The listener for certificates. One that listens everywhere is reached as the API is.
fn place(places: &[String], api: &str) -> Option<String> {
    let mut place = Url::parse(places.iter().find(|place| place.starts_with("mqtts:"))?).ok()?;
    let address: IpAddr = place.host_str()?.trim_matches(['[', ']']).parse().ok()?;
    if address.is_unspecified() {
        let api = Url::parse(api).ok()?;
        place.set_host(Some(api.host_str()?)).ok()?;
    }
    Some(place.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_found() {
        let check = |places: &[&str], expect: Option<&str>| {
            let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
            assert_eq!(place(&places, "http://plant-1710:8480").as_deref(), expect, "{places:?}");
        };
        check(&["wss://127.0.0.1:8884", "mqtts://127.0.0.1:8883"], Some("mqtts://127.0.0.1:8883"));
        check(&["mqtts://0.0.0.0:8883"], Some("mqtts://plant-1710:8883"));
        check(&["mqtts://[::]:99"], Some("mqtts://plant-1710:99"));
        check(&["mqtts://[::1]:99"], Some("mqtts://[::1]:99"));
        check(&["mqtt://127.0.0.1:1883"], None);
    }
}
