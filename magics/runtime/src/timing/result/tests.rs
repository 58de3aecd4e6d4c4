//! The line, the figures and the JSON form of a measurement.

use super::*;

const STYLE: LineStyle = LineStyle {
    digits: 3,
    details: false,
    cpu: false,
};

/// A measurement of runs with these times, in milliseconds.
fn timing(loops: u64, runs_ms: &[f64], style: LineStyle, build: Build) -> Timing {
    let sample = |ms: &f64| Sample {
        loops,
        wall_ns: (ms * 1e6) as u64,
        cpu_ns: (ms * 2e6) as u64,
        floor_ns: 0.0,
    };
    let samples = runs_ms.iter().map(sample).collect();
    Timing::new(
        &Measurement {
            loops,
            samples,
            grows: true,
        },
        style,
        build,
    )
}

#[test]
fn lines_read_as_documented() {
    let line = |loops, runs: &[f64]| timing(loops, runs, STYLE, Build::default()).to_string();
    assert_eq!(
        line(1, &[2400.1, 2400.2, 2400.3]),
        "1 loop, best of 3: 2.4 s per loop"
    );
    assert_eq!(
        line(1, &[303.0, 302.1, 302.4]),
        "1 loop, best of 3: 302 ms per loop"
    );
    assert_eq!(
        line(1000, &[70.0; 7]),
        "1000 loops, best of 7: 70 µs per loop"
    );
}

#[test]
fn details_follow_the_line() {
    let style = LineStyle {
        details: true,
        ..STYLE
    };
    let build = Build {
        compile_time: 0.6184,
        opt_level: "3".into(),
    };
    assert_eq!(
        timing(1, &[302.0, 304.0, 311.0], style, build).to_string(),
        "1 loop, best of 3: 302 ms per loop  median 304 ms, worst 311 ms (1.03x), spread 1.3%, \
         compiled in 0.62 s (opt-level 3)"
    );
    let unknown = timing(1, &[302.0], style, Build::default()).to_string();
    assert!(
        unknown.ends_with("median 302 ms, worst 302 ms (1.00x), spread 0.0%"),
        "{unknown}"
    );
}

/// A run that took no measurable time has no ratio to the others.
#[test]
fn ratio_to_a_run_without_time_is_left_out() {
    let style = LineStyle {
        details: true,
        ..STYLE
    };
    let line = timing(1, &[0.0, 2.0], style, Build::default()).to_string();
    assert!(line.ends_with("median 1 ms, worst 2 ms"), "{line}");
}

#[test]
fn cpu_time_says_so() {
    let style = LineStyle { cpu: true, ..STYLE };
    let line = timing(1, &[100.0], style, Build::default()).to_string();
    assert_eq!(line, "1 loop, best of 1: 200 ms CPU per loop");
}

#[test]
fn figures_follow_from_the_runs() {
    let timing = timing(10, &[40.0, 20.0, 30.0, 50.0], STYLE, Build::default());
    let ms = |seconds: f64| (seconds * 1e6).round() / 1e3;
    assert_eq!(ms(timing.best), 2.0);
    assert_eq!(ms(timing.worst), 5.0);
    assert_eq!(ms(timing.median), 3.5);
    assert_eq!(ms(timing.average), 3.5);
    assert_eq!(ms(timing.stdev), 1.118);
    assert_eq!(timing.all_runs, [0.04, 0.02, 0.03, 0.05]);
    assert_eq!(
        timing
            .timings
            .iter()
            .map(|time| ms(*time))
            .collect::<Vec<_>>(),
        [4., 2., 3., 5.]
    );
}

#[test]
fn harness_cost_is_taken_off_and_never_below_zero() {
    let sample = |wall_ns, floor_ns| Sample {
        loops: 100,
        wall_ns,
        cpu_ns: 0,
        floor_ns,
    };
    let samples = vec![sample(500, 2.0), sample(100, 1.5)];
    let measurement = Measurement {
        loops: 100,
        samples,
        grows: true,
    };
    let timing = Timing::new(&measurement, STYLE, Build::default());
    assert_eq!(timing.timings, [3.5e-9, 0.0]);
    assert_eq!(timing.floor, 1.5e-9);
}

#[test]
fn loops_are_compared_with_the_empty_ones_of_their_own_run() {
    let is_at_the_floor = |runs: &[(u64, f64)]| {
        let samples = runs.iter().map(|&(wall_ns, floor_ns)| Sample {
            loops: 100,
            wall_ns,
            cpu_ns: 0,
            floor_ns,
        });
        let measurement = Measurement {
            loops: 100,
            samples: samples.collect(),
            grows: true,
        };
        Timing::new(&measurement, STYLE, Build::default()).is_at_the_floor
    };
    // The machine was slow in all runs, except in the empty loops of one.
    assert!(is_at_the_floor(&[(210, 2.0), (205, 1.0), (204, 2.0)]));
    // Two nanoseconds of work. The empty loops of one run were disturbed.
    assert!(!is_at_the_floor(&[(300, 1.0), (300, 5.0), (300, 1.0)]));
    // Most runs decide.
    let (idle, busy) = ((204, 2.0), (300, 1.0));
    assert!(!is_at_the_floor(&[idle, busy]));
    assert!(!is_at_the_floor(&[idle, busy, busy, busy, busy]));
    assert!(is_at_the_floor(&[idle, busy, idle, busy, idle]));
}

#[test]
fn json_names_the_figures() {
    let json = timing(1, &[250.0], STYLE, Build::default()).serialize_json();
    assert!(
        json.starts_with(r#"{"loops":1,"repeat":1,"best":0.25,"worst":0.25,"#),
        "{json}"
    );
    assert!(
        json.contains(r#""all_runs":[0.25],"timings":[0.25],"compile_time":0"#),
        "{json}"
    );
}
