//! Text in lines and columns, for stories and tables: nothing is wider than a page.

/// No line is wider.
pub const PAGE: usize = 120;
/// A column that can be broken keeps at least this.
const NARROWEST: usize = 24;

/// Text in lines of at most `width` characters, broken at spaces, all indented as the first is.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(text.len() - text.trim_start_matches(' ').len());
    let mut lines = vec![indent.clone()];
    for word in text[indent.len()..].split(' ') {
        let last = lines.last_mut().expect("there is always one");
        if *last != indent && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
        } else {
            if *last != indent {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// The same in as few lines, all about equally long: no line is left with a word or two.
pub fn balanced(text: &str, width: usize) -> Vec<String> {
    let lines = wrapped(text, width);
    let narrower = |narrow: usize| wrapped(text, narrow);
    let fits = |narrow: &usize| narrower(*narrow).len() == lines.len();
    let narrowest = (width * 2 / 3..width).find(fits);
    narrowest.map_or(lines.clone(), narrower)
}

/// Rows with their columns aligned, two spaces between them, at most a page wide: cells of the `flexible` columns are
/// broken at spaces, those of the first named most.
pub fn table(rows: &[Vec<String>], flexible: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, column: usize| row.get(column).map_or(0, |cell| cell.chars().count());
    let mut widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| cell(row, column)).max().unwrap_or(0)).collect();
    for column in flexible.iter().filter(|column| **column < columns) {
        let total = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
        let width = &mut widths[*column];
        *width = (*width).min(width.saturating_sub(total.saturating_sub(PAGE)).max(NARROWEST));
    }
    let mut text = String::new();
    for row in rows {
        let broken: Vec<Vec<String>> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| match flexible.contains(&column) {
                true => wrapped(cell, widths[column]),
                false => vec![cell.clone()],
            })
            .collect();
        for number in 0..broken.iter().map(Vec::len).max().unwrap_or(0) {
            let part = |lines: &Vec<String>| lines.get(number).cloned().unwrap_or_default();
            let line: Vec<String> =
                broken.iter().zip(&widths).map(|(lines, width)| format!("{:<width$}", part(lines))).collect();
            text += line.join("  ").trim_end();
            text += "\n";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_nothing_is_lost() {
        let text = "one two three fourteen five";
        let lines = wrapped(text, 9);
        assert_eq!(lines, ["one two", "three", "fourteen", "five"]);
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrapped("one two six three on", 17), ["one two six three", "on"]);
        assert_eq!(balanced("one two six three on", 17), ["one two six", "three on"]);
        assert_eq!(balanced("one two", 17), ["one two"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("  one two", 6), ["  one", "  two"]);
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let rows = [vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), String::new()]];
        assert_eq!(table(&rows, &[]), "a    bb\nccc\n");
    }

    #[test]
    fn a_table_is_no_wider_than_a_page_where_cells_can_be_broken() {
        let long = "word ".repeat(60).trim_end().to_owned();
        let rows = [vec!["a".to_owned(), long.clone(), long.clone(), "end".to_owned()]];
        let text = table(&rows, &[1, 2]);
        assert!(text.lines().all(|line| line.chars().count() <= PAGE), "{text}");
        assert_eq!(text.matches("word").count(), 120);
        assert!(text.lines().next().is_some_and(|line| line.ends_with("end")), "{text}");
    }
}
