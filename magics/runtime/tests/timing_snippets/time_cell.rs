{
let _ = &::corebook::__private::timing::CellStopwatch::start(); 
let kept = poly(3);
assert_eq!(kept, 28); 
}
