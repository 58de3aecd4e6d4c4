{
let c: ::corebook::timing::Comparison = { use ::corebook::__private::timing::{ByEquality as _, NotComparable as _}; let mut corebook_kept_0 = ::core::option::Option::None; let mut corebook_kept_1 = ::core::option::Option::None; ::corebook::timing::compare(&::corebook::timing::CompareOptions { loops: 2, repeat: 3, quiet: true, checked: cfg!(debug_assertions), ..::corebook::timing::CompareOptions::DEFAULT }, &["Opaque(1)", "Opaque(2)"], &mut |corebook_run| match corebook_run.side() { 0 => corebook_run.time_side(&mut corebook_kept_0, || { (Opaque(1)) }), _ => corebook_run.time_side(&mut corebook_kept_1, || { (Opaque(2)) }), }).show(&[(&&::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_1)).results(0.0)]) };
assert_eq!(c.results, "not compared");
}
