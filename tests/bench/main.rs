//! Figures: `cargo bench` prints ratios and counts, each taken within one run.

mod inventory;
mod matcher;

fn main() {
    matcher::run();
    inventory::run();
}
