{
let value: i64 =
{
  3
};
 let timed =::corebook::timing::Stopwatch::start().stop(poly(value));
assert_eq!(timed, poly(3));
}
