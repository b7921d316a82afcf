//! What happened, for people: the recorded events of a run, stories at three zooms, tables.
//!
//! [`recorder`] takes facts while the run goes on and turns each into a line at once, when the state it speaks of is
//! still there to be looked at; [`lines`] words the notes, [`message_lines`] and `group_lines` the messages; [`replicas`] draws the
//! table of all replicas; [`names`] knows records by their authors' names; [`story`] lays it all out, with the lines
//! and columns of [`layout`].

mod group_lines;
pub mod layout;
pub mod lines;
pub mod message_lines;
pub mod names;
pub mod recorder;
pub mod replicas;
pub mod story;

/// How closely one looks.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, clap::ValueEnum)]
pub enum Zoom {
    /// Protocol facts and faults: what is committed as a snapshot.
    #[default]
    Story,
    /// And a line for every message.
    Messages,
    /// And channels, and what nodes were asked to do.
    Effects,
}

impl Zoom {
    /// All of them, widest view first.
    pub const ALL: &'static [Zoom] = &[Zoom::Story, Zoom::Messages, Zoom::Effects];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Zoom::Story => "story",
            Zoom::Messages => "messages",
            Zoom::Effects => "effects",
        }
    }
}
