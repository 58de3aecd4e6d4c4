{
{ ::corebook::timing::timeit(&::corebook::timing::Options { loops: 2, repeat: 1, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&((::core::hint::black_box(0)..::core::hint::black_box(24)).map(poly).sum::<i64>() + if let 3 = ::core::hint::black_box(4) { ::core::hint::black_box(5) } else { ::core::hint::black_box(6) })); }); };
}
