//! What is known of a place in the payloads of a table, found quickly: devices keep an order.

use std::collections::HashMap;

use super::event_time;
use super::schema::Kind;

/// A place: its members, and where its own values go.
#[derive(Debug, Default)]
pub(super) struct Node {
    members: Vec<Member>,
    /// Position of each member.
    positions: HashMap<String, usize>,
    /// The member that was met last.
    previous: usize,
    /// Position of the column, by type.
    pub(super) columns: [Option<usize>; Kind::ALL.len()],
    /// Position of the table of the elements, if this was an array.
    pub(super) elements: Option<usize>,
    /// The row in which this place was met last, so that a member that an object has twice is noticed.
    pub(super) met: u64,
    /// Whether the time of the event stands here.
    pub(super) is_time: bool,
}

#[derive(Debug)]
struct Member {
    name: String,
    /// The one that followed when this was met before: devices of several types in turn have an order each.
    next: usize,
    node: Node,
}

impl Node {
    /// Where the member is, if it is known.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let likely = self.members.get(self.previous)?.next;
        let is_likely = self.members.get(likely).is_some_and(|member| member.name == name);
        if is_likely { Some(likely) } else { self.positions.get(name).copied() }
    }

    /// The member at a position that is known.
    pub(super) fn at(&mut self, position: usize) -> &mut Self {
        self.members[self.previous].next = position;
        self.previous = position;
        &mut self.members[position].node
    }

    pub(super) fn add(&mut self, name: &str) -> usize {
        let position = self.members.len();
        self.positions.insert(name.to_owned(), position);
        self.members.push(Member { name: name.to_owned(), next: 0, node: Self::default() });
        position
    }

    /// Takes back what was added last.
    pub(super) fn forget_last(&mut self) {
        if let Some(member) = self.members.pop() {
            self.positions.remove(&member.name);
        }
        self.previous = 0;
    }

    /// Marks the known places that `path` leads to: names that differ in case only are the same to it.
    pub(super) fn mark_time(&mut self, path: &str) {
        for member in &mut self.members {
            match event_time::behind(path, &member.name) {
                Some("") => member.node.is_time = true,
                Some(rest) => rest.strip_prefix('.').into_iter().for_each(|rest| member.node.mark_time(rest)),
                None => {}
            }
        }
    }
}
