{
let t: ::corebook::timing::Timing = ::corebook::timing::timeit(&::corebook::timing::Options { loops: 2, repeat: 3, digits: 4, cpu: true, details: true, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&(poly(3))); });
assert_eq!((t.loops, t.repeat, t.timings.len()), (2, 3, 3));
assert!(t.cpu && t.best <= t.worst);
}
