//! Cells of each kind that are interrupted at random moments: none hangs, and the next cell finds all variables.
//!
//! `COREBOOK_INTERRUPTS` is the number of interrupts (15 by default), `COREBOOK_INTERRUPTS_SEED` repeats a run, as far as
//! moments can be repeated. The run prints how long the stops took. To see it:
//! `COREBOOK_INTERRUPTS=350 cargo test --release -p corebook-tests --test end_to_end -- random_interrupts:: --nocapture`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use corebook_tests::client::Channel;
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;
use corebook_tests::random::{Random, number_in, seed_in};
use serde_json::json;

const INTERRUPTS: u64 = 15;

/// No stop takes so long, even on a busy machine.
const HANG: Duration = Duration::from_secs(10);

const SETUP: &str = "\
let kept = vec![1, 2, 3];
let text = String::from(\"text\");
fn nap() { std::thread::sleep(std::time::Duration::from_millis(5)) }
";

/// A kind of cell, and the time after its request in which it is interrupted: its analysis, its compilation, its code.
struct Kind {
    name: &'static str,
    code: fn() -> String,
    within_ms: u64,
    is_first_cell: bool,
}

const KINDS: [Kind; 7] = [
    Kind {
        name: "first let of a kernel",
        code: || "let first = vec![1, 2, 3];".to_owned(),
        within_ms: 1500,
        is_first_cell: true,
    },
    Kind {
        name: "expression",
        code: || "kept.iter().sum::<i32>()".to_owned(),
        within_ms: 300,
        is_first_cell: false,
    },
    Kind {
        name: "printing loop",
        code: || "for i in 0.. { println!(\"{i}\"); }".to_owned(),
        within_ms: 800,
        is_first_cell: false,
    },
    Kind {
        name: "long compilation",
        code: long_compilation,
        within_ms: 3000,
        is_first_cell: false,
    },
    Kind {
        name: "pool.map",
        code: || "let mapped = pool.map(|x| { nap(); x }, 0..100_000);".to_owned(),
        within_ms: 800,
        is_first_cell: false,
    },
    Kind {
        name: "sleeping loop",
        code: || "loop { nap(); }".to_owned(),
        within_ms: 800,
        is_first_cell: false,
    },
    Kind {
        name: "%timeit",
        code: || "%timeit -n 100000 nap()".to_owned(),
        within_ms: 800,
        is_first_cell: false,
    },
];

/// A `let` that rustc compiles for one to three seconds: a sum of chains of iterators, each of another type.
fn long_compilation() -> String {
    let mut code = String::from("let long: usize = ");
    for chain in 0..40 {
        let _ = write!(
            code,
            "kept.iter().map(|x| x * {chain}).filter(|x| x % 7 != {chain} % 7).flat_map(|x| [x; {}]).enumerate().skip({chain} % 3).step_by(2).map(|(at, x)| at + x as usize).sum::<usize>() + ",
            chain % 5 + 1
        );
    }
    code + "0;"
}

/// How long it took from the interrupt's request until the cell's reply, and until the next cell began.
struct Stop {
    reply: Duration,
    next_cell: Duration,
}

#[test]
fn cells_are_stopped_at_any_moment() {
    let seed = seed_in("COREBOOK_INTERRUPTS_SEED");
    let interrupts = number_in("COREBOOK_INTERRUPTS").unwrap_or(INTERRUPTS);
    println!("COREBOOK_INTERRUPTS_SEED={seed} COREBOOK_INTERRUPTS={interrupts}");
    let mut random = Random(seed);
    let notebook = prepared();
    let mut stops: BTreeMap<&str, Vec<Stop>> = BTreeMap::new();
    let mut stopped = 0;
    for interrupt in 0..interrupts {
        let at = usize::try_from(interrupt).expect("a small number") % KINDS.len();
        let kind = &KINDS[at];
        let after = Duration::from_millis(random.below(kind.within_ms));
        println!("{} after {after:?}", kind.name);
        let fresh = kind.is_first_cell.then(Notebook::start);
        let (stop, ran) = interrupted(fresh.as_ref().unwrap_or(&notebook), kind, after);
        // A cell that has not begun is aborted, any other one fails.
        match ran.reply.text("status") {
            "ok" => {}
            "aborted" => stopped += 1,
            _ => {
                let error = ran.reply.text("ename");
                assert_eq!(error, "Interrupted", "{:?}", ran.log_lines());
                stopped += 1;
            }
        }
        stops.entry(kind.name).or_default().push(stop);
        if fresh.is_none() {
            expect_variables(&notebook);
        }
    }
    println!("{stopped} of {interrupts} cells were stopped, the others had ended");
    for (kind, stops) in &stops {
        println!(
            "{kind}: {} interrupts; reply {}; next cell {}",
            stops.len(),
            median_and_longest(stops.iter().map(|stop| stop.reply)),
            median_and_longest(stops.iter().map(|stop| stop.next_cell)),
        );
    }
    notebook.process.expect_no_zombies();
}

/// A kernel with variables and a pool.
fn prepared() -> Notebook {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly(SETUP);
    notebook
}

/// Runs a cell, interrupts it `after` its request, and runs another one.
fn interrupted(notebook: &Notebook, kind: &Kind, after: Duration) -> (Stop, Ran) {
    let execute = Execute::new(&(kind.code)());
    let next_execute = Execute::new("1 + 1");
    let client = &notebook.client;
    let request = notebook.send(&execute);
    std::thread::sleep(after);
    let asked = Instant::now();
    let interrupt = client.send(Channel::Control, "interrupt_request", json!({}));
    let reply = client.next_within(Channel::Shell, &request, HANG);
    let reply_after = asked.elapsed();
    // Two sockets have no common order: the kernel might read the next cell before the interrupt.
    let accepted = client.answer(Channel::Control, &interrupt);
    assert_eq!(accepted.content, json!({ "status": "ok" }));
    let next = notebook.send(&next_execute);
    let begun = [(); 2].map(|()| client.next_within(Channel::Iopub, &next, HANG));
    let next_cell_after = asked.elapsed();
    assert_eq!(begun[1].message_type(), "execute_input");
    let mut published = Vec::new();
    while published
        .last()
        .is_none_or(|last: &Message| last.content != json!({ "execution_state": "idle" }))
    {
        published.push(client.next_within(Channel::Iopub, &request, HANG));
    }
    let ran = Ran::check(&execute, published, reply);
    let sum = notebook.collect_within(&next, &next_execute, begun.to_vec(), HANG);
    assert_eq!(sum.result(), "2");
    let stop = Stop {
        reply: reply_after,
        next_cell: next_cell_after,
    };
    (stop, ran)
}

/// All that was defined before the interrupt is still there, and works.
fn expect_variables(notebook: &Notebook) {
    assert_eq!(
        notebook
            .run("(&kept, text.as_str(), pool.map(|x| x + 1, 0..2))")
            .result(),
        "([1, 2, 3], \"text\", [1, 2])"
    );
}

fn median_and_longest(times: impl Iterator<Item = Duration>) -> String {
    let mut times: Vec<u128> = times.map(|time| time.as_millis()).collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    format!("{median} ms, at most {longest} ms")
}
