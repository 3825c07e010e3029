//! Moving a slot from one master to another while clients use it.

use super::{RedisCluster, view::View};
use crate::server::{Result, ServerError, wait_until};

impl RedisCluster {
    /// Moves a slot and its keys to another master, and waits until all nodes see it there.
    ///
    /// # Errors
    ///
    /// When a node refuses, as a replica does.
    pub fn move_slot(&mut self, slot: u16, to: usize) -> Result<()> {
        self.begin_move(slot, to)?;
        self.finish_move(slot, to)
    }

    /// Opens a slot at its owner and at the master that it goes to. From here on the owner
    /// answers ASK for keys that it does not hold.
    ///
    /// # Errors
    ///
    /// When a node refuses, as a replica does.
    pub fn begin_move(&mut self, slot: u16, to: usize) -> Result<()> {
        let from = self.master_of_slot(slot)?;
        self.set_slot(to, slot, &["IMPORTING", self.id(from)?])?;
        self.set_slot(from, slot, &["MIGRATING", self.id(to)?])
    }

    /// Moves the keys of an opened slot, gives it to its new owner, and waits until all nodes see
    /// it there.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    pub fn finish_move(&mut self, slot: u16, to: usize) -> Result<()> {
        let from = self.master_of_slot(slot)?;
        while self.move_keys(from, slot, to)? > 0 {}
        // The new owner first: were it last, nobody would own the slot in between.
        self.set_slot(to, slot, &["NODE", self.id(to)?])?;
        self.set_slot(from, slot, &["NODE", self.id(to)?])?;
        let port = self.node(to)?.port();
        wait_until("all nodes see the slot at its new owner", || {
            self.all(|node| Ok(View::of(node)?.owner(slot) == Some(port)))
        })
    }

    /// Moves some keys and says how many.
    fn move_keys(&self, from: usize, slot: u16, to: usize) -> Result<usize> {
        let (node, slot) = (self.node(from)?, slot.to_string());
        let list: [&[u8]; 4] = [b"CLUSTER", b"GETKEYSINSLOT", slot.as_bytes(), b"100"];
        let keys = node.call(&list)?.texts();
        if keys.is_empty() {
            return Ok(0);
        }
        let port = self.node(to)?.port().to_string();
        let head: [&[u8]; 7] = [
            b"MIGRATE",
            b"127.0.0.1",
            port.as_bytes(),
            b"",
            b"0",
            b"4000",
            b"KEYS",
        ];
        let words: Vec<&[u8]> = head
            .into_iter()
            .chain(keys.iter().map(Vec::as_slice))
            .collect();
        node.call(&words)?;
        Ok(keys.len())
    }

    fn set_slot(&self, index: usize, slot: u16, words: &[&str]) -> Result<()> {
        let slot = slot.to_string();
        let command = [&["CLUSTER", "SETSLOT", &slot], words].concat();
        self.node(index)?.command(&command).map(drop)
    }

    fn id(&self, index: usize) -> Result<&str> {
        let none = || ServerError::new(format!("the cluster has no node {index}"));
        self.ids.get(index).map(String::as_str).ok_or_else(none)
    }
}
