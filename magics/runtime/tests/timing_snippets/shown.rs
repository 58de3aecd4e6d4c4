{
let before = 1;
{ ::corebook::timing::timeit(&::corebook::timing::Options { loops: 2, repeat: 1, show: ::corebook::timing::Show::Object, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&(poly(before))); }); };
{ ::corebook::timing::timeit(&::corebook::timing::Options { loops: 2, repeat: 1, details: true, show: ::corebook::timing::Show::Line, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&(poly(before))); }); };
}
