//! Everything that can be done to a world. Each fault is one event, and happens now.

use super::nodes::Status;
use super::{DiskFault, EventId, MessageFate, MessageMatch, MessageRuleId, Survives, World};
use crate::checkers::LifeEvent;
use crate::kernel::Kernel;
use crate::kernel::effects::packet_fact;
use crate::kernel::encoding::EventKind;
use crate::trace::recorder::MessageEvent;
use kafka::ids::NodeId;
use kafka::time::Micros;

/// What the hash calls a fault.
#[derive(Copy, Clone)]
#[repr(u32)]
enum Code {
    Kill = 1,
    Restart = 2,
    PowerOff = 3,
    Pause = 4,
    Resume = 5,
    SlowCpu = 6,
    StepClock = 7,
    SkewClock = 8,
    Cut = 9,
    Heal = 10,
    Reset = 11,
    ShapeLink = 12,
    AddRule = 13,
    RemoveRule = 14,
    Disk = 15,
}

impl World {
    /// SIGKILL: memory goes, the page cache stays, connections break. A process that is down stays down.
    pub fn kill(&mut self, node: NodeId) {
        let id = self.fault(Code::Kill, node, &[]);
        if self.nodes.slot(node).status != Status::Down {
            self.end_process(node, id, LifeEvent::Ended, None);
        }
        self.finish(id);
    }

    /// Starts a node that is down, and its machine if that is off. A process that runs is left alone.
    pub fn restart(&mut self, node: NodeId) {
        let id = self.fault(Code::Restart, node, &[]);
        self.finish(id);
        if self.nodes.slot(node).status != Status::Down {
            return;
        }
        let now = self.nodes.now;
        let Kernel { network, scheduler, machines, .. } = &mut self.kernel;
        let machine = &mut machines[usize::from(node.0)];
        if !std::mem::replace(&mut machine.powered, true) {
            network.power_on(scheduler, node, now);
        }
        self.start_process(node, id);
    }

    /// The machine loses power: like `kill`, and what was not flushed may go too. Its peers hear nothing (no FIN).
    pub fn power_off(&mut self, node: NodeId, survives: Survives) {
        let code = match survives {
            Survives::Nothing => 0,
            Survives::SomePrefix => 1,
            Survives::AnySubset => 2,
            Survives::TornTail => 3,
        };
        let id = self.fault(Code::PowerOff, node, &[code]);
        if self.nodes.slot(node).status != Status::Down {
            self.end_process(node, id, LifeEvent::LostPower, None);
        } else if self.kernel.machines[usize::from(node.0)].powered {
            self.life_event(id, node, LifeEvent::LostPower, None);
        }
        let life = self.nodes.slot(node).life;
        let Kernel { scheduler, machines, .. } = &mut self.kernel;
        let machine = &mut machines[usize::from(node.0)];
        if std::mem::replace(&mut machine.powered, false) {
            let mut ordinal = 0;
            machine.disk.power_loss(survives, &mut || {
                ordinal += 1;
                scheduler.entropy.of_power_loss(node, life, ordinal)
            });
        }
        self.finish(id);
    }

    /// Whether no fault is in force: nothing is cut, held or late by a rule, nobody stands still or is slowed down, disks
    /// work. Who is down is down.
    pub fn is_undisturbed(&self) -> bool {
        let Kernel { network, machines, .. } = &self.kernel;
        !network.links.any_cut()
            && network.rules.is_empty()
            && machines.iter().all(|machine| machine.slow == 1 && machine.disk.is_sound())
            && self.nodes.slots.iter().all(|slot| slot.status != Status::Paused)
    }

    /// SIGSTOP, a long GC: it does nothing, its connections stand, its inbox fills.
    pub fn pause(&mut self, node: NodeId) {
        let id = self.fault(Code::Pause, node, &[]);
        let slot = &mut self.nodes.slots[usize::from(node.0)];
        if slot.status == Status::Up {
            slot.status = Status::Paused;
            let machine = &mut self.kernel.machines[usize::from(node.0)];
            machine.interrupt(self.nodes.now);
            machine.spin = None;
            self.reschedule(node);
        }
        self.finish(id);
    }

    /// SIGCONT.
    pub fn resume(&mut self, node: NodeId) {
        let id = self.fault(Code::Resume, node, &[]);
        let slot = &mut self.nodes.slots[usize::from(node.0)];
        if slot.status == Status::Paused {
            slot.status = Status::Up;
            self.reschedule(node);
        }
        self.finish(id);
    }

    /// Every step of the node costs this many times as much; 1 is normal.
    pub fn slow_cpu(&mut self, node: NodeId, factor: u32) {
        let id = self.fault(Code::SlowCpu, node, &[u64::from(factor)]);
        self.kernel.machines[usize::from(node.0)].slow = factor.max(1);
        self.finish(id);
    }

    /// The node's wall clock jumps by this many milliseconds.
    pub fn step_clock(&mut self, node: NodeId, millis: i64) {
        let id = self.fault(Code::StepClock, node, &[millis as u64]);
        self.kernel.machines[usize::from(node.0)].clock.step(self.nodes.now, millis);
        self.checks.clock_is_moved(node);
        self.finish(id);
    }

    /// The node's wall clock runs this many parts per million too fast (or too slow, if negative) from now on.
    pub fn skew_clock(&mut self, node: NodeId, parts_per_million: i64) {
        let id = self.fault(Code::SkewClock, node, &[parts_per_million as u64]);
        self.kernel.machines[usize::from(node.0)].clock.skew(self.nodes.now, parts_per_million);
        self.checks.clock_is_moved(node);
        self.finish(id);
    }

