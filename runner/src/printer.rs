//! Cells and their outputs on a screen or in a pipe.
//!
//! On a screen the last line says how far the run is; outputs are written above it. What was displayed under an
//! id can be replaced there while nothing has come after it; a pipe gets it when something comes after it.
//! The last state of a display that was updated later follows at the cell's end. Knows nothing of kernels
//! and notebooks.

use std::io::{IsTerminal as _, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::output::Output;
use super::terminal::visible;

const LABEL: Style = AnsiColor::Green.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// Back to the line's start, and the rest of the line goes.
const ERASE_LINE: &str = "\r\x1b[K";
/// All below goes too.
const ERASE_BELOW: &str = "\r\x1b[J";
/// Long lines are cut at the screen's edge, so that the number of lines is known.
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";

/// Displays of more lines may not fit on the screen and are not replaced in place.
const MOST_REPLACED_LINES: usize = 20;

/// Writes a run's transcript.
pub struct Printer<W> {
    out: W,
    /// Whether lines can be taken back.
    is_live: bool,
    /// The line at the bottom, if there is one now.
    progress: Option<String>,
    is_progress_shown: bool,
    /// Whether something is on the current line.
    is_in_line: bool,
    displays: Vec<Display>,
    /// The display that nothing has come after.
    last_display: Option<usize>,
    is_clear_due: bool,
    has_cells: bool,
}

/// Something displayed under an id.
struct Display {
    id: String,
    /// Empty while it is held back.
    shown: String,
    latest: String,
}

/// The printer of a run: colours as the terminal and the environment want them.
pub type Screen = Printer<AutoStream<Stdout>>;

/// A printer for this process's stdout.
pub fn screen() -> Screen {
    let stdout = std::io::stdout();
    let is_live = stdout.is_terminal() && AutoStream::choice(&stdout) != ColorChoice::Never;
    Printer::new(AutoStream::auto(stdout), is_live)
}

impl<W: Write> Printer<W> {
    /// * `is_live`: whether `out` is a screen on which lines can be taken back.
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

    /// A line above the cells of a notebook.
    pub fn heading(&mut self, text: &str) -> std::io::Result<()> {
        self.begin_output()?;
        self.blank_line()?;
        self.has_cells = true;
        writeln!(self.out, "{LABEL}== {}{LABEL:#}", visible(text))?;
        self.finish_output()
    }

    /// Shows a cell that runs now: number `number` of `total`.
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

    /// Shows what a cell put out.
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

    /// The cell has ended: the last state of what could not be replaced in place follows.
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

    /// A remark that only somebody who watches wants.
    pub fn remark(&mut self, text: &str) -> std::io::Result<()> {
        if !self.is_live {
            return Ok(());
        }
        self.begin_output()?;
        self.blank_line()?;
        writeln!(self.out, "{QUIET}{text}{QUIET:#}")?;
        self.finish_output()
    }

    /// Steps aside for something on stderr, which may be the same screen.
    pub fn aside(&mut self, say: impl FnOnce()) -> std::io::Result<()> {
        self.begin_output()?;
        if self.is_live {
            self.end_line()?;
            self.last_display = None;
        }
        self.out.flush()?;
        say();
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
            self.take_back(lines)?;
            self.write_cut(&text)?;
            self.displays[index].shown.clone_from(&text);
        }
        self.displays[index].latest = text;
        Ok(())
    }

    /// Lines that can be taken back, because each is one line on the screen.
    fn write_cut(&mut self, text: &str) -> std::io::Result<()> {
        for line in text.lines() {
            writeln!(self.out, "{WRAP_OFF}{line}{WRAP_ON}")?;
        }
        Ok(())
    }

    /// Something comes after the last display: what was held back of it goes before.
    fn release(&mut self) -> std::io::Result<()> {
        if let Some(index) = self.last_display
            && !self.is_live
        {
            self.displays[index].catch_up(&mut self.out)?;
            self.last_display = None;
        }
        Ok(())
    }

    fn take_back(&mut self, lines: usize) -> std::io::Result<()> {
        if lines > 0 {
            write!(self.out, "\x1b[{lines}A{ERASE_BELOW}")?;
        }
        Ok(())
    }

    /// What has scrolled by stays; what is in the line, or displayed last, goes.
    fn clear(&mut self) -> std::io::Result<()> {
        if self.is_live {
            if self.is_in_line {
                write!(self.out, "{ERASE_LINE}")?;
                self.is_in_line = false;
            } else if let Some(index) = self.last_display {
                self.take_back(self.displays[index].shown.lines().count())?;
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

    /// The progress line comes back only where it hides nothing: below whole lines.
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
    /// Writes its last state if that was not shown.
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
