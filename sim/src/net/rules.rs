//! Rules about messages: hold, delay or drop the ones that match.
//!
//! Rules are asked in the order installed when a message is sent; the first that matches decides. A rule with a count
//! takes that many and no more. Connection set-up and tear-down are no messages: they only queue behind one that is
//! held.

use crate::world::{MessageFate, MessageMatch, MessageRuleId, Side};
use kafka::ids::NodeId;
use kafka::messages::ApiKey;
use kafka::time::Micros;

/// The rules in force.
#[derive(Clone, Default)]
pub struct MessageRules {
    rules: Vec<Rule>,
    next: u32,
}

#[derive(Clone)]
struct Rule {
    id: MessageRuleId,
    matches: MessageMatch,
    fate: MessageFate,
    taken: u32,
}

/// What is to become of a message.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// No rule takes it.
    Send,
    /// It goes, so much later.
    Late(Micros),
    /// It waits for the rule to be removed.
    Hold(MessageRuleId),
    /// It is lost.
    Lose,
}

impl MessageRules {
    /// Installs a rule behind all others.
    pub fn add(&mut self, matches: MessageMatch, fate: MessageFate) -> MessageRuleId {
        let id = MessageRuleId(self.next);
        self.next += 1;
        self.rules.push(Rule { id, matches, fate, taken: 0 });
        id
    }

    /// Removes a rule; what is gone already is left alone.
    pub fn remove(&mut self, id: MessageRuleId) {
        self.rules.retain(|rule| rule.id != id);
    }

    /// Whether no rule is in force.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Judges a message of a call that `opener` makes to `acceptor`, and counts it.
    #[inline]
    pub fn judge(&mut self, api: Option<ApiKey>, side: Side, opener: NodeId, acceptor: NodeId) -> Verdict {
        if self.rules.is_empty() {
            return Verdict::Send;
        }
        let takes = |rule: &&mut Rule| {
            let wanted = &rule.matches;
            wanted.side == side
                && (wanted.api.is_none() || wanted.api == api)
                && wanted.from.is_none_or(|from| from == opener)
                && wanted.to.is_none_or(|to| to == acceptor)
                && wanted.count.is_none_or(|count| rule.taken < count)
        };
        let Some(rule) = self.rules.iter_mut().find(takes) else { return Verdict::Send };
        rule.taken += 1;
        match rule.fate {
            MessageFate::Hold => Verdict::Hold(rule.id),
            MessageFate::Delay(late) => Verdict::Late(late),
            MessageFate::Drop => Verdict::Lose,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_decides_until_its_count_is_used_up() {
        let any = MessageMatch { api: None, side: Side::Request, from: None, to: None, count: None };
        let fetches = MessageMatch { api: Some(ApiKey::Fetch), count: Some(2), ..any.clone() };
        let to_two = MessageMatch { to: Some(NodeId(2)), ..any.clone() };
        let mut rules = MessageRules::default();
        let judge = |rules: &mut MessageRules, api, side, to| rules.judge(Some(api), side, NodeId(1), to);
        let hold = rules.add(fetches, MessageFate::Hold);
        rules.add(to_two, MessageFate::Drop);
        let (two, three) = (NodeId(2), NodeId(3));
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Request, two), Verdict::Hold(hold));
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Response, two), Verdict::Send);
        assert_eq!(judge(&mut rules, ApiKey::Produce, Side::Request, two), Verdict::Lose);
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Request, three), Verdict::Hold(hold));
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Request, three), Verdict::Send, "two were taken");
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Request, two), Verdict::Lose, "the next rule");
        rules.remove(hold);
        rules.add(any, MessageFate::Delay(Micros(5)));
        assert_eq!(judge(&mut rules, ApiKey::Fetch, Side::Request, three), Verdict::Late(Micros(5)));
    }
}
