//! Asking SAP what assets are called there.
//!
//! **Constraints.** One question at a time, few per second, only of assets whose model says how to find them, and none of
//! those that a person has linked. Nobody waits: alarms of an asset that is not found yet have no equipment. A destination
//! that does not answer is left alone for longer and longer; what it has said before holds meanwhile, over restarts too,
//! since the answers are in the snapshot of the plant.
//!
//! **Life of a question.** The plant is looked through page by page. What was not asked since the start, or whose answer is
//! old, is asked ([`question`]); the answers of a look go to the lane as one wish. Why there is none stands beside the asset.

mod question;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use andon_act::Answer;
use andon_assets::LinkQuery;
use andon_assets::definition::Links;
use andon_model::{Code, Name, Problem};
use tokio::time::{Instant, timeout};

use super::handle::PlantHandle;
use super::telemetry;
use super::wish::What;
use crate::engine::Shared;

/// How often assets are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Assets of one look.
const ASSETS_AT_ONCE: usize = 1_000;
/// Questions of one look.
const QUESTIONS_AT_ONCE: usize = 20;
/// When an asset that was not found is searched again, unless answers hold for a shorter time.
const SEARCH_AGAIN: Duration = Duration::from_mins(10);
/// How long a destination that does not answer is left alone; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// Longest wait for an answer, whatever the adapter does.
const LONGEST_ANSWER: Duration = Duration::from_mins(2);

/// See the module.
pub(crate) struct Linking {
    shared: Arc<Shared>,
    plant: PlantHandle,
    /// Where the next look begins.
    at: usize,
    asked: HashMap<String, Asked>,
    pauses: HashMap<String, Pause>,
}

/// A question that was answered.
struct Asked {
    query: LinkQuery,
    due: Instant,
}

/// A destination that does not answer.
struct Pause {
    until: Instant,
    length: Duration,
}

impl Linking {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let plant = PlantHandle::new(Arc::clone(&shared.plant));
        Self { shared: Arc::clone(shared), plant, at: 0, asked: HashMap::new(), pauses: HashMap::new() }
    }

    /// Looks and asks until it is aborted.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let (queries, next) = self.shared.plant.plant.read().link_queries(self.at, ASSETS_AT_ONCE);
        self.at = next.unwrap_or_default();
        if self.at == 0 {
            self.forget_the_gone();
        }
        let due: Vec<_> = queries.into_iter().filter(|query| self.is_due(query)).take(QUESTIONS_AT_ONCE).collect();
        let mut found = Vec::new();
        for query in due {
            if self.is_paused(&query) {
                continue;
            }
            let answer = self.ask(&query).await;
            found.extend(self.take_in(query, answer));
        }
        self.keep(found).await;
    }

    /// Assets may be gone by now.
    fn forget_the_gone(&mut self) {
        let plant = self.shared.plant.plant.read();
        self.asked.retain(|asset, _| plant.found_links(asset).is_some());
        self.shared.plant.unlinked.lock().retain(|asset, _| plant.found_links(asset).is_some());
    }

    fn is_due(&self, query: &LinkQuery) -> bool {
        let asked = self.asked.get(&query.asset);
        asked.is_none_or(|asked| asked.query != *query || asked.due <= Instant::now())
    }

    fn is_paused(&self, query: &LinkQuery) -> bool {
        self.pauses.get(&query.destination).is_some_and(|pause| pause.until > Instant::now())
    }

    async fn ask(&self, query: &LinkQuery) -> Result<Links, Failed> {
        let Some(value) = &query.value else {
            let detail = format!("the asset has not all that the value of {} is made of", query.field);
            return Err(Failed::Found(Problem::new(Code::NotFound, detail)));
        };
        let destination = Name::new(&query.destination)
            .map_err(|error| Failed::Found(Problem::new(Code::ConfigurationReference, error.to_string())))?;
        let request = question::request(query, value, &destination);
        let target = self.shared.target();
        let late = || Problem::new(Code::Lost, format!("{destination} does not answer"));
        match timeout(LONGEST_ANSWER, target.send(&destination, &request)).await {
            Ok(Answer::Done(response)) => question::links(query, value, &response.body).map_err(Failed::Found),
            Ok(Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem)) => {
                Err(Failed::Away(problem))
            }
            Err(_) => Err(Failed::Away(late())),
        }
    }

    /// What the asset is to be called, when that is new.
    fn take_in(&mut self, query: LinkQuery, answer: Result<Links, Failed>) -> Option<(String, Links)> {
        let asset = query.asset.clone();
        let links = match answer {
            Err(Failed::Away(problem)) => {
                self.pause(&query.destination, &problem);
                self.tell(asset, Some(problem));
                return None;
            }
            Err(Failed::Found(problem)) => {
                self.tell(asset.clone(), Some(problem));
                self.asked(query, SEARCH_AGAIN);
                Links::default()
            }
            Ok(links) => {
                self.tell(asset.clone(), None);
                self.asked(query, Duration::MAX);
                links
            }
        };
        let known = self.shared.plant.plant.read().found_links(&asset) == Some(&links);
        (!known).then_some((asset, links))
    }

    fn asked(&mut self, query: LinkQuery, at_most: Duration) {
        self.pauses.remove(&query.destination);
        let due = Instant::now() + query.refresh.min(at_most);
        self.asked.insert(query.asset.clone(), Asked { query, due });
    }

    fn pause(&mut self, destination: &str, problem: &Problem) {
        telemetry::links_not_read(destination, problem);
        let length = self.pauses.get(destination).map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        self.pauses.insert(destination.to_owned(), Pause { until: Instant::now() + length, length });
    }

    fn tell(&self, asset: String, problem: Option<Problem>) {
        let mut unlinked = self.shared.plant.unlinked.lock();
        match problem {
            Some(problem) => unlinked.insert(asset, problem),
            None => unlinked.remove(&asset),
        };
    }

    /// An asset whose answer could not be kept is asked about again.
    async fn keep(&mut self, found: Vec<(String, Links)>) {
        if found.is_empty() {
            return;
        }
        let assets: Vec<_> = found.iter().map(|(asset, _)| asset.clone()).collect();
        match self.plant.ask(What::Found(found)).await {
            Ok(()) => telemetry::links_read(assets.len()),
            Err(_) => assets.iter().for_each(|asset| drop(self.asked.remove(asset))),
        }
    }
}

/// Why there are no links.
enum Failed {
    /// SAP has said so.
    Found(Problem),
    /// Nobody knows: the destination has not answered as it should.
    Away(Problem),
}
