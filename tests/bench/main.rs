mod inventory;

fn main() {
    inventory::run();
}
