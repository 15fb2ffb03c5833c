//! Tables: drawn on a terminal, aligned columns in a pipe.

use comfy_table::{Color, ContentArrangement, Table, presets};

/// What a cell's colour says on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    Plain,
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Something is wrong.
    Bad,
}

/// A cell: text and tone.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell that says by its colour how things are.
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.to_string(), tone: Tone::Plain }
    }
}

/// A table with a header.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
}

impl Grid {
    /// A table with these columns; `empty` is said when there is no row.
    pub(crate) fn new<const N: usize>(header: [&'static str; N], empty: &'static str) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), empty }
    }

    /// A table of names and values, without a header.
    pub(crate) fn pairs() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) -> &mut Self {
        self.rows.push(cells.into());
        self
    }

    /// Adds a name with its value.
    pub(crate) fn pair(&mut self, name: &str, value: impl Into<Cell>) -> &mut Self {
        self.row([name.into(), value.into()])
    }

    /// The table as text.
    pub(crate) fn render(&self, terminal: bool) -> String {
        if self.rows.is_empty() {
            return self.empty.to_owned();
        }
        let mut table = Table::new();
        let style = if terminal { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING };
        table.load_style(style);
        table.set_content_arrangement(if terminal {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        });
        if !self.header.is_empty() {
            table.set_header(self.header.iter().copied());
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| draw(cell, terminal)));
        }
        if terminal { table.to_string() } else { table.trim_fmt() }
    }
}

fn draw(cell: &Cell, terminal: bool) -> comfy_table::Cell {
    // A pipe reads lines: a row must stay on one.
    let text = if terminal { cell.text.clone() } else { super::one_line(&cell.text) };
    let drawn = comfy_table::Cell::new_owned(text);
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Good => drawn.fg(Color::Green),
        Tone::Warn => drawn.fg(Color::Yellow),
        Tone::Bad => drawn.fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_one_line_per_row() {
        let mut grid = Grid::new(["name", "detail"], "nothing");
        grid.row(["a".into(), "two\nlines".into()]).row(["bb".into(), Cell::toned("x", Tone::Bad)]);
        let lines: Vec<String> =
            grid.render(false).lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines, ["name detail", "a two lines", "bb x"]);
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Grid::new(["name"], "no runs yet").render(true), "no runs yet");
    }
}