    /// Nothing gets from `from` to `to` any more; with `both`, nor back. Connections stand until somebody gives up
    /// (packets are retransmitted: what is sent meanwhile arrives after `heal` if the connection still stands).
    pub fn cut(&mut self, from: NodeId, to: NodeId, both: bool) {
        let id = self.fault(Code::Cut, from, &[u64::from(to.0), u64::from(both)]);
        self.kernel.network.links.cut(from, to, both);
        self.finish(id);
    }

    /// Undoes `cut`: of this direction, and of the other if both were cut together.
    pub fn heal(&mut self, from: NodeId, to: NodeId) {
        let id = self.fault(Code::Heal, from, &[u64::from(to.0)]);
        let now = self.nodes.now;
        let Kernel { network, scheduler, .. } = &mut self.kernel;
        network.heal(scheduler, from, to, now);
        self.finish(id);
    }

    /// Breaks every connection between two nodes (RST). What was sent already may still arrive at its receiver.
    pub fn reset_connections(&mut self, one: NodeId, other: NodeId) {
        let id = self.fault(Code::Reset, one, &[u64::from(other.0)]);
        self.finish(id);
        let now = self.nodes.now;
        let Kernel { network, scheduler, .. } = &mut self.kernel;
        for (opener, work) in network.reset(scheduler, one, other, now) {
            self.give(opener, id, work);
        }
    }

    /// The latency, jitter and bandwidth from `from` to `to` from now on; `None` leaves one as it is. A bandwidth of 0
    /// lets nothing through.
    pub fn shape_link(
        &mut self,
        from: NodeId,
        to: NodeId,
        latency: Option<Micros>,
        jitter: Option<Micros>,
        bytes_per_second: Option<u64>,
    ) {
        let numbers = [
            u64::from(to.0),
            latency.map_or(u64::MAX, |latency| latency.0),
            jitter.map_or(u64::MAX, |jitter| jitter.0),
            bytes_per_second.unwrap_or(u64::MAX),
        ];
        let id = self.fault(Code::ShapeLink, from, &numbers);
        self.kernel.network.links.shape(from, to, latency, jitter, bytes_per_second);
        self.finish(id);
    }

    /// Installs a rule about messages sent from now on.
    pub fn add_message_rule(&mut self, matches: MessageMatch, fate: MessageFate) -> MessageRuleId {
        let id = self.fault(Code::AddRule, NodeId::ZOOKEEPER, &rule_numbers(&matches, fate));
        let rule = self.kernel.network.rules.add(matches, fate);
        self.finish(id);
        rule
    }

    /// Removes a rule; what it held is sent on.
    pub fn remove_message_rule(&mut self, rule: MessageRuleId) {
        let id = self.fault(Code::RemoveRule, NodeId::ZOOKEEPER, &[u64::from(rule.0)]);
        let now = self.nodes.now;
        let (recorder, nodes, cause) = (&mut self.recorder, &self.nodes, self.kernel.cause);
        let Kernel { network, scheduler, .. } = &mut self.kernel;
        network.release(scheduler, rule, now, &mut |connection, direction, packet| {
            if recorder.is_on() {
                let (from, to) = connection.ends(direction);
                if let Some(fact) = packet_fact(packet, to, connection.channel, MessageEvent::Released) {
                    recorder.record(id, cause, now, from, fact, nodes);
                }
            }
        });
        self.finish(id);
    }

    /// A fault of a node's disk. False if there is no such file.
    pub fn disk_fault(&mut self, node: NodeId, fault: DiskFault) -> bool {
        let (numbers, file, damages) = match &fault {
            DiskFault::Broken(broken) => ([1, u64::from(*broken)], "", false),
            DiskFault::Full(full) => ([2, u64::from(*full)], "", false),
            DiskFault::Slow(factor) => ([3, u64::from(*factor)], "", false),
            DiskFault::Rot { file, position } => ([4, *position as u64], file.as_str(), true),
            DiskFault::Lose { file } => ([5, 0], file.as_str(), true),
            DiskFault::WrittenBack => ([8, 0], "", false),
            DiskFault::Wipe => ([6, 0], "", true),
            DiskFault::Unreadable { file, fails } => ([7, u64::from(*fails)], file.as_str(), false),
        };
        let file = file.to_owned();
        if !self.kernel.machines[usize::from(node.0)].disk.fault(fault) {
            return false; // nothing has happened
        }
        let id = self.fault(Code::Disk, node, &numbers);
        self.kernel.hash.put_bytes(file.as_bytes());
        if damages {
            self.life_event(id, node, LifeEvent::DiskDamaged, None);
        }
        self.finish(id);
        true
    }

    /// Counts a fault as an event and writes it down.
    fn fault(&mut self, code: Code, node: NodeId, numbers: &[u64]) -> EventId {
        let cause = self.kernel.scheduler.cause;
        let id = self.begin(EventKind::Fault, node, cause, code as u32);
        numbers.iter().for_each(|number| self.kernel.hash.put(*number));
        id
    }
}

fn rule_numbers(matches: &MessageMatch, fate: MessageFate) -> [u64; 6] {
    let node = |node: Option<NodeId>| node.map_or(u64::MAX, |node| u64::from(node.0));
    let (fate, late) = match fate {
        MessageFate::Hold => (0, 0),
        MessageFate::Delay(late) => (1, late.0),
        MessageFate::Drop => (2, 0),
    };
    [
        matches.api.map_or(u64::MAX, |api| api.key() as u16 as u64),
        matches.side as u64,
        node(matches.from),
        node(matches.to),
        matches.count.map_or(u64::MAX, u64::from),
        fate << 56 | late,
    ]
}
