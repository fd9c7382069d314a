//! How a tour is told: titles, sentences, facts, and a sign of life while it waits.

use std::io;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::out::{Out, WIDTH, wrap};

/// Speaks at once: nobody likes to wait for what is known.
pub(super) struct Voice<'a> {
    pub(super) out: &'a mut Out,
    /// Somebody looks at standard error.
    pub(super) progress: bool,
}

impl Voice<'_> {
    pub(super) fn title(&mut self, text: &str) -> io::Result<()> {
        let text = self.out.bold(text);
        self.out.line(format_args!("\n{text}"))?;
        self.out.flush()
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        for line in wrap(text, WIDTH) {
            self.out.line(line)?;
        }
        self.out.flush()
    }

    /// A name and what it is; a long value goes on in its column.
    pub(super) fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        let mut label = format!("  {name:<32}");
        for line in wrap(value, WIDTH - 34) {
            self.out.line(format_args!("{label}{line}"))?;
            label = " ".repeat(34);
        }
        self.out.flush()
    }

    /// Lines to be typed: copied as they are, however long.
    pub(super) fn typed<T: AsRef<str>>(&mut self, lines: &[T]) -> io::Result<()> {
        for line in lines {
            self.out.line(format_args!("  {}", line.as_ref()))?;
        }
        self.out.flush()
    }

    /// The same with what it is for, as a comment.
    pub(super) fn try_this(&mut self, what: &str, line: &str) -> io::Result<()> {
        let what = self.out.dim(&format!("  # {what}"));
        self.out.line(what)?;
        self.typed(&[line])
    }

    pub(super) fn bar(&self, message: &str) -> ProgressBar {
        let target = if self.progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_message(message.to_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        bar
    }
}
