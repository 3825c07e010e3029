//! How one node sees the cluster.

use crate::server::{Result, redis::RedisServer};

/// What `CLUSTER NODES` says.
pub(super) struct View {
    members: Vec<Member>,
}

struct Member {
    port: u16,
    flags: Vec<String>,
    /// First and last slot of each range.
    slots: Vec<(u16, u16)>,
}

impl View {
    pub(super) fn of(node: &RedisServer) -> Result<Self> {
        let text = node.command(&["CLUSTER", "NODES"])?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        Self {
            members: text.lines().filter_map(Member::parse).collect(),
        }
    }

    /// Whether so many nodes know each other.
    pub(super) fn met(&self, count: usize) -> bool {
        self.members.len() == count && self.members.iter().all(|m| !m.is("handshake"))
    }

    /// The port of the node that owns a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<u16> {
        let owns = |m: &&Member| m.slots.iter().any(|(a, b)| (*a..=*b).contains(&slot));
        self.members.iter().find(owns).map(|member| member.port)
    }

    pub(super) fn owns_slots(&self, port: u16) -> bool {
        let of_port = |member: &&Member| member.port == port;
        self.members.iter().filter(of_port).any(Member::owns_slots)
    }

    /// Whether the nodes that serve are all well and own all slots among them, and those without
    /// slots are replicas.
    pub(super) fn is_settled(&self, serving: &[u16]) -> bool {
        let members = self.members.iter();
        let serving: Vec<&Member> = members.filter(|m| serving.contains(&m.port)).collect();
        let well = |m: &Member| !m.is("fail") && !m.is("fail?") && !m.is("handshake");
        let slots: u32 = serving.iter().map(|m| m.slot_count()).sum();
        slots == SLOTS
            && serving
                .iter()
                .all(|m| well(m) && (m.is("slave") != m.owns_slots()))
    }
}

impl Member {
    /// A line is: id, address, flags, master, two times, epoch, link, and then the slots, of which
    /// those on the move stand in brackets.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (host, _) = words.nth(1)?.split_once('@')?;
        let port = host.rsplit_once(':')?.1.parse().ok()?;
        let flags = words.next()?.split(',').map(str::to_owned).collect();
        let slots = words.skip(5).filter_map(range).collect();
        Some(Self { port, flags, slots })
    }

    fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }

    fn owns_slots(&self) -> bool {
        !self.slots.is_empty()
    }

    fn slot_count(&self) -> u32 {
        let count = |(first, last): &(u16, u16)| u32::from(last - first) + 1;
        self.slots.iter().map(count).sum()
    }
}

fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

const SLOTS: u32 = 16_384;

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn lines_of_cluster_nodes_are_understood() {
        let view = View::parse(
            "a1 127.0.0.1:12001@22001,host myself,master - 0 0 1 connected 0-9 11 [12->-b2]\n\
             b2 127.0.0.1:12002@22002 slave,fail a1 0 0 1 connected\n",
        );
        assert!(view.met(2));
        assert_eq!(view.owner(11), Some(12001));
        assert_eq!(view.owner(12), None);
        assert!(view.owns_slots(12001) && !view.owns_slots(12002));
        let counts: Vec<u32> = view.members.iter().map(|m| m.slot_count()).collect();
        assert_eq!(counts, [11, 0]);
        assert!(view.members.iter().any(|m| m.is("fail")));
    }
}
