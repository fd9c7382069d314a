//! What is printed. Results go to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, Stdout, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::environment::Environment;
use super::failure::Failure;
use crate::assembly::look::Figures;
use crate::assembly::reach::Progress;

/// Columns that a terminal has at least.
pub(super) const WIDTH: usize = 80;

/// Standard output.
pub(super) struct Out {
    to: Box<dyn Write>,
    colour: bool,
}

impl Out {
    pub(super) fn new(environment: &Environment) -> Self {
        let to: BufWriter<Stdout> = BufWriter::new(io::stdout());
        Self { to: Box::new(to), colour: environment.colour }
    }

    /// To somewhere else, without colours.
    #[cfg(test)]
    pub(super) fn to(to: impl Write + 'static) -> Self {
        Self { to: Box::new(to), colour: false }
    }

    /// One line.
    pub(super) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.to, "{text}")
    }

    /// Text as it is.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())
    }

    /// A value as JSON that people can read.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::said(format!("failed to write JSON: {error}")))?;
        Ok(self.line(text)?)
    }

    /// Makes it visible now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Bold, where there are colours.
    pub(super) fn bold(&self, text: &str) -> String {
        paint(self.colour, "1", text)
    }

    /// Less important.
    pub(super) fn dim(&self, text: &str) -> String {
        paint(self.colour, "2", text)
    }

    /// Done.
    pub(super) fn green(&self, text: &str) -> String {
        paint(self.colour, "32", text)
    }

    /// Look here.
    pub(super) fn yellow(&self, text: &str) -> String {
        paint(self.colour, "33", text)
    }

    /// Wrong.
    pub(super) fn red(&self, text: &str) -> String {
        paint(self.colour, "31", text)
    }
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Says why a command failed. If nobody can hear it, so be it.
pub(super) fn complain(failure: &Failure, environment: &Environment) {
    let mut to = io::stderr().lock();
    let _ = writeln!(to, "{} {failure}", paint(environment.colour_of_errors, "1;31", "error:"));
    if let Some(next) = failure.next() {
        let _ = writeln!(to, "  {next}");
    }
}

/// Says something beside the result.
pub(super) fn remark(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A sign of life during a long read, on a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// For reading a hub.
    pub(super) fn reading(environment: &Environment, hub: &str) -> Self {
        let target = if environment.progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(format!("reading hub {hub}"));
        Self(bar)
    }

    /// What the loop reports to.
    pub(super) fn progress(&self) -> Progress {
        let (bar, said, beside) = (self.0.clone(), self.0.message(), self.0.clone());
        let figures = move |figures: Figures| {
            bar.set_message(format!("{said}: {} pages, {} findings", figures.pages_read, figures.findings));
            bar.tick();
        };
        let throttled =
            "AWS throttles most calls: others use the quota of this account too. Reading goes on as calls get through.";
        Progress::new(figures, move || beside.suspend(|| remark(throttled)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// `1 finding`, `7 findings`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `text` in at most `width` characters; what is too much is left out in the middle.
pub(super) fn shorten(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width || width < 5 {
        return text.to_owned();
    }
    let (head, tail) = (width / 3, width - width / 3 - 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// `text` in lines of at most `width` characters, broken at spaces.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_ends() {
        assert_eq!(shorten("short", 10), "short");
        assert_eq!(shorten("arn:aws:s3:::a-very-long-name", 12), "arn:…ng-name");
        assert_eq!(shorten("arn:aws:s3:::a-very-long-name", 12).chars().count(), 12);
    }

    #[test]
    fn lines_are_broken_at_spaces_and_not_within_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("averylongword x", 4), ["averylongword", "x"]);
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!((count(1, "finding"), count(0, "finding")), ("1 finding".to_owned(), "0 findings".to_owned()));
    }
}
