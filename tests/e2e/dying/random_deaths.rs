//! Many cells that change variables and die at random, compared with a model of what the variables must be.
//!
//! `COREBOOK_CHAOS_CELLS` is the number of cells (40 by default), `COREBOOK_CHAOS_SEED` repeats a run:
//! `COREBOOK_CHAOS_CELLS=500 cargo test --release -p corebook-tests --test end_to_end -- random_deaths:: --nocapture`

use std::collections::BTreeMap;

use corebook_tests::notebook::Notebook;
use corebook_tests::random::{Random, number_in, seed_in};

const CELLS: u64 = 40;

const SETUP: &str = "\
use std::collections::BTreeMap;
let mut list: Vec<i64> = Vec::new();
let mut text = String::new();
let mut map: BTreeMap<i64, String> = BTreeMap::new();
let mut boxed: Box<i64> = Box::new(0);
let retyped = 0_i64;
";

/// The ways to die. Each is the last line of its cell.
const DEATHS: [&str; 6] = [
    "unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(8), 1) }",
    "std::process::abort();",
    "std::process::exit(3);",
    "dive(0);",
    "std::hint::black_box(vec![1_u8; 1 << 48]);",
    "let own = std::process::id().to_string(); std::process::Command::new(\"kill\").args([\"-9\", &own]).status().unwrap(); loop {}",
];

const DIVE: &str = "#[inline(never)]\nfn dive(depth: u64) -> u64 { let here = [depth; 999]; std::hint::black_box(&here); dive(depth + 1) + here[7] }";

/// What the variables must be.
#[derive(Debug, Clone, Default)]
struct Model {
    list: Vec<i64>,
    text: String,
    map: BTreeMap<i64, String>,
    boxed: i64,
    /// As `{:?}` prints it, because its type changes.
    retyped: String,
}

impl Model {
    fn to_text(&self) -> String {
        let Self {
            list,
            text,
            map,
            boxed,
            retyped,
        } = self;
        format!("{list:?} {text:?} {map:?} {boxed:?} {retyped}\n")
    }
}

/// Changes one variable, in the model and by a line of Rust.
fn change(model: &mut Model, random: &mut Random) -> String {
    let value = i64::try_from(random.below(1000)).expect("a small number");
    match random.below(7) {
        0 => {
            model.list.push(value);
            format!("list.push({value});")
        }
        1 => {
            model.list.clear();
            "list.clear();".to_owned()
        }
        2 => {
            model.text += &format!("{value},");
            format!("text += \"{value},\";")
        }
        3 => {
            model.map.insert(value % 9, format!("v{value}"));
            format!("map.insert({}, \"v{value}\".to_owned());", value % 9)
        }
        4 => {
            model.boxed += value;
            format!("*boxed += {value};")
        }
        5 => {
            model.retyped = format!("\"{value}\"");
            format!("let retyped = String::from(\"{value}\");")
        }
        _ => {
            model.retyped = value.to_string();
            format!("let retyped = {value}_i64;")
        }
    }
}

#[test]
fn variables_follow_their_model_through_random_deaths() {
    let seed = seed_in("COREBOOK_CHAOS_SEED");
    let cells = number_in("COREBOOK_CHAOS_CELLS").unwrap_or(CELLS);
    println!("COREBOOK_CHAOS_SEED={seed} COREBOOK_CHAOS_CELLS={cells}");
    let mut random = Random(seed);
    let notebook = Notebook::start();
    notebook.run_quietly(SETUP);
    notebook.run_quietly(DIVE);
    let mut model = Model {
        retyped: "0".to_owned(),
        ..Model::default()
    };
    let mut deaths = 0;
    for cell in 0..cells {
        let mut changed = model.clone();
        let changes: Vec<String> = (0..=random.below(3))
            .map(|_| change(&mut changed, &mut random))
            .collect();
        let dies = random.below(2) == 0;
        let death = DEATHS[usize::try_from(random.below(6)).expect("a small number")];
        let code = format!(
            "println!(\"{{list:?}} {{text:?}} {{map:?}} {{boxed:?}} {{retyped:?}}\");\n{}\n{}",
            changes.join("\n"),
            if dies { death } else { "" },
        );
        let log = notebook.run(&code).log();
        assert_eq!(
            log[0],
            format!("stdout: {}", model.to_text()),
            "before cell {cell}, seed {seed}: {code}"
        );
        if dies {
            deaths += 1;
            let last = log.last().map_or("", String::as_str);
            assert!(
                last.starts_with("WorkerDied: ")
                    && last.ends_with("variables are as before the cell"),
                "cell {cell}, seed {seed}: {code}\n{log:#?}"
            );
        } else {
            assert_eq!(log.len(), 1, "cell {cell}, seed {seed}: {code}\n{log:#?}");
            model = changed;
        }
    }
    println!("{deaths} deaths in {cells} cells, 0 differences");
    notebook.process.expect_no_zombies();
}
