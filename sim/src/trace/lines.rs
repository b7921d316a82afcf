//! Notes in words: one line per fact, the rule named where it decided, the surprising word in capitals.

use super::Zoom;
use super::names::Names;
use crate::world::nodes::Nodes;
use kafka::command::Delivery;
use kafka::era::Era;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::messages::zookeeper::WatchKind;
use kafka::note::{BrokerNote, ClientNote, ControllerNote, Decided, Note, ReplicaNote, ZooKeeperNote};
use kafka::zookeeper::znode::{BROKER_IDS, CONTROLLER, CONTROLLER_EPOCH, ZnodeData};

/// A fact in words. Two lines of one node that differ only in `item` are told as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wording {
    /// From which zoom on it is told.
    pub zoom: Zoom,
    /// What stands before the items.
    pub before: String,
    /// What it is about, if several can be told together.
    pub item: Option<String>,
    /// What stands after them.
    pub after: String,
    /// The rule that decided.
    pub decided: Option<Decided>,
    /// The partition whose table should follow.
    pub table: Option<TopicPartition>,
    /// Whether the controller speaks, not the broker it sits on.
    pub controller: bool,
    /// Whether it is no news if it has just been told.
    pub once: bool,
    /// Whether it is told together with lines like it although others of the same node stand between, after them.
    pub gathers: bool,
}

/// What wording needs to look at.
pub struct Scene<'a> {
    /// The node that noted it.
    pub node: NodeId,
    /// The processes.
    pub nodes: &'a Nodes,
    /// Records' names.
    pub names: &'a Names,
    /// Whether the story is about more than one partition, so that each must be named.
    pub many: bool,
}

/// A sentence and nothing else.
pub fn plain(zoom: Zoom, text: impl Into<String>) -> Wording {
    Wording {
        zoom,
        before: text.into(),
        item: None,
        after: String::new(),
        decided: None,
        table: None,
        controller: false,
        once: false,
        gathers: false,
    }
}

fn listed(
    zoom: Zoom,
    before: impl Into<String>,
    item: impl Into<String>,
    after: impl Into<String>,
) -> Wording {
    Wording { item: Some(item.into()), after: after.into(), ..plain(zoom, before) }
}

impl Scene<'_> {
    fn era(&self) -> &Era {
        &self.nodes.slot(self.node).era
    }

    fn broker(&self, id: BrokerId) -> String {
        match self.nodes.broker_node(id) {
            Some(node) => self.nodes.name(node).to_owned(),
            None => "nobody".to_owned(),
        }
    }

    fn brokers(&self, ids: &[BrokerId]) -> String {
        ids.iter().map(|id| self.broker(*id)).collect::<Vec<_>>().join(", ")
    }

    /// ` orders-0` if it must be said.
    fn of(&self, partition: TopicPartition) -> String {
        if self.many { format!("{partition}: ") } else { String::new() }
    }
}

/// An ISR as stories write it: `{0,2,1}`.
pub fn isr(ids: &[BrokerId]) -> String {
    format!("{{{}}}", ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(","))
}

fn epoch_of(epoch: LeaderEpoch) -> String {
    format!("epoch {epoch}")
}

/// A note in words.
pub fn note(note: &Note, scene: &Scene<'_>) -> Wording {
    let mut wording = match note {
        Note::Replica(partition, note) => replica(*partition, note, scene),
        Note::Broker(note) => broker(note, scene),
        Note::Controller(note) => Wording { controller: true, ..controller(note, scene) },
        Note::ZooKeeper(note) => zookeeper(note, scene),
        Note::Group(group, note) => {
            let (zoom, text) = super::group_lines::note(group, note);
            plain(zoom, text)
        }
        Note::Client(note) => client(note, scene),
    };
    wording.decided = note.decided();
    wording
}

