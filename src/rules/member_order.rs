//! In which order the range and round robin assignors go through members.

use crate::era::Release;

rule! {
    /// In which order the range and round robin assignors go through members.
    MemberOrder("member-order") {
        /// By member id, which a restart changes.
        MemberId("member-id", "before KIP-345", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// Static members by `group.instance.id` first, which a restart keeps; then the others by member id.
        InstanceFirst("instance-first", "KAFKA-8355, KAFKA-8356", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

impl MemberOrder {
    /// Sorts members, by id and by what their `group.instance.id` is. Equals stay as they stood.
    pub fn sort<I: Ord>(self, members: &mut [&str], instance: impl Fn(&str) -> Option<I>) {
        match self {
            MemberOrder::MemberId => members.sort(),
            MemberOrder::InstanceFirst => {
                members.sort_by(|one, other| match (instance(one), instance(other)) {
                    (Some(one), Some(other)) => one.cmp(&other),
                    (None, None) => one.cmp(other),
                    (Some(_), None) => std::cmp::Ordering::Less,
                    (None, Some(_)) => std::cmp::Ordering::Greater,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        let instance = |member: &str| match member {
            "d" => Some("1"),
            "b" => Some("2"),
            _ => None,
        };
        let sorted = |rule: MemberOrder| {
            let mut members = ["c", "b", "d", "a"];
            rule.sort(&mut members, instance);
            members.concat()
        };
        assert_eq!(sorted(MemberOrder::MemberId), "abcd");
        assert_eq!(sorted(MemberOrder::InstanceFirst), "dbac");
    }
}
