//! A comparison reports how many workers its sides used. This test is alone in its file, because pools of other tests
//! in the same process would count.

use corebook::pool::Pool;
use corebook::timing::{CompareOptions, compare};

#[test]
fn a_side_on_a_pool_is_counted_with_its_workers() {
    let (small, large) = (Pool::new(2), Pool::new(3));
    large.map(|x| x, 0..10);
    let options = CompareOptions {
        loops: 1,
        repeat: 3,
        quiet: true,
        ..CompareOptions::DEFAULT
    };
    let comparison = compare(
        &options,
        &["serial", "empty", "pool"],
        &mut |run| match run.side() {
            0 => run.time(&mut || _ = std::hint::black_box((0..10).sum::<u32>())),
            1 => run.time(&mut || _ = large.map(|x| x, 0..0)),
            _ => run.time(&mut || _ = small.map(|x| x, 0..10)),
        },
    );
    let workers: Vec<u64> = comparison.sides.iter().map(|side| side.workers).collect();
    assert_eq!(workers, [0, 0, 2]);
}
