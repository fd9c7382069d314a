//! Figures for the record: `make bench`. Ratios within one run; times depend on the machine.

mod matcher;

fn main() {
    matcher::run();
}
