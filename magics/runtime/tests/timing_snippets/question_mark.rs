{
{ ::corebook::timing::try_timeit(&::corebook::timing::Options { loops: 2, repeat: 1, show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || -> ::core::result::Result<(), ::corebook::timing::BoxError> { ::core::hint::black_box(&(digits.parse::<i64>()?)); ::core::result::Result::Ok(()) })?; };
}