fn replica(partition: TopicPartition, note: &ReplicaNote, scene: &Scene<'_>) -> Wording {
    let of = scene.of(partition);
    let name = |offset, crc| scene.names.is_named(partition, offset, crc);
    match note {
        ReplicaNote::BecameLeader { epoch, log_end_offset, high_watermark, .. } => Wording {
            table: Some(partition),
            ..plain(
                Zoom::Story,
                format!(
                    "leads {partition}, {}, from offset {log_end_offset}; high watermark {high_watermark}",
                    epoch_of(*epoch)
                ),
            )
        },
        ReplicaNote::BecameFollower { epoch, leader, .. } if *leader == BrokerId::NONE => Wording {
            table: Some(partition),
            ..plain(Zoom::Story, format!("{of}follows nobody: no leader, {}", epoch_of(*epoch)))
        },
        ReplicaNote::BecameFollower { epoch, leader, .. } => Wording {
            table: Some(partition),
            ..plain(Zoom::Story, format!("{of}follows {}, {}", scene.broker(*leader), epoch_of(*epoch)))
        },
        ReplicaNote::KeptFollowing { epoch, leader, .. } => plain(
            Zoom::Story,
            format!("{of}goes on following {}, now {}", scene.broker(*leader), epoch_of(*epoch)),
        ),
        ReplicaNote::ControlRefused { epoch, error } => {
            // The controller often says the same thing twice: that is no news.
            let view = scene.nodes.broker(scene.node).and_then(|broker| broker.replica(partition));
            let known = view.is_some_and(|view| view.leader_epoch == *epoch);
            let zoom = if known { Zoom::Messages } else { Zoom::Story };
            plain(zoom, format!("{of}refuses {}: {}", epoch_of(*epoch), error.name(scene.era())))
        }
        ReplicaNote::LeaderUnavailable { epoch, leader: BrokerId::NONE } => plain(
            Zoom::Story,
            format!("{of}is told that nobody leads {}: it stays as it is", epoch_of(*epoch)),
        ),
        ReplicaNote::LeaderUnavailable { epoch, leader } => {
            let leader = scene.broker(*leader);
            let epoch = epoch_of(*epoch);
            plain(
                Zoom::Story,
                format!("{of}cannot follow {leader}, {epoch}: it is not among the live brokers"),
            )
        }
        ReplicaNote::AppendedAsLeader { records, .. } => {
            let entries = records.entries();
            let named = entries.iter().any(|batch| name(batch.header.base_offset, batch.header.crc));
            let cells = scene.names.cells(partition, entries);
            let zoom = if named { Zoom::Story } else { Zoom::Messages };
            let at = entries.first().map_or(Offset::NONE, |first| first.header.base_offset);
            plain(zoom, format!("{of}appends {cells} at offset {at}"))
        }
        ReplicaNote::AppendedAsFollower { batches, leader } => {
            let named = batches.iter().any(|batch| name(batch.header.base_offset, batch.header.crc));
            let zoom = if named { Zoom::Story } else { Zoom::Messages };
            plain(
                zoom,
                format!(
                    "{of}appends {} from {}",
                    scene.names.cells(partition, batches),
                    scene.broker(*leader)
                ),
            )
        }
        ReplicaNote::HighWatermarkAdvanced { from, to, isr: members } => {
            high_watermark(partition, *from, *to, members, scene)
        }
        ReplicaNote::LogStartRaised { from, to, leader: BrokerId::NONE, .. } => {
            plain(Zoom::Story, format!("{of}DELETES what is below offset {to}: log start {from} → {to}"))
        }
        ReplicaNote::LogStartRaised { from, to, .. } => {
            plain(Zoom::Story, format!("{of}log start {from} → {to}, as its leader's"))
        }
        ReplicaNote::DeletionRefused { before, error } => {
            let below = if before.0 == -1 { "the high watermark".to_owned() } else { before.to_string() };
            let error = error.name(scene.era());
            plain(Zoom::Story, format!("{of}REFUSES to delete what is below {below}: {error}"))
        }
        ReplicaNote::SegmentsDeleted { count, first } => {
            let segments = if *count == 1 { "the segment" } else { "the segments" };
            plain(Zoom::Story, format!("{of}removes {segments} below offset {first} from its disk"))
        }
        ReplicaNote::FetcherEnded { leader, .. } => {
            let leader = scene.broker(*leader);
            plain(Zoom::Story, format!("{of}its fetcher from {leader} ENDS: what came cannot be appended"))
        }
        ReplicaNote::AskedEpochEnd { leader, epoch } => {
            plain(Zoom::Story, format!("{of}asks {} where {} ended", scene.broker(*leader), epoch_of(*epoch)))
        }
        ReplicaNote::ToldEpochEnd { leader, asked, answer } => {
            let leader = scene.broker(*leader);
            let answer = match answer {
                Ok(end) if end.end_offset == Offset::NONE => {
                    format!("{leader} cannot say where {} ended", epoch_of(*asked))
                }
                Ok(end) => match end.leader_epoch.filter(|epoch| epoch != asked) {
                    Some(epoch) => format!(
                        "{leader} never had {}; {} ended at {}",
                        epoch_of(*asked),
                        epoch_of(epoch),
                        end.end_offset
                    ),
                    None => format!("{leader} answers: {} ended at {}", epoch_of(*asked), end.end_offset),
                },
                Err(error) => format!("{leader} answers {}", error.name(scene.era())),
            };
            plain(Zoom::Story, format!("{of}{answer}"))
        }
        ReplicaNote::Truncated { from, to, .. } if from == to => {
            let zoom = if *to == Offset::ZERO { Zoom::Messages } else { Zoom::Story };
            plain(zoom, format!("{of}has nothing to cut: keeps all up to {to}"))
        }
        ReplicaNote::Truncated { to, dropped, .. } if dropped.is_empty() => {
            plain(Zoom::Story, format!("{of}starts its empty log at offset {to}"))
        }
        ReplicaNote::Truncated { from, to, dropped, .. } => {
            let dropped = scene.names.dropped(partition, dropped);
            let text = if to > from {
                format!("{of}EMPTIES its log, to start it at offset {to}: drops {dropped}")
            } else {
                format!("{of}TRUNCATES {from} → {to}: drops {dropped}")
            };
            Wording { table: Some(partition), ..plain(Zoom::Story, text) }
        }
        ReplicaNote::IsrProposed { from, to, .. } => {
            plain(Zoom::Story, format!("{of}wants ISR {} → {}", isr(from), isr(to)))
        }
        ReplicaNote::IsrShrunk { from, to } => {
            let gone: Vec<BrokerId> = from.iter().filter(|id| !to.contains(id)).copied().collect();
            plain(Zoom::Story, format!("{of}ISR {} → {}: {} out", isr(from), isr(to), scene.brokers(&gone)))
        }
        ReplicaNote::IsrExpanded { from, to, .. } => {
            let new: Vec<BrokerId> = to.iter().filter(|id| !from.contains(id)).copied().collect();
            plain(Zoom::Story, format!("{of}ISR {} → {}: {} in", isr(from), isr(to), scene.brokers(&new)))
        }
        ReplicaNote::IsrChangeRefused { wanted, error } => {
            plain(Zoom::Story, format!("{of}ISR {} REFUSED: {}", isr(wanted), error.name(scene.era())))
        }
        ReplicaNote::ProduceRefused { from, error } => {
            let who = scene.nodes.name(*from);
            let text = format!("{of}refuses what {who} sends: {}", error.name(scene.era()));
            Wording { once: true, ..plain(Zoom::Story, text) }
        }
        ReplicaNote::ReadRefused { from, offset, error, .. } => {
            let who = scene.nodes.name(*from);
            let what = match *offset {
                Offset::NONE => "question".to_owned(),
                offset => format!("read at offset {offset}"),
            };
            let text = format!("{of}refuses {who}'s {what}: {}", error.name(scene.era()));
            Wording { once: true, ..plain(Zoom::Story, text) }
        }
        ReplicaNote::FoundDivergence { replica, end_offset, .. } => plain(
            Zoom::Story,
            format!("{of}tells {} that their logs part at {end_offset}", scene.broker(*replica)),
        ),
        // Told by the side that refused.
        ReplicaNote::FetchRefused { leader, offset, error } => plain(
            Zoom::Messages,
            format!(
                "{of}its fetch at {offset} was refused by {}: {}",
                scene.broker(*leader),
                error.name(scene.era())
            ),
        ),
        ReplicaNote::Stopped { deleted: true } => plain(Zoom::Story, format!("{of}DELETES the replica")),
        ReplicaNote::Stopped { deleted: false } => plain(Zoom::Story, format!("{of}stops the replica")),
        ReplicaNote::Recovered { from, log_end_offset, cut_bytes } => {
            let cut = if *cut_bytes > 0 { format!(", {cut_bytes} bad bytes CUT") } else { String::new() };
            let empty = *log_end_offset == Offset::ZERO && *cut_bytes == 0;
            plain(
                if empty { Zoom::Messages } else { Zoom::Story },
                format!("{of}recovers its log from offset {from}: it ends at {log_end_offset}{cut}"),
            )
        }
    }
}

