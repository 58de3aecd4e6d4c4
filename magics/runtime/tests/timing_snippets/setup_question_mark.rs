{
{ ::corebook::timing::try_timeit_with_setup(&::corebook::timing::Options { loops: 2, repeat: 2, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut |corebook_run| -> ::core::result::Result<(), ::corebook::timing::BoxError> { let number: i64 = digits.parse()?; corebook_run.try_time(&mut || -> ::core::result::Result<(), ::corebook::timing::BoxError> { ::core::hint::black_box(&{ 
poly(number) }); ::core::result::Result::Ok(()) }) })?; };
}
