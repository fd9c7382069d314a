//! Figures: `make bench` prints ratios and counts, each taken within one run; times depend on the machine.

mod inventory;
mod matcher;

fn main() {
    matcher::run();
    inventory::run();
}