fn high_watermark(
    partition: TopicPartition,
    from: Offset,
    to: Offset,
    members: &[BrokerId],
    scene: &Scene<'_>,
) -> Wording {
    let of = scene.of(partition);
    let view = scene.nodes.broker(scene.node).and_then(|broker| broker.replica(partition));
    let passed = view.map_or(&[][..], |view| {
        let log = view.log.batches();
        let first = log.partition_point(|batch| batch.base_offset < from);
        let end = log.partition_point(|batch| batch.last_offset < to);
        log.get(first..end).unwrap_or_default()
    });
    let named = passed.iter().any(|batch| scene.names.is_named(partition, batch.base_offset, batch.crc));
    let zoom = if named { Zoom::Story } else { Zoom::Messages };
    let last =
        passed.last().map_or(format!("offset {}", to.0 - 1), |batch| scene.names.cell(partition, batch));
    match members {
        [] => plain(zoom, format!("{of}learns that the high watermark is {to}")),
        [_] => {
            plain(zoom, format!("{of}high watermark {from} → {to}: it is alone in the ISR {}", isr(members)))
        }
        _ => plain(
            zoom,
            format!("{of}high watermark {from} → {to}: all of the ISR {} have {last}", isr(members)),
        ),
    }
}

fn broker(note: &BrokerNote, scene: &Scene<'_>) -> Wording {
    match note {
        BrokerNote::Started { clean, partitions } => {
            let last = match (clean, partitions) {
                (_, 0) => "with an empty log directory",
                (true, _) => "after a clean stop",
                (false, _) => "after an unclean stop",
            };
            plain(Zoom::Story, format!("starts {last}"))
        }
        BrokerNote::Registered { .. } => {
            let id = scene.nodes.broker(scene.node).map_or(BrokerId::NONE, |broker| broker.id());
            plain(Zoom::Story, format!("registers as {BROKER_IDS}/{id}"))
        }
        BrokerNote::SessionExpired => plain(Zoom::Story, "learns that its ZooKeeper session has EXPIRED"),
        BrokerNote::ZooKeeperLost => plain(Zoom::Story, "loses its connection to ZooKeeper"),
        BrokerNote::ZooKeeperBack => plain(Zoom::Story, "is back with ZooKeeper, in the same session"),
        BrokerNote::ShutdownStarted => plain(Zoom::Story, "begins a controlled shutdown"),
        BrokerNote::ShutdownAnswered { remaining: 0 } => plain(Zoom::Story, "leads nothing any more"),
        BrokerNote::ShutdownAnswered { remaining } => {
            plain(Zoom::Story, format!("still leads {remaining} partitions"))
        }
        BrokerNote::ControlRequestRefused { api, controller, controller_epoch, error } => plain(
            Zoom::Story,
            format!(
                "REFUSES {} of {}, controller epoch {controller_epoch}: {}",
                api.name_in(scene.era()),
                scene.broker(*controller),
                error.name(scene.era())
            ),
        ),
        BrokerNote::LogDirectoryFailed => plain(Zoom::Story, "its log directory FAILED"),
    }
}

