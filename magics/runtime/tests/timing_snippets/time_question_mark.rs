{
let timed: i64 =::corebook::timing::Stopwatch::start().stop(digits.parse()?);
assert_eq!(timed, 42);
}
