//! Tables: drawn on a terminal, aligned columns in a pipe.

use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Blanks beside the content of a column.
const PADDING: usize = 2;

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
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
    dispensable: Vec<&'static str>,
}

impl Grid {
    /// A table with these columns; `empty` is said when there is no row.
    pub(crate) fn new<const N: usize>(header: [&'static str; N], empty: &'static str) -> Self {
        Self::of_columns(header.map(str::to_owned), empty)
    }

    /// A table whose columns are not known before.
    pub(crate) fn of_columns(header: impl IntoIterator<Item = String>, empty: &'static str) -> Self {
        Self { header: header.into_iter().collect(), rows: Vec::new(), empty, dispensable: Vec::new() }
    }

    /// A table of names and values, without a header.
    pub(crate) fn pairs() -> Self {
        Self::default()
    }

    /// Columns that a terminal does without where rows would take several lines, the first to go first.
    pub(crate) fn dispensable<const N: usize>(&mut self, titles: [&'static str; N]) -> &mut Self {
        self.dispensable = titles.into();
        self
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) -> &mut Self {
        self.rows.push(cells.into());
        self
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
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
        let width = table.width().filter(|_| terminal).map(usize::from);
        let (shown, left_out) = self.columns(width);
        table.load_style(presets::NOTHING);
        if !self.header.is_empty() {
            table.set_header(shown.iter().filter_map(|at| Some(heading(self.header.get(*at)?, terminal))));
        }
        for row in &self.rows {
            table.add_row(shown.iter().filter_map(|at| Some(draw(row.get(*at)?, terminal))));
        }
        if terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            self.keep_words(&mut table, &shown);
        }
        match left_out.as_slice() {
            [] => table.trim_fmt(),
            titles => format!("{}\n (a wider terminal shows: {})", table.trim_fmt(), titles.join(", ")),
        }
    }

    /// The columns for a terminal of this width, and the titles of those that it does without.
    fn columns(&self, width: Option<usize>) -> (Vec<usize>, Vec<&'static str>) {
        let texts = self.longest(|text| text.chars().count());
        let mut shown: Vec<usize> = (0..texts.len()).collect();
        let mut left_out = Vec::new();
        for title in &self.dispensable {
            let needed: usize = shown.iter().filter_map(|at| texts.get(*at)).map(|text| text + PADDING).sum();
            if width.is_none_or(|width| needed <= width) {
                break;
            }
            shown.retain(|at| self.header.get(*at).is_none_or(|of| of != title));
            left_out.push(*title);
        }
        (shown, left_out)
    }

    /// Breaks lines between words only, where the terminal is wide enough for the longest word of every column.
    fn keep_words(&self, table: &mut Table, shown: &[usize]) {
        let words = self.longest_words();
        let widths: Vec<usize> = shown.iter().filter_map(|at| words.get(*at)).map(|word| word + PADDING).collect();
        if table.width().is_none_or(|width| widths.iter().sum::<usize>() > width.into()) {
            return;
        }
        for (column, width) in table.column_iter_mut().zip(widths) {
            let width = Width::Fixed(u16::try_from(width).unwrap_or(u16::MAX));
            column.set_constraint(ColumnConstraint::LowerBoundary(width));
        }
    }

    /// Characters of the longest word of each column.
    fn longest_words(&self) -> Vec<usize> {
        self.longest(|text| text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or_default())
    }

    /// The most that `measure` finds in a cell of each column.
    fn longest(&self, measure: impl Fn(&str) -> usize) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let of_column = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| measure(&cell.text));
            cells.chain(self.header.get(at).map(|title| measure(title))).max().unwrap_or_default()
        };
        (0..columns).map(of_column).collect()
    }
}

fn heading(title: &str, terminal: bool) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(title);
    if terminal { cell.add_attribute(Attribute::Bold) } else { cell }
}

fn draw(cell: &Cell, terminal: bool) -> comfy_table::Cell {
    // A pipe reads lines: a row must stay on one.
    let text = if terminal { super::harmless(&cell.text) } else { super::one_line(&cell.text) };
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
    fn words_stay_whole_where_there_is_room() {
        let mut grid = Grid::new(["action", "steps"], "nothing");
        grid.row(["record-uncoded-defect".into(), "equipment-details, pm-notification, tell".into()]);
        assert_eq!(grid.longest_words(), [21, 18]);
        let mut table = Table::new();
        table.set_width(43).set_content_arrangement(ContentArrangement::Dynamic).load_style(presets::NOTHING);
        table.add_row(["record-uncoded-defect", "equipment-details, pm-notification, tell"]);
        grid.keep_words(&mut table, &[0, 1]);
        let words: Vec<String> = table.trim_fmt().split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["record-uncoded-defect", "equipment-details,", "pm-notification,", "tell"]);
    }

    #[test]
    fn narrow_terminals_do_without_some_columns() {
        let mut grid = Grid::new(["event", "steps", "sent", "run"], "nothing");
        grid.row(["1".into(), "read-equipment, create".into(), "4, found".into(), "done".into()]);
        grid.dispensable(["steps", "sent"]);
        let check = |width, shown: &[usize], left_out: &[&str]| {
            assert_eq!(grid.columns(width), (shown.to_vec(), left_out.to_vec()), "{width:?}");
        };
        check(None, &[0, 1, 2, 3], &[]);
        check(Some(47), &[0, 1, 2, 3], &[]);
        check(Some(46), &[0, 2, 3], &["steps"]);
        check(Some(10), &[0, 3], &["steps", "sent"]);
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Grid::new(["name"], "no runs yet").render(true), "no runs yet");
    }
}
