{
{ ::corebook::timing::timeit(&::corebook::timing::Options { loops: 2, repeat: 1, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&(vec![3, 1, 2].iter().max())); }); };
}
