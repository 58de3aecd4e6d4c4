//! Types of variables are found out, whatever the cells before needed of the standard library.

use corebook_tests::notebook::Notebook;

#[test]
fn types_are_inferred_after_cells_that_needed_none() {
    let notebook = Notebook::start();
    assert_eq!(notebook.run("1 + 1").result(), "2");
    notebook.run_quietly("let start: u32 = 3;");
    notebook.run_quietly("let doubled = (0..start).map(|x| 2 * x).collect::<Vec<_>>();");
    assert_eq!(notebook.run("doubled").result(), "[0, 2, 4]");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn types_of_vector_instructions_are_inferred() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    notebook.run_quietly("use std::arch::x86_64::*;\nlet ones = unsafe { _mm_set1_ps(1.0) };");
    notebook.run_quietly("let one = unsafe { _mm_cvtss_f32(ones) };");
    assert_eq!(notebook.run("(one, kept)").result(), "(1.0, 7)");
}
