//! Tables in plain text.

use unicode_width::UnicodeWidthStr as _;

use crate::output::visible;

/// Rows under headings; every column as wide as its widest cell.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self {
            headings: headings.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; control characters in it are made harmless.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| visible(&cell)).collect());
    }

    /// The table; columns without any content are left out.
    pub(crate) fn render(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .filter(|width| *width > 0)
        };
        let columns: Vec<(usize, usize)> = self
            .headings
            .iter()
            .enumerate()
            .filter_map(|(at, heading)| Some((at, width(at)?.max(heading.width()))))
            .collect();
        let line = |cell: &dyn Fn(usize) -> String| {
            let mut line = String::new();
            for (at, width) in &columns {
                let cell = cell(*at);
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(
                    ' ',
                    width.saturating_sub(cell.width()) + 2,
                ));
            }
            line.truncate(line.trim_end().len());
            line.push('\n');
            line
        };
        let heading = |at: usize| {
            self.headings
                .get(at)
                .copied()
                .unwrap_or_default()
                .to_owned()
        };
        let mut text = line(&heading);
        for row in &self.rows {
            text.push_str(&line(&|at| row.get(at).cloned().unwrap_or_default()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen_and_empty_ones_left_out() {
        let mut table = Table::new(["WHO", "CODE", "REASON"]);
        table.row([
            "zoë@example.com".to_owned(),
            String::new(),
            "new".to_owned(),
        ]);
        table.row(["名前".to_owned(), String::new(), "a\tb".to_owned()]);
        assert_eq!(
            table.render(),
            "WHO              REASON\n\
             zoë@example.com  new\n\
             名前             a\u{fffd}b\n"
        );
    }
}
