//! `demo`, as it ships: the whole tour, nobody at the keyboard.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use regex::Regex;

use super::{hubkeeper, text};

/// The numbers that a pattern finds, all of which must be there once.
fn numbers<const N: usize>(page: &str, pattern: &str) -> [usize; N] {
    let pattern = Regex::new(&format!("(?m){pattern}")).unwrap();
    let found: Vec<_> = pattern.captures_iter(page).collect();
    assert_eq!(found.len(), 1, "{pattern} in\n{page}");
    std::array::from_fn(|n| found[0][n + 1].parse().unwrap())
}

/// Sockets on which a process waits for others.
fn listening(process: u32) -> Vec<String> {
    let Ok(files) = fs::read_dir(format!("/proc/{process}/fd")) else { return Vec::new() };
    let own: Vec<String> = files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|link| link.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines());
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|inode| own.iter().any(|one| one == inode)))
        .map(|fields| fields[1].to_owned())
        .collect()
}

#[test]
fn the_tour_tells_its_story_in_order_with_numbers_that_fit_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = hubkeeper(&["demo"]);
    command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().unwrap();
    let process = child.id();
    let watch = std::thread::spawn(move || {
        let mut open = Vec::new();
        while fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
            open.extend(listening(process));
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        open
    });
    let output = child.wait_with_output().unwrap();
    let page = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{page}");
    assert!(!page.contains('\u{1b}'), "no colours, no progress: nobody looks");

    // The story, in its order.
    let mut rest = page.as_str();
    for sentence in [
        "1. A hub of its own\n",
        "  administrator                   111122223333\n",
        "2. The plan\n",
        "  ControlPolicy/baseline ",
        "Nothing is written yet.",
        "3. Keeping it\n",
        "  written ",
        "4. A person decides otherwise\n",
        "alice suppresses",
        "without our marker: respected",
        "SUPPRESSED, held as: inherited\n",
        "5. An exception ends\n",
        "it holds nothing;",
        "6. Rest\n",
        ": 0 findings changed.",
        "Summary, read back from the hub with GetFindings\n",
        "What to try next\n",
        "README.md",
    ] {
        let at = rest.find(sentence).unwrap_or_else(|| panic!("{sentence:?} is not where it belongs:\n{page}"));
        rest = &rest[at + sentence.len()..];
    }

    // The numbers.
    let [all, failing] = numbers(&page, r"^  findings +(\d+), of them (\d+) failing");
    let [by_hand] = numbers(&page, r"^  suppressed by hand +(\d+)$");
    let [changes] = numbers(&page, r"^(\d+) changes\. Nothing");
    let planned: Vec<usize> =
        Regex::new(r"(?m)^  \w+/\S+ +(\d+)  [a-z ]+ \(").unwrap().captures_iter(&page).map(|c| c[1].parse().unwrap()).collect();
    assert_eq!(planned.iter().sum::<usize>(), changes, "{page}");
    let [written, _] = numbers(&page, r"^  written +(\d+) findings in (\d+) calls?");
    assert_eq!(written, changes, "what was planned was written:\n{page}");
    let [policy] = numbers(&page, r"^  ControlPolicy/baseline +holds (\d+) findings?$");
    let [exception] = numbers(&page, r"^  FindingException/team-pay/cdn +holds (\d+) findings?$");
    assert!(exception > 0 && policy + exception == changes, "{page}");
    let [holds] = numbers(&page, r"^FindingException/team-pay/cdn holds (\d+) findings? until");
    let [held, back] = numbers(&page, r"^  exception +held (\d+), gave back (\d+)$");
    assert_eq!((holds, held, back), (exception, exception, exception), "{page}");

    let [now] = numbers(&page, r"^  findings +(\d+)$");
    assert_eq!(now, all + 1, "the new finding of alice's problem");
    let [suppressed_before, suppressed] = numbers(&page, r"^  suppressed +(\d+) before, (\d+) now$");
    let [for_policy] = numbers(&page, r"^    for ControlPolicy/baseline +(\d+)$");
    let [inherited] = numbers(&page, r"^    for inherited +(\d+)$");
    let [hand_now] = numbers(&page, r"^    by hand +(\d+) ");
    assert_eq!((suppressed_before, for_policy, inherited, hand_now), (by_hand, policy, 1, by_hand + 1), "{page}");
    assert_eq!(suppressed, for_policy + inherited + hand_now, "{page}");
    let [failing_before, failing_now] = numbers(&page, r"^  failing, not suppressed +(\d+) before, (\d+) now$");
    // Alice's finding is one that failed; its archived predecessor no longer counts, and its successor is suppressed.
    assert_eq!((failing_before, failing_now), (failing, failing - policy - 1), "{page}");

    // Nothing is left.
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "its temporary directory is removed");
    assert_eq!(watch.join().unwrap(), Vec::<String>::new(), "the tour needs no port");
    let group = Command::new("kill").args(["-0", "--", &format!("-{process}")]).stderr(Stdio::null()).status().unwrap();
    assert!(!group.success(), "no process of its group runs on");
}
