//! The text of a scenario file and where things stand in it.
//!
//! 1. The file is looked at before it is read: no directory, not larger than [`LARGEST`].
//! 2. Its bytes must be UTF-8; the first that are not are named by position.
//! 3. [`Positions`] maps the path of every value (`steps[3].kill`) to its bytes, so that a problem found long after
//!    parsing still has its line. It is made only of text that serde_json has accepted, and is forgiving otherwise.

use super::problem::Problem;
use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

/// No scenario file is larger.
pub const LARGEST: u64 = 1_000_000;

/// A file's text.
#[derive(Debug)]
pub struct Source {
    /// Its name, as given on the command line.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no file, too large, or not UTF-8.
    pub fn read(path: &FilePath) -> Result<Arc<Source>, Problem> {
        Source::read_as(path, "scenario", LARGEST)
    }

    /// Reads a file of some kind, of so many bytes at most.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read_as(path: &FilePath, kind: &str, largest: u64) -> Result<Arc<Source>, Problem> {
        let name = path.display().to_string();
        if name.is_empty() {
            return Err(Problem::new("the name of a file is empty").help(format!("expected a {kind} file")));
        }
        let metadata = std::fs::metadata(path).map_err(|error| cannot_read(&name, &error))?;
        if metadata.is_dir() {
            return Err(Problem::new(format!("{name} is a directory; expected a {kind} file")));
        }
        if metadata.len() > largest {
            let size = metadata.len();
            return Err(Problem::new(format!("{name} is too large for a {kind}: {size} bytes"))
                .help(format!("at most {largest} bytes are read")));
        }
        let mut bytes = Vec::new();
        // A pipe or device tells no size: the limit holds for what is read, too.
        let file = std::fs::File::open(path).map_err(|error| cannot_read(&name, &error))?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, largest + 1), &mut bytes)
            .map_err(|error| cannot_read(&name, &error))?;
        if bytes.len() as u64 > largest {
            return Err(Problem::new(format!("{name} is too large for a {kind}"))
                .help(format!("at most {largest} bytes are read")));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Arc::new(Source { name, text })),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let text = String::from_utf8_lossy(&bytes[..valid]).into_owned();
                let source = Source { name, text };
                let (line, column) = source.line_and_column(valid);
                Err(Problem::new(format!(
                    "{}:{line}:{column}: byte {valid} (0x{:02x}) is not UTF-8",
                    source.name, bytes[valid]
                ))
                .help(format!("a {kind} file is JSON, encoded in UTF-8")))
            }
        }
    }

    /// A text that comes from no file.
    pub fn of(name: &str, text: &str) -> Arc<Source> {
        Arc::new(Source { name: name.to_owned(), text: text.to_owned() })
    }

    /// The hash by which runs name the file.
    pub fn hash(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.text.as_bytes())
    }

    /// Line and column, both from 1, columns in characters.
    pub fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &self.text[..byte];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// The text of a line, from 1.
    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or_default()
    }

    /// The byte that serde_json calls so: lines from 1, columns in bytes, 0 before the first.
    pub fn byte_of(&self, line: usize, column: usize) -> usize {
        let start: usize =
            self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(|line| line.len()).sum();
        (start + column).min(self.text.len())
    }
}

fn cannot_read(name: &str, error: &std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new(format!("{name}: there is no such file")),
        _ => Problem::new(format!("{name} cannot be read: {error}")),
    }
}

/// One step on the way to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    /// The value of a key.
    Key(String),
    /// An element of a list.
    Index(usize),
}

/// The way to a value in a file, or to the key of that value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Path {
    segments: Vec<Segment>,
    of_key: bool,
}

impl Path {
    /// The value of `key` in this.
    pub fn key(&self, key: &str) -> Path {
        let mut path = self.clone();
        path.segments.push(Segment::Key(key.to_owned()));
        path
    }

    /// The key `key` in this, where the key itself is wrong and not what stands under it.
    pub fn name(&self, key: &str) -> Path {
        Path { of_key: true, ..self.key(key) }
    }

    /// The element `index` of this.
    pub fn index(&self, index: usize) -> Path {
        let mut path = self.clone();
        path.segments.push(Segment::Index(index));
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A problem that was found, and the way to what it is about.
pub type Found = (Path, Problem);

/// Where every value of a file stands.
#[derive(Debug)]
pub struct Positions(Spot);

/// A value's bytes, and those of its parts.
#[derive(Debug, Default)]
struct Spot {
    key: Range<usize>,
    value: Range<usize>,
    parts: Vec<(Segment, Spot)>,
}

impl Positions {
    /// Of a text that is JSON.
    pub fn of(text: &str) -> Positions {
        let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
        Positions(scan.value())
    }

    /// The bytes of what `path` leads to, or of the nearest value around it.
    pub fn find(&self, path: &Path) -> Range<usize> {
        let spot = self.spot(path);
        if path.of_key && !spot.key.is_empty() { spot.key.clone() } else { spot.value.clone() }
    }

    fn spot(&self, path: &Path) -> &Spot {
        let mut spot = &self.0;
        for segment in &path.segments {
            match spot.parts.iter().find(|(part, _)| part == segment) {
                Some((_, part)) => spot = part,
                // A list of one may stand without its brackets.
                None if *segment == Segment::Index(0) => {}
                None => break,
            }
        }
        spot
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    break;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        start..self.at
    }

    fn value(&mut self) -> Spot {
        self.skip_space();
        let start = self.at;
        let mut parts = Vec::new();
        match self.peek() {
            b'{' => {
                self.at += 1;
                loop {
                    self.skip_space();
                    if self.peek() != b'"' {
                        break;
                    }
                    let key = self.string();
                    let name = serde_json::from_slice(&self.bytes[key.clone()]).unwrap_or_default();
                    let spot = self.value();
                    parts.push((Segment::Key(name), Spot { key, ..spot }));
                }
                self.at = (self.at + 1).min(self.bytes.len());
            }
            b'[' => {
                self.at += 1;
                loop {
                    self.skip_space();
                    if matches!(self.peek(), b']' | b'}' | 0) {
                        break;
                    }
                    let spot = self.value();
                    parts.push((Segment::Index(parts.len()), spot));
                }
                self.at = (self.at + 1).min(self.bytes.len());
            }
            b'"' => {
                self.string();
            }
            _ => {
                while !matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}' | 0) {
                    self.at += 1;
                }
            }
        }
        Spot { key: 0..0, value: start..self.at, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_where_it_stands() {
        let text = "{\n  \"a\": [1, {\"b\\\"c\": \"d\"}],\n  \"e\": {}\n}";
        let positions = Positions::of(text);
        let inner = Path::default().key("a").index(1).key("b\"c");
        let its_key = Path::default().key("a").index(1).name("b\"c");
        assert_eq!(&text[positions.find(&inner)], "\"d\"");
        assert_eq!(&text[positions.find(&its_key)], "\"b\\\"c\"");
        assert_eq!(&text[positions.find(&Path::default().key("a").index(0))], "1");
        assert_eq!(&text[positions.find(&Path::default().key("e").key("nowhere"))], "{}");
        assert_eq!(inner.to_string(), "a[1].b\"c");
        let source = Source::of("x", text);
        assert_eq!(source.line_and_column(positions.find(&its_key).start), (2, 13));
        assert_eq!(source.byte_of(2, 8), 10);
    }

    #[test]
    fn a_scan_of_anything_ends() {
        for text in ["", "{", "[", "[1,", "{\"a", "{\"a\":", "}", "]]", "{]", "[}", "\"\\", "{\"a\" 1}"] {
            let _ = Positions::of(text);
        }
    }
}
