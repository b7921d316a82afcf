//! Steps carried out: each verb is a heading of the story and a call to the world.
//!
//! An operator's tool runs until it is answered, as at a terminal; everything else happens now, and what follows from it
//! in the steps that let time pass. Roles are looked up at this moment.

use super::boot::create_topic;
use super::condition::Condition;
use super::look::Look;
use super::problem::Problem;
use super::run::{Runner, Stop, Unmet};
use super::source::Path;
use super::step::{Consume, Fault, Messages, Produce, RunUntil, Sentence, Step, SurvivesWord, Workload};
use super::traffic::Load;
use super::words::{Many, Role, Span};
use crate::trace::recorder::Voice;
use crate::world::nodes::Status;
use crate::world::{DiskFault, MessageFate, MessageMatch, Side, Survives, World};
use kafka::command::{Command, OperatorError, StartAt};
use kafka::ids::{BrokerId, NodeId, Offset, Topic, TopicPartition};
use kafka::messages::ApiKey;
use kafka::time::Micros;

/// How long `run_until` waits.
const PATIENCE: Micros = Micros(60_000_000);
/// How long an operator waits for a tool; one that speaks to brokers gives up after two minutes.
const OPERATORS_PATIENCE: Micros = Micros(130_000_000);

impl Runner<'_> {
    /// Carries out one step. In a trigger no time passes.
    pub fn step(&mut self, step: &Step, path: &Path, in_trigger: bool) -> Result<(), Stop> {
        match step {
            Step::Say(text) => self.say(Voice::Says, text),
            Step::Ask(text) => self.say(Voice::Asks, text),
            Step::Answer(text) => self.say(Voice::Answers, text),
            Step::Produce(produce) => return self.produce(produce, &path.key("produce")),
            Step::Resend(whom) => return self.resend(whom, &path.key("resend")),
            Step::Workload(workload) => return self.workload(workload, &path.key("workload")),
            Step::Consume(consume) => return self.consume(consume, &path.key("consume")),
            Step::CreateTopic(_)
            | Step::AddPartitions(_)
            | Step::Set(_)
            | Step::DeleteTopic(_)
            | Step::DeleteRecords(_)
            | Step::ElectPreferred(_)
            | Step::Reassign(_)
            | Step::DeleteZnode(_) => return self.operator_step(step, path, in_trigger),
            Step::Kill(_)
            | Step::Restart(_)
            | Step::PowerOff(_)
            | Step::Pause(_)
            | Step::Resume(_)
            | Step::SlowCpu(_)
            | Step::Shutdown(_)
            | Step::ExpireSession(_)
            | Step::StepClock(_)
            | Step::SkewClock(_)
            | Step::Disk(_) => return self.node_step(step, path),
            Step::Cut(_) | Step::Heal(_) | Step::Reset(_) | Step::SlowLink(_) => {
                return self.link_step(step, path);
            }
            Step::Hold(which) => return self.messages("hold", which, MessageFate::Hold, &path.key("hold")),
            Step::Drop(which) => return self.messages("drop", which, MessageFate::Drop, &path.key("drop")),
            Step::Delay(delay) => {
                let verb = format!("delay by {}", delay.by);
                let fate = MessageFate::Delay(delay.by.0);
                return self.messages(&verb, &delay.messages(), fate, &path.key("delay"));
            }
            Step::Release(name) => return self.release(name, &path.key("release")),
            Step::RunFor(span) => {
                self.heading(&format!("run for {span}"));
                let until = self.wait(span.0);
                self.advance(until, path, &|_| false)?;
            }
            Step::RunUntil(until) => return self.run_until(until, path),
            Step::Expect(all) => return self.expect(&all.0, path),
            Step::When(when) => self.arm(when, path.key("when")),
        }
        Ok(())
    }

    fn heading(&mut self, text: &str) {
        let now = self.world.now();
        self.world.recorder.step(now, text);
    }

    fn say(&mut self, voice: Voice, sentence: &Sentence) {
        if let Some(text) = sentence.text(self.era) {
            self.world.recorder.say(voice, text);
        }
    }

    /// Who plays a role now, and how the story calls him.
    fn find(&self, role: &Role, path: &Path) -> Result<(NodeId, String), Stop> {
        let node = Look(&self.world).find(role).map_err(|problem| Stop::Bad((path.clone(), problem)))?;
        let name = self.world.nodes.name(node);
        let called = match role {
            Role::Node(_) => name.to_owned(),
            role => format!("{role} ({name})"),
        };
        Ok((node, called))
    }

    fn must_be(&self, node: NodeId, wanted: &[Status], path: &Path) -> Result<(), Stop> {
        let status = self.world.nodes.slot(node).status;
        if wanted.contains(&status) {
            return Ok(());
        }
        let is = match status {
            Status::Down => "is not running",
            Status::Up => "is running",
            Status::Paused => "is paused",
        };
        let problem = Problem::new(format!("{} {is} at this moment", self.world.nodes.name(node)));
        Err(Stop::Bad((path.clone(), problem)))
    }

    fn client(&self, path: &Path) -> Result<NodeId, Stop> {
        let name = self.ready.names.doers.of(path);
        let node = self.world.nodes.find(name).expect("clients are nodes");
        self.must_be(node, &[Status::Up, Status::Paused], path)?;
        Ok(node)
    }

    fn produce(&mut self, produce: &Produce, path: &Path) -> Result<(), Stop> {
        let node = self.client(path)?;
        let to = produce.to.0;
        let key = produce.key.clone();
        let what = match (&produce.value, &produce.values, produce.count) {
            (Some(value), ..) => value.clone(),
            (_, Some(values), _) if values.len() <= 5 => values.join(", "),
            (_, Some(values), _) => format!("{}, … {}", values[0], values[values.len() - 1]),
            (_, _, count) => format!("{} records", count.unwrap_or(0)),
        };
        let mut text = format!("produce {what} to {to}");
        if let Some(acks) = produce.acks {
            text += &format!(", acks={}", acks.text());
        }
        if let Some(every) = produce.every {
            text += &format!(", one every {every}");
        }
        let producers = self.ready.names.clients.iter().filter(|client| client.name.starts_with("producer-"));
        if producers.count() > 1 {
            text += &format!(" by {}", self.world.nodes.name(node));
        }
        self.heading(&text);
        let values: Vec<String> = match (&produce.value, &produce.values) {
            (Some(value), _) => vec![value.clone()],
            (_, Some(values)) => values.clone(),
            _ => Vec::new(),
        };
        let size = produce.size.unwrap_or(100);
        if let Some(Span(every)) = produce.every {
            let load = match produce.count {
                Some(left) => Load::Filler { left, records: 1, size },
                None => Load::Named(values.into()),
            };
            self.traffic.add(node, vec![to], key, self.world.now(), every, load);
            return Ok(());
        }
        let command = match produce.count {
            Some(count) => self.sends.filler(node, self.world.now(), to, (count, size), key.as_deref()),
            None => self.sends.named(node, self.world.now(), to, &values, key.as_deref()),
        };
        self.world.command(node, command);
        Ok(())
    }

    fn resend(&mut self, whom: &Role, path: &Path) -> Result<(), Stop> {
        let (node, called) = self.find(whom, path)?;
        self.must_be(node, &[Status::Up, Status::Paused], path)?;
        let (values, commands) = self.sends.again(node, self.world.now());
        let what = if values.is_empty() { "nothing".to_owned() } else { values.join(", ") };
        self.heading(&format!("{called} sends again what has no answer: {what}"));
        for command in commands {
            self.world.command(node, command);
        }
        Ok(())
    }

    fn workload(&mut self, workload: &Workload, path: &Path) -> Result<(), Stop> {
        let node = self.client(path)?;
        let every = workload.every.0;
        let sends = match (workload.count, workload.during) {
            (Some(count), _) => count,
            (_, during) => during.map_or(0, |during| during.0.0.div_ceil(every.0)),
        };
        let records = u64::from(workload.records.unwrap_or(1));
        let size = workload.size.unwrap_or(100);
        let partitions: Vec<TopicPartition> = workload.to.0.iter().map(|partition| partition.0).collect();
        let name = self.world.nodes.name(node);
        let text = format!(
            "workload by {name}: {sends} sends of {records} × {size} bytes, one every {}",
            workload.every
        );
        self.heading(&text);
        let load = Load::Filler { left: sends, records, size };
        self.traffic.add(node, partitions, None, self.world.now(), every, load);
        Ok(())
    }

    fn consume(&mut self, consume: &Consume, path: &Path) -> Result<(), Stop> {
        let node = self.client(path)?;
        let start = consume.start.map_or(StartAt::Reset, |word| word.0);
        let from: Vec<TopicPartition> = consume.from.0.iter().map(|partition| partition.0).collect();
        let names: Vec<String> = from.iter().map(TopicPartition::to_string).collect();
        let begins = match start {
            StartAt::Reset => "where auto.offset.reset says".to_owned(),
            StartAt::Earliest => "the beginning".to_owned(),
            StartAt::Latest => "the end".to_owned(),
            StartAt::Offset(offset) => format!("offset {offset}"),
        };
        let name = self.world.nodes.name(node);
        self.heading(&format!("{name} reads {} from {begins}", names.join(", ")));
        let assigned = from.into_iter().map(|partition| (partition, start)).collect();
        self.world.command(node, Command::Assign(assigned));
        Ok(())
    }

    fn operator_step(&mut self, step: &Step, path: &Path, in_trigger: bool) -> Result<(), Stop> {
        let (text, command) = match step {
            Step::CreateTopic(create) => {
                (format!("create topic {}", create.topic), create_topic(&create.topic, &create.spec))
            }
            Step::AddPartitions(add) => {
                let text = format!("{} partitions for topic {}", add.partitions, add.topic);
                let ids = |list: &Vec<i32>| list.iter().map(|id| BrokerId(*id)).collect();
                let assignment = add.assignment.as_ref().map(|lists| lists.iter().map(ids).collect());
                let (topic, partitions) = (Topic::new(&add.topic), add.partitions);
                (text, Command::AddPartitions { topic, partitions, assignment })
            }
            Step::Set(set) => {
                let settings = set.settings.0.iter();
                let settings =
                    settings.map(|(name, value)| (name.clone(), value.clone().map(|value| value.0)));
                let settings: Vec<(String, Option<String>)> = settings.collect();
                let words = settings.iter().map(|(name, value)| match value {
                    Some(value) => format!("{name}={value}"),
                    None => format!("{name} back to its default"),
                });
                let text = format!("set {} of {}", words.collect::<Vec<_>>().join(", "), set.topic);
                let settings = settings.into_iter().collect();
                (text, Command::AlterTopicConfig { topic: Topic::new(&set.topic), settings })
            }
            Step::DeleteTopic(delete) => {
                (format!("delete topic {}", delete.topic), Command::DeleteTopic(Topic::new(&delete.topic)))
            }
            Step::DeleteRecords(delete) => {
                let (partition, before) = (delete.of.0, Offset(delete.before));
                let below = match delete.before {
                    -1 => "the high watermark".to_owned(),
                    before => format!("offset {before}"),
                };
                (
                    format!("delete records of {partition} below {below}"),
                    Command::DeleteRecords { partition, before },
                )
            }
            Step::ElectPreferred(of) => {
                let of: Vec<TopicPartition> = of.0.iter().map(|partition| partition.0).collect();
                let names: Vec<String> = of.iter().map(TopicPartition::to_string).collect();
                let text = format!("elect the preferred leader of {}", names.join(", "));
                (text, Command::ElectPreferredLeaders(of))
            }
            Step::Reassign(targets) => {
                let words =
                    targets.0.iter().map(|(partition, replicas)| format!("{partition} to {replicas:?}"));
                let text = format!("reassign {}", words.collect::<Vec<_>>().join(", "));
                let targets = targets.0.iter().map(|(name, replicas)| {
                    let partition =
                        TopicPartition::parse(name).expect("names of partitions are checked before");
                    (partition, replicas.iter().map(|id| BrokerId(*id)).collect())
                });
                (text, Command::ReassignPartitions(targets.collect()))
            }
            Step::DeleteZnode(znode) => {
                (format!("delete znode {znode}"), Command::DeleteZnode(znode.clone()))
            }
            other => unreachable!("{other:?} is no operator's"),
        };
        self.heading(&text);
        if in_trigger {
            self.world.command(self.operator, command);
            return Ok(());
        }
        let refused = match step {
            Step::CreateTopic(create) => create.refused.as_deref(),
            Step::AddPartitions(add) => add.refused.as_deref(),
            Step::DeleteTopic(delete) => delete.refused.as_ref().and_then(|refused| refused.text(self.era)),
            Step::DeleteRecords(delete) => delete.refused.as_ref().and_then(|refused| refused.text(self.era)),
            _ => None,
        };
        match refused {
            Some(error) => self.operate_in_vain(command, error, path),
            None => self.operate(command, path),
        }
    }

    /// Gives the operator a command and waits for its end.
    pub fn operate(&mut self, command: Command, path: &Path) -> Result<(), Stop> {
        match self.operator_is_told(command, path)? {
            Ok(()) => Ok(()),
            Err(refused) => {
                let error = refused.error.name(self.era);
                let what = format!("the operator's command was refused: {error}: {}", refused.message);
                Err(Stop::Unmet(Unmet { what, instead: Vec::new(), place: self.place(path) }))
            }
        }
    }

    /// Gives the operator a command that must be refused with this error.
    fn operate_in_vain(&mut self, command: Command, error: &str, path: &Path) -> Result<(), Stop> {
        let said = self.operator_is_told(command, path)?;
        let instead = match said {
            Err(refused) if refused.error.newest_name() == error => {
                self.heading(&format!("refused: {}: {}", refused.error.name(self.era), refused.message));
                return Ok(());
            }
            Err(refused) => format!("refused with {}: {}", refused.error.newest_name(), refused.message),
            Ok(()) => "it was done".to_owned(),
        };
        let what = format!("the operator's command was to be refused with {error}");
        Err(Stop::Unmet(Unmet { what, instead: vec![instead], place: self.place(path) }))
    }

    fn operator_is_told(&mut self, command: Command, path: &Path) -> Result<Result<(), OperatorError>, Stop> {
        self.operator_said = None;
        self.world.command(self.operator, command);
        let until = self.world.now() + OPERATORS_PATIENCE;
        self.advance(until, path, &|runner| runner.operator_said.is_some())?;
        self.operator_said.take().ok_or_else(|| {
            let what = format!("the operator's command was not answered within {}", Span(OPERATORS_PATIENCE));
            Stop::Unmet(Unmet { what, instead: Vec::new(), place: self.place(path) })
        })
    }

    fn node_step(&mut self, step: &Step, path: &Path) -> Result<(), Stop> {
        const RUNS: &[Status] = &[Status::Up, Status::Paused];
        match step {
            Step::Kill(role) => {
                let (node, called) = self.find(role, &path.key("kill"))?;
                self.must_be(node, RUNS, &path.key("kill"))?;
                self.heading(&format!("kill {called}"));
                self.world.kill(node);
            }
            Step::Restart(role) => {
                let (node, called) = self.find(role, &path.key("restart"))?;
                self.must_be(node, &[Status::Down], &path.key("restart"))?;
                self.heading(&format!("restart {called}"));
                self.world.restart(node);
            }
            Step::PowerOff(off) => {
                let (node, called) = self.find(&off.node, &path.key("power_off").key("node"))?;
                let (survives, words) = match off.survives {
                    SurvivesWord::Nothing => (Survives::Nothing, "what was not flushed is lost"),
                    SurvivesWord::SomePrefix => {
                        (Survives::SomePrefix, "some of what was not flushed is lost")
                    }
                    SurvivesWord::AnySubset => {
                        (Survives::AnySubset, "any of what was not flushed may be lost")
                    }
                    SurvivesWord::TornTail => {
                        (Survives::TornTail, "the last write of each file is torn in half")
                    }
                };
                self.heading(&format!("power off {called}: {words}"));
                self.world.power_off(node, survives);
            }
            Step::Pause(role) => {
                let (node, called) = self.find(role, &path.key("pause"))?;
                self.must_be(node, &[Status::Up], &path.key("pause"))?;
                self.heading(&format!("pause {called}"));
                self.world.pause(node);
            }
            Step::Resume(role) => {
                let (node, called) = self.find(role, &path.key("resume"))?;
                self.must_be(node, &[Status::Paused], &path.key("resume"))?;
                self.heading(&format!("resume {called}"));
                self.world.resume(node);
            }
            Step::SlowCpu(slow) => {
                let (node, called) = self.find(&slow.node, &path.key("slow_cpu").key("node"))?;
                self.heading(&format!("{called} computes {} times slower", slow.factor));
                self.world.slow_cpu(node, slow.factor);
            }
            Step::Shutdown(role) => {
                let (node, called) = self.find(role, &path.key("shutdown"))?;
                self.must_be(node, RUNS, &path.key("shutdown"))?;
                self.heading(&format!("shut down {called} in order"));
                self.world.command(node, Command::ShutDown);
            }
            Step::ExpireSession(role) => {
                let (node, called) = self.find(role, &path.key("expire_session"))?;
                self.heading(&format!("expire the ZooKeeper session of {called}"));
                self.world.command(NodeId::ZOOKEEPER, Command::ExpireSession(node));
            }
            Step::StepClock(jump) => {
                let (node, called) = self.find(&jump.node, &path.key("step_clock").key("node"))?;
                self.heading(&format!("the wall clock of {called} jumps by {}", jump.by));
                self.world.step_clock(node, jump.by.millis);
            }
            Step::SkewClock(skew) => {
                let (node, called) = self.find(&skew.node, &path.key("skew_clock").key("node"))?;
                let parts = skew.parts_per_million;
                self.heading(&format!("the wall clock of {called} runs {parts} parts per million too fast"));
                self.world.skew_clock(node, parts);
            }
            Step::Disk(disk) => {
                let (node, called) = self.find(&disk.at, &path.key("disk").key("at"))?;
                return self.disk(node, &called, &disk.fault, &path.key("disk").key("fault"));
            }
            other => unreachable!("{other:?} is about no node"),
        }
        Ok(())
    }

    fn disk(&mut self, node: NodeId, called: &str, fault: &Fault, path: &Path) -> Result<(), Stop> {
        let (text, faults) = match fault {
            Fault::Broken => ("fails: EIO".to_owned(), vec![DiskFault::Broken(true)]),
            Fault::Full => ("is full: ENOSPC".to_owned(), vec![DiskFault::Full(true)]),
            Fault::Mended => {
                ("works again".to_owned(), vec![DiskFault::Broken(false), DiskFault::Full(false)])
            }
            Fault::Slow(factor) => (format!("is {factor} times slower"), vec![DiskFault::Slow(*factor)]),
            Fault::WrittenBack => (
                "has everything by now: the page cache is written back".to_owned(),
                vec![DiskFault::WrittenBack],
            ),
            Fault::Rot(rot) => {
                let fault = DiskFault::Rot { file: rot.file.clone(), position: rot.position };
                (format!("rots: a bit of {} at byte {}", rot.file, rot.position), vec![fault])
            }
            Fault::Unreadable(file) => {
                let fault = DiskFault::Unreadable { file: file.clone(), fails: true };
                (format!("has a bad sector: {file} cannot be read"), vec![fault])
            }
            Fault::Readable(file) => {
                let fault = DiskFault::Unreadable { file: file.clone(), fails: false };
                (format!("has a spare sector: {file} can be read again"), vec![fault])
            }
            Fault::Lose(file) => (format!("loses {file}"), vec![DiskFault::Lose { file: file.clone() }]),
            Fault::Wipe => ("is replaced by an empty one".to_owned(), vec![DiskFault::Wipe]),
        };
        self.heading(&format!("the disk of {called} {text}"));
        let partitions = match fault {
            Fault::Rot(_) => self.world.nodes.zookeeper().partitions(),
            _ => Vec::new(),
        };
        let readable = |world: &World, of: TopicPartition| Look(world).batches_on_disk(node, of);
        let before: Vec<_> = partitions.iter().map(|of| readable(&self.world, *of)).collect();
        for fault in faults {
            if !self.world.disk_fault(node, fault) {
                let problem =
                    Problem::new(format!("the disk of {called} has no such file or byte at this moment"));
                return Err(Stop::Bad((path.clone(), problem)));
            }
        }
        for (of, before) in partitions.into_iter().zip(before) {
            if let Some(batch) = before.get(readable(&self.world, of).len()) {
                self.world.recorder.damaged(node, of, batch.header.base_offset);
            }
        }
        Ok(())
    }

    fn ends(&self, many: &Many<Role>, path: &Path) -> Result<(Vec<NodeId>, String), Stop> {
        let mut nodes = Vec::new();
        let mut names = Vec::new();
        for (index, role) in many.0.iter().enumerate() {
            let (node, called) = self.find(role, &path.index(index))?;
            nodes.push(node);
            names.push(called);
        }
        Ok((nodes, names.join(", ")))
    }

    fn link_step(&mut self, step: &Step, path: &Path) -> Result<(), Stop> {
        let (verb, from, to) = match step {
            Step::Cut(cut) => ("cut", &cut.from, &cut.to),
            Step::Heal(link) => ("heal", &link.from, &link.to),
            Step::SlowLink(link) => ("slow_link", &link.from, &link.to),
            Step::Reset(reset) => {
                let path = path.key("reset").key("between");
                let (one, first) = self.find(&reset.between[0], &path.index(0))?;
                let (other, second) = self.find(&reset.between[1], &path.index(1))?;
                self.heading(&format!("reset the connections between {first} and {second}"));
                self.world.reset_connections(one, other);
                return Ok(());
            }
            other => unreachable!("{other:?} is about no link"),
        };
        let path = path.key(verb);
        let (sources, from) = self.ends(from, &path.key("from"))?;
        let (targets, to) = self.ends(to, &path.key("to"))?;
        let text = match step {
            Step::Cut(cut) if cut.one_way => format!("cut {from} → {to}: nothing gets through that way"),
            Step::Cut(_) => format!("cut {from} ↮ {to}"),
            Step::Heal(_) => format!("heal {from} — {to}"),
            Step::SlowLink(link) => {
                let mut shape = Vec::new();
                shape.extend(link.latency.map(|span| format!("latency {span}")));
                shape.extend(link.jitter.map(|span| format!("jitter {span}")));
                shape.extend(link.bandwidth.map(|bytes| format!("{bytes} bytes a second")));
                format!("link {from} → {to}: {}", shape.join(", "))
            }
            _ => unreachable!("only links come here"),
        };
        self.heading(&text);
        for (one, other) in sources.iter().flat_map(|one| targets.iter().map(move |other| (*one, *other))) {
            if one == other {
                continue;
            }
            match step {
                Step::Cut(cut) => self.world.cut(one, other, !cut.one_way),
                Step::Heal(_) => {
                    self.world.heal(one, other);
                    self.world.heal(other, one);
                }
                Step::SlowLink(link) => {
                    let (latency, jitter) = (link.latency.map(|span| span.0), link.jitter.map(|span| span.0));
                    self.world.shape_link(one, other, latency, jitter, link.bandwidth);
                    if !link.one_way {
                        self.world.shape_link(other, one, latency, jitter, link.bandwidth);
                    }
                }
                _ => unreachable!("only links come here"),
            }
        }
        Ok(())
    }

    fn messages(&mut self, verb: &str, which: &Messages, fate: MessageFate, path: &Path) -> Result<(), Stop> {
        let end = |role: &Option<Role>, key: &str| match role {
            Some(role) => self.find(role, &path.key(key)).map(|(node, called)| (Some(node), called)),
            None => Ok((None, "anybody".to_owned())),
        };
        let (from, sender) = end(&which.from, "from")?;
        let (to, receiver) = end(&which.to, "to")?;
        let api =
            which.api.as_ref().map(|name| ApiKey::called(name).expect("names of APIs are checked before"));
        let what = match (api, which.response) {
            (None, false) => "requests".to_owned(),
            (None, true) => "answers to requests".to_owned(),
            (Some(api), false) => api.name_in(self.era).to_owned(),
            (Some(api), true) => format!("answers to {}", api.name_in(self.era)),
        };
        let first = which.count.map_or(String::new(), |count| format!(", the first {count}"));
        let name = which.name.as_ref().map_or(String::new(), |name| format!(", as {name}"));
        self.heading(&format!("{verb} {what} {sender} → {receiver}{first}{name}"));
        let side = if which.response { Side::Response } else { Side::Request };
        let matches = MessageMatch { api, side, from, to, count: which.count };
        let rule = self.world.add_message_rule(matches, fate);
        self.message_rules.push((which.name.clone(), rule));
        Ok(())
    }

    fn release(&mut self, name: &str, path: &Path) -> Result<(), Stop> {
        // Whatever held it may have been passed over.
        let is_known = self.message_rules.iter().any(|(own, _)| own.as_deref() == Some(name));
        if self.is_lenient() && name != "all" && !is_known {
            return Err(Stop::Bad((path.clone(), Problem::new(format!("nothing is held as `{name}`")))));
        }
        self.heading(&format!("release {name}"));
        let all = std::mem::take(&mut self.message_rules);
        for (own, rule) in all {
            if name == "all" || own.as_deref() == Some(name) {
                self.world.remove_message_rule(rule);
            } else {
                self.message_rules.push((own, rule));
            }
        }
        Ok(())
    }

    fn run_until(&mut self, until: &RunUntil, path: &Path) -> Result<(), Stop> {
        let within = until.within.map_or(PATIENCE, |span| span.0);
        let condition = &until.condition;
        let words: Vec<String> = condition.in_era(self.era).iter().map(Condition::to_string).collect();
        self.heading(&format!("until {}", words.join(" and ")));
        let deadline = self.wait(within);
        if self.advance(deadline, path, &|runner| runner.watch().holds(condition))? {
            return Ok(());
        }
        let what = format!("not within {} of virtual time: {condition}", Span(within));
        Err(self.unmet(what, std::slice::from_ref(condition), path))
    }

    fn expect(&mut self, all: &[Condition], path: &Path) -> Result<(), Stop> {
        let own: Vec<Condition> = all.iter().flat_map(|one| one.in_era(self.era)).collect();
        if own.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = own.iter().map(Condition::to_string).collect();
        self.heading(&format!("expect {}", words.join("; ")));
        let mut shown: Vec<TopicPartition> = Vec::new();
        for condition in &own {
            if let Condition::Replica(replica) = condition
                && !shown.contains(&replica.of.0)
            {
                let of = replica.of;
                let asks = |one: &Condition| matches!(one, Condition::Replica(is) if is.of == of && is.remembers.is_some());
                shown.push(of.0);
                self.world.recorder.table(of.0, own.iter().any(asks), &self.world.nodes);
            }
        }
        for condition in &own {
            if let Condition::Waited(waited) = condition {
                let measured = self.watch().longest_wait_in_words(waited.of.0);
                self.world.recorder.say(Voice::Says, &measured);
            }
        }
        let failing: Vec<Condition> = own.into_iter().filter(|one| !self.watch().holds(one)).collect();
        if failing.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = failing.iter().map(Condition::to_string).collect();
        Err(self.unmet(format!("expected, but it is not so: {}", words.join("; ")), &failing, path))
    }
}
