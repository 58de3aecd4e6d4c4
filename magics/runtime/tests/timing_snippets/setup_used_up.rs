{
{ ::corebook::timing::timeit_with_setup(&::corebook::timing::Options { loops: 1, repeat: 2, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut |corebook_run| { let taken = numbers.clone(); corebook_run.time_once(|| { ::core::hint::black_box(&{ 
drop(taken) }); }); }); };
}
