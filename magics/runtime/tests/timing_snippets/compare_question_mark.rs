{
let c: ::corebook::timing::Comparison = { use ::corebook::__private::timing::{ByEquality as _, NotComparable as _}; let mut corebook_kept_0 = ::core::option::Option::None; let mut corebook_kept_1 = ::core::option::Option::None; let mut corebook_kept_2 = ::core::option::Option::None; ::corebook::timing::try_compare(&::corebook::timing::CompareOptions { loops: 2, repeat: 3, quiet: true, checked: cfg!(debug_assertions), ..::corebook::timing::CompareOptions::DEFAULT }, &["one", "two", "three"], &mut |corebook_run| match corebook_run.side() { 0 => corebook_run.try_time_side(&mut corebook_kept_0, || -> ::core::result::Result<_, ::corebook::timing::BoxError> { ::core::result::Result::Ok({ 
digits.parse::<i64>()? }) }), 1 => corebook_run.try_time_side(&mut corebook_kept_1, || -> ::core::result::Result<_, ::corebook::timing::BoxError> { ::core::result::Result::Ok({ 

let x = 42;
x }) }), _ => corebook_run.try_time_side(&mut corebook_kept_2, || -> ::core::result::Result<_, ::corebook::timing::BoxError> { ::core::result::Result::Ok({ 

poly(3) }) }), })?.show(&[(&&::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_1)).results(0.0), (&&::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_2)).results(0.0)]) };

}
