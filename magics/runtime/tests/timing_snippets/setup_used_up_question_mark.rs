{
{ ::corebook::timing::try_timeit_with_setup(&::corebook::timing::Options { loops: 1, repeat: 2, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut |corebook_run| -> ::core::result::Result<(), ::corebook::timing::BoxError> { let taken = digits.to_owned(); corebook_run.try_time_once(|| -> ::core::result::Result<(), ::corebook::timing::BoxError> { ::core::hint::black_box(&{ 
drop(taken);
digits.parse::<i64>()?; }); ::core::result::Result::Ok(()) }) })?; };
}