fn controller(note: &ControllerNote, scene: &Scene<'_>) -> Wording {
    match note {
        ControllerNote::Elected { epoch } => plain(
            Zoom::Story,
            format!("{} wins {CONTROLLER}: controller epoch {epoch}", scene.nodes.name(scene.node)),
        ),
        ControllerNote::Follows { .. } => {
            plain(Zoom::Messages, format!("{} sees another controller", scene.nodes.name(scene.node)))
        }
        ControllerNote::Initialized { brokers, partitions } => plain(
            Zoom::Story,
            format!(
                "has set its watches and read back {partitions} partitions; live: {}",
                scene.brokers(brokers)
            ),
        ),
        ControllerNote::Resigned { epoch } => {
            plain(Zoom::Story, format!("{} RESIGNS, controller epoch {epoch}", scene.nodes.name(scene.node)))
        }
        ControllerNote::Event { name, routine } => {
            // Every broker has a controller; of those that are not active only the race for the office is news.
            let active =
                scene.nodes.broker(scene.node).is_some_and(|broker| broker.controller_epoch().is_some());
            // A change of brokers is told with what it finds, one of an assignment by who made it.
            let told_otherwise = ["BrokerChange", "PartitionModifications"];
            let is_news = active && !routine && !told_otherwise.iter().any(|known| name.starts_with(known));
            plain(if is_news { Zoom::Story } else { Zoom::Messages }, format!("takes event {name}"))
        }
        ControllerNote::BrokersChanged { event, started, failed, bounced } => {
            let part = |word: &str, ids: &[BrokerId], what_follows: &str| {
                (!ids.is_empty()).then(|| format!("{word}: {} ({what_follows})", scene.brokers(ids)))
            };
            let parts = [
                part("new", started, "onBrokerStartup"),
                part("bounced", bounced, "onBrokerFailure, onBrokerStartup"),
                part("gone", failed, "onBrokerFailure"),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            let what = if parts.is_empty() { "nothing is new".to_owned() } else { parts.join("; ") };
            plain(Zoom::Story, format!("{event}: compares {BROKER_IDS}: {what}"))
        }
        // Told with the comparison that found them.
        ControllerNote::BrokerFailure { brokers } => {
            plain(Zoom::Messages, format!("onBrokerFailure: {}", scene.brokers(brokers)))
        }
        ControllerNote::BrokerStartup { brokers } => {
            plain(Zoom::Messages, format!("onBrokerStartup: {}", scene.brokers(brokers)))
        }
        ControllerNote::PartitionState { partition, from, to } => {
            // That a partition is online again stands in the line of its leader.
            let zoom = if *to == "OnlinePartition" { Zoom::Messages } else { Zoom::Story };
            listed(zoom, "", partition.to_string(), format!(": {from} → {to}"))
        }
        ControllerNote::ReplicaState { partition, broker, from, to } => {
            let before = format!("replica on {} of ", scene.broker(*broker));
            // That a new replica of a new partition is there is no news.
            let zoom =
                if *from == "NewReplica" || *to == "NewReplica" { Zoom::Messages } else { Zoom::Story };
            let wording = listed(zoom, before, partition.to_string(), format!(": {from} → {to}"));
            Wording { gathers: true, ..wording }
        }
        ControllerNote::LeaderAndIsrWritten { partition, leader, epoch, isr: members, reason, unclean } => {
            let leader =
                if *leader == BrokerId::NONE { "NO leader".to_owned() } else { format!("leader {leader}") };
            let unclean = if *unclean { " UNCLEAN" } else { "" };
            let reason = match *reason {
                "offline" => "because its leader was offline",
                "replica offline" => "because a follower was offline",
                other => other,
            };
            plain(
                Zoom::Story,
                format!(
                    "{partition}: {leader}, {}, ISR {}{unclean} ({reason})",
                    epoch_of(*epoch),
                    isr(members)
                ),
            )
        }
        ControllerNote::Imbalance { broker, led_elsewhere, preferred_of, allowed_percentage } => plain(
            Zoom::Story,
            format!(
                "{} is preferred by {preferred_of}, others lead {led_elsewhere}: imbalance {} %, allowed {allowed_percentage} %",
                scene.broker(*broker),
                led_elsewhere * 100 / preferred_of,
            ),
        ),
        ControllerNote::NotElected { partition, reason } => {
            plain(Zoom::Story, format!("{partition}: NOBODY can be elected: {reason}"))
        }
        ControllerNote::WriteRefused { path, .. } if path == CONTROLLER_EPOCH => {
            plain(Zoom::Story, "its write is REFUSED: /controller_epoch is not as it left it")
        }
        ControllerNote::ShutdownRefused { broker, error } => plain(
            Zoom::Story,
            format!("REFUSES to let {} go: {}", scene.broker(*broker), error.name(scene.era())),
        ),
        ControllerNote::WriteRefused { path, error } => {
            plain(Zoom::Story, format!("its write of {path} is REFUSED: {}", error.name()))
        }
        ControllerNote::Sent { api, to, partitions } => {
            let about = match partitions.len() {
                0 => " (live brokers)".to_owned(),
                1..=3 => {
                    let names: Vec<String> = partitions.iter().map(|(named, _)| named.to_string()).collect();
                    format!(" ({})", names.join(", "))
                }
                many => format!(" ({many} partitions)"),
            };
            listed(
                Zoom::Story,
                format!("sends {}{about} to ", api.name_in(scene.era())),
                scene.broker(*to),
                "",
            )
        }
    }
}

fn zookeeper(note: &ZooKeeperNote, scene: &Scene<'_>) -> Wording {
    let name = |node: &NodeId| scene.nodes.name(*node);
    match note {
        ZooKeeperNote::SessionOpened { node, .. } => {
            plain(Zoom::Messages, format!("a session for {}", name(node)))
        }
        ZooKeeperNote::SessionEnded { node, expired, ephemerals, .. } => {
            let ended = match expired {
                true => format!("the session of {} EXPIRES", name(node)),
                false => format!("{} closes its session", name(node)),
            };
            let paths: Vec<&str> = ephemerals.iter().map(|path| &**path).collect();
            let gone = match &paths[..] {
                [] => String::new(),
                [path] => format!(": {path} is gone with it"),
                paths => format!(": {} are gone with it", paths.join(" and ")),
            };
            plain(Zoom::Story, ended + &gone)
        }
        ZooKeeperNote::Created { path, ephemeral: true, .. } => {
            plain(Zoom::Messages, format!("{path} appears (ephemeral)"))
        }
        ZooKeeperNote::Created { path, .. } => plain(Zoom::Messages, format!("{path} appears")),
        ZooKeeperNote::Changed { path, data: data @ ZnodeData::PartitionState(_), version, by } => {
            plain(Zoom::Messages, format!("{path} ← {data}, version {version}, by {}", name(by)))
        }
        ZooKeeperNote::Changed { path, version, by, .. } => {
            plain(Zoom::Messages, format!("{path} changes, version {version}, by {}", name(by)))
        }
        // Told with the end of the session.
        ZooKeeperNote::Deleted { path, with_session: true } => {
            plain(Zoom::Messages, format!("ephemeral {path} is gone with its session"))
        }
        ZooKeeperNote::Deleted { path, .. } => {
            let zoom = if &**path == CONTROLLER { Zoom::Story } else { Zoom::Messages };
            plain(zoom, format!("{path} is deleted"))
        }
        ZooKeeperNote::WatchFired { path, kind, to } => {
            let what = match kind {
                WatchKind::Created => "created",
                WatchKind::Deleted => "deleted",
                WatchKind::DataChanged => "data changed",
                WatchKind::ChildrenChanged => "children changed",
            };
            let zoom = match &**path {
                BROKER_IDS | CONTROLLER => Zoom::Story,
                _ => Zoom::Messages,
            };
            listed(zoom, format!("watch on {path} fires ({what}) for "), name(to), "")
        }
        ZooKeeperNote::Refused { path, by, error } => {
            let zoom =
                if &**path == CONTROLLER || path.ends_with("/state") { Zoom::Story } else { Zoom::Messages };
            plain(zoom, format!("refuses {}'s write of {path}: {}", name(by), error.name()))
        }
    }
}

fn client(note: &ClientNote, scene: &Scene<'_>) -> Wording {
    match note {
        ClientNote::MetadataRefreshed { changes, broker } if changes.is_empty() => plain(
            Zoom::Messages,
            format!("refreshes its metadata from {}: nothing new", scene.nodes.name(*broker)),
        ),
        ClientNote::MetadataRefreshed { changes, broker } => {
            let changes: Vec<String> = changes
                .iter()
                .map(|(partition, leader, _)| match leader {
                    Some(leader) => format!("{partition} is led by {}", scene.broker(*leader)),
                    None => format!("{partition} has no leader"),
                })
                .collect();
            plain(
                Zoom::Story,
                format!("refreshes its metadata from {}: {}", scene.nodes.name(*broker), changes.join(", ")),
            )
        }
        ClientNote::Retries { send, partition, error, broker } => {
            let named = scene.names.send(*send);
            let zoom = if named.is_some() { Zoom::Story } else { Zoom::Messages };
            let what = named.map_or("a batch".to_owned(), |name| name.to_string());
            let error = error.name(scene.era());
            let from = scene.broker(*broker);
            let text = format!("{}is told {error} by {from}, will send {what} again", scene.of(*partition));
            Wording { once: true, ..plain(zoom, text) }
        }
        ClientNote::ConnectionLost { node, timed_out: true } => plain(
            Zoom::Story,
            format!("gives up waiting for {} and closes the connection", scene.nodes.name(*node)),
        ),
        ClientNote::ConnectionLost { node, .. } => {
            plain(Zoom::Story, format!("loses its connection to {}", scene.nodes.name(*node)))
        }
        ClientNote::PositionChecked { epoch, end_offset, position, partition } => plain(
            Zoom::Story,
            format!(
                "{}checks its position {position} with the new leader: {} ended at {end_offset}",
                scene.of(*partition),
                epoch_of(*epoch)
            ),
        ),
        ClientNote::PositionReset { partition, offset } => {
            plain(Zoom::Messages, format!("{}starts at offset {offset}", scene.of(*partition)))
        }
        ClientNote::FetchRefused { partition, offset, error } => plain(
            Zoom::Story,
            format!(
                "{}its read at offset {offset} is refused: {}",
                scene.of(*partition),
                error.name(scene.era())
            ),
        ),
    }
}

/// What an application was told, in words.
pub fn delivery(delivery: &Delivery, scene: &Scene<'_>) -> Wording {
    match delivery {
        Delivery::Acked { send, .. } => match scene.names.send(*send) {
            Some(name) => listed(Zoom::Story, "", name.to_string(), " acked"),
            None => listed(Zoom::Messages, "", "a batch", " acked"),
        },
        Delivery::Failed { send, error, may_have_been_appended, partition } => {
            let name = scene.names.send(*send);
            let zoom = if name.is_some() { Zoom::Story } else { Zoom::Messages };
            let name = name.map_or("a batch".to_owned(), |name| name.to_string());
            let open =
                if *may_have_been_appended { "in doubt, it may be written" } else { "it is not written" };
            plain(zoom, format!("{}{name} FAILED: {}; {open}", scene.of(*partition), error.name(scene.era())))
        }
        Delivery::Polled { partition, from, batches, broker, .. } => {
            let new: Vec<_> = batches.iter().filter(|batch| batch.header.last_offset() >= *from).collect();
            let named = |batch: &&kafka::log::batch::RecordBatch| {
                scene.names.is_named(*partition, batch.header.base_offset, batch.header.crc)
            };
            let zoom = if new.iter().any(named) { Zoom::Story } else { Zoom::Messages };
            let cells = scene.names.cells(*partition, new.iter().copied());
            plain(zoom, format!("{}reads {cells} from {}", scene.of(*partition), scene.broker(*broker)))
        }
        Delivery::PositionReset { partition, from, to } => match from {
            Some(from) => plain(
                Zoom::Story,
                format!("{}its position is RESET from {from} to {to}", scene.of(*partition)),
            ),
            None => plain(Zoom::Messages, format!("{}begins at offset {to}", scene.of(*partition))),
        },
        Delivery::LogTruncated { partition, position, diverges_at } => {
            let at = diverges_at.map_or("somewhere below".to_owned(), |offset| format!("at {offset}"));
            plain(
                Zoom::Story,
                format!(
                    "{}LogTruncationException: it is at {position}, the log was cut {at}",
                    scene.of(*partition)
                ),
            )
        }
        Delivery::OffsetOutOfRange { partition, position } => {
            plain(Zoom::Story, format!("{}OffsetOutOfRangeException at {position}", scene.of(*partition)))
        }
        Delivery::EndOffset { partition, offset, broker } => plain(
            Zoom::Story,
            format!(
                "{}is told by {} that the log ends at {offset}",
                scene.of(*partition),
                scene.broker(*broker)
            ),
        ),
        Delivery::Done(Ok(())) => plain(Zoom::Messages, "done"),
        Delivery::Done(Err(refused)) => {
            plain(Zoom::Story, format!("REFUSED: {}: {}", refused.error.name(scene.era()), refused.message))
        }
    }
}
