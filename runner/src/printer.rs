//! Prints cells and their outputs on a screen or into a pipe.
//!
//! On a screen the last line shows the progress of the run, and outputs are written above it. A display with an id can
//! be replaced on a screen until something is written after it; a pipe gets it when the next output arrives. A display
//! that is updated later is printed again at the end of the cell. Knows nothing about kernels and notebooks.

use std::io::{IsTerminal as _, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::output::Output;
use super::terminal::visible;

const LABEL: Style = AnsiColor::Green.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Moves to the start of the line and erases the line.
const ERASE_LINE: &str = "\r\x1b[K";
/// Moves to the start of the line and erases everything from there.
const ERASE_BELOW: &str = "\r\x1b[J";
/// Long lines are cut at the edge of the screen, so that the number of lines is known.
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";

/// Displays with more lines may not fit on the screen and are not replaced in place.
const MOST_REPLACED_LINES: usize = 20;

/// Prints a run.
pub struct Printer<W> {
    out: W,
    /// Whether `out` is a screen, on which lines can be erased.
    is_live: bool,
    /// The text of the progress line while a cell runs.
    progress: Option<String>,
    is_progress_shown: bool,
    /// Whether the current line is unfinished.
    is_in_line: bool,
    displays: Vec<Display>,
    /// The index of the display after which nothing was written.
    last_display: Option<usize>,
    is_clear_due: bool,
    has_cells: bool,
}

/// Something displayed under an id.
struct Display {
    id: String,
    /// What was written; empty until something was.
    shown: String,
    latest: String,
}

/// A printer for stdout, with colours if the terminal and the environment allow them.
pub type Screen = Printer<AutoStream<Stdout>>;

/// A printer for this process's stdout.
pub fn screen() -> Screen {
    let stdout = std::io::stdout();
    let is_live = stdout.is_terminal() && AutoStream::choice(&stdout) != ColorChoice::Never;
    Printer::new(AutoStream::auto(stdout), is_live)
}

impl<W: Write> Printer<W> {
    /// * `is_live`: whether `out` is a screen on which lines can be erased.
    pub fn new(out: W, is_live: bool) -> Self {
        Self {
            out,
            is_live,
            progress: None,
            is_progress_shown: false,
            is_in_line: false,
            displays: Vec::new(),
            last_display: None,
            is_clear_due: false,
            has_cells: false,
        }
    }

    /// Prints a line above the cells of a notebook.
    pub fn heading(&mut self, text: &str) -> std::io::Result<()> {
        self.begin_output()?;
        self.blank_line()?;
        self.has_cells = true;
        writeln!(self.out, "{LABEL}== {}{LABEL:#}", visible(text))?;
        self.finish_output()
    }

    /// Prints the source of a cell that starts: number `number` of `total`.
    pub fn begin_cell(&mut self, number: usize, total: usize, source: &str) -> std::io::Result<()> {
        self.begin_output()?;
        self.blank_line()?;
        self.has_cells = true;
        let label = format!("[{number}]");
        let indent = " ".repeat(label.len());
        for (index, line) in source.trim_end().lines().enumerate() {
            let line = visible(line);
            match index {
                0 => writeln!(self.out, "{LABEL}{label}{LABEL:#} {line}")?,
                _ if line.is_empty() => writeln!(self.out)?,
                _ => writeln!(self.out, "{indent} {line}")?,
            }
        }
        self.progress = Some(format!("cell {number} of {total}"));
        self.finish_output()
    }

    /// Prints an output of the cell.
    pub fn show(&mut self, output: &Output) -> std::io::Result<()> {
        self.begin_output()?;
        if !matches!(output, Output::Update { .. } | Output::Clear { .. }) {
            if std::mem::take(&mut self.is_clear_due) {
                self.clear()?;
            }
            self.release()?;
        }
        match output {
            Output::Stream { text, .. } => self.write(text)?,
            Output::Display { bundle, display_id }
            | Output::Result {
                bundle, display_id, ..
            } => {
                self.display(&bundle.text(), display_id.as_deref())?;
            }
            Output::Update { bundle, display_id } => self.update(display_id, bundle.text())?,
            Output::Clear { is_delayed: true } => self.is_clear_due = true,
            Output::Clear { is_delayed: false } => self.clear()?,
            Output::Error {
                name,
                value,
                traceback,
            } => {
                self.end_line()?;
                match traceback.as_slice() {
                    [] => self.write(&format!("{name}: {value}"))?,
                    lines => self.write(&lines.join("\n"))?,
                }
                self.end_line()?;
            }
        }
        self.finish_output()
    }

    /// To be called when the cell has ended. Prints the last state of displays that could not be replaced in place.
    pub fn end_cell(&mut self) -> std::io::Result<()> {
        self.begin_output()?;
        self.end_line()?;
        for display in &mut self.displays {
            display.catch_up(&mut self.out)?;
        }
        self.last_display = None;
        self.is_clear_due = false;
        self.progress = None;
        self.finish_output()
    }

    /// Prints a remark, on a screen only.
    pub fn remark(&mut self, text: &str) -> std::io::Result<()> {
        if !self.is_live {
            return Ok(());
        }
        self.begin_output()?;
        self.blank_line()?;
        writeln!(self.out, "{QUIET}{text}{QUIET:#}")?;
        self.finish_output()
    }

    /// Calls `write_stderr`, which may write to the same screen, and keeps the lines apart.
    pub fn aside(&mut self, write_stderr: impl FnOnce()) -> std::io::Result<()> {
        self.begin_output()?;
        if self.is_live {
            self.end_line()?;
            self.last_display = None;
        }
        self.out.flush()?;
        write_stderr();
        self.finish_output()
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.is_in_line = !text.ends_with('\n');
        self.last_display = None;
        Ok(())
    }

    fn display(&mut self, text: &str, id: Option<&str>) -> std::io::Result<()> {
        self.end_line()?;
        let text = text.trim_end_matches('\n');
        let Some(id) = id else {
            self.write(text)?;
            return self.end_line();
        };
        let mut display = Display {
            id: id.to_owned(),
            shown: String::new(),
            latest: text.to_owned(),
        };
        if self.is_live {
            self.write_cut(text)?;
            display.shown = text.to_owned();
        }
        self.displays.retain(|display| display.id != id);
        self.last_display = Some(self.displays.len());
        self.displays.push(display);
        Ok(())
    }

    fn update(&mut self, id: &str, text: String) -> std::io::Result<()> {
        let text = text.trim_end_matches('\n').to_owned();
        let Some(index) = self.displays.iter().position(|display| display.id == id) else {
            return Ok(());
        };
        let lines = self.displays[index].shown.lines().count();
        let is_replaced =
            self.is_live && self.last_display == Some(index) && lines <= MOST_REPLACED_LINES;
        if is_replaced {
            self.erase_lines(lines)?;
            self.write_cut(&text)?;
            self.displays[index].shown.clone_from(&text);
        }
        self.displays[index].latest = text;
        Ok(())
    }

    /// Writes lines that can be erased later, because each takes one line on the screen.
    fn write_cut(&mut self, text: &str) -> std::io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "{WRAP_OFF}{line}{WRAP_ON}")?;
        }
        Ok(())
    }

    /// Prints the last display into a pipe, because something else follows now.
    fn release(&mut self) -> std::io::Result<()> {
        if let Some(index) = self.last_display
            && !self.is_live
        {
            self.displays[index].catch_up(&mut self.out)?;
            self.last_display = None;
        }
        Ok(())
    }

    fn erase_lines(&mut self, lines: usize) -> std::io::Result<()> {
        if lines > 0 {
            write!(self.out, "\x1b[{lines}A{ERASE_BELOW}")?;
        }
        Ok(())
    }

    /// Erases the current line or the last display; what is above stays.
    fn clear(&mut self) -> std::io::Result<()> {
        if self.is_live {
            if self.is_in_line {
                write!(self.out, "{ERASE_LINE}")?;
                self.is_in_line = false;
            } else if let Some(index) = self.last_display {
                self.erase_lines(self.displays[index].shown.lines().count())?;
            }
        }
        self.end_line()?;
        self.displays.clear();
        self.last_display = None;
        Ok(())
    }

    fn end_line(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.is_in_line) {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn blank_line(&mut self) -> std::io::Result<()> {
        self.end_line()?;
        if self.has_cells {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn begin_output(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.is_progress_shown) {
            write!(self.out, "{ERASE_LINE}")?;
        }
        Ok(())
    }

    /// Shows the progress line again, but only below a finished line.
    fn finish_output(&mut self) -> std::io::Result<()> {
        if self.is_live
            && !self.is_in_line
            && let Some(progress) = &self.progress
        {
            write!(self.out, "{QUIET}{progress}{QUIET:#}")?;
            self.is_progress_shown = true;
        }
        self.out.flush()
    }
}

impl Display {
    /// Writes the last state if it was not written yet.
    fn catch_up(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        if self.shown != self.latest {
            self.shown.clone_from(&self.latest);
            writeln!(out, "{}", self.shown)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
