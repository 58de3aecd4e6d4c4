{
{ ::corebook::timing::timeit_with_setup(&::corebook::timing::Options { loops: 2, repeat: 1, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut |corebook_run| { let mut sorted = numbers.clone(); corebook_run.time(&mut || { ::core::hint::black_box(&{ 
sorted.sort();
sorted[0] }); }); }); };
}
