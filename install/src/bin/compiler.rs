//! A program that is nothing but the compiler of cells, for the tests of this crate.

use corebook_install::compiler::Compiler;

fn main() -> std::process::ExitCode {
    let compiler = Compiler::of_this_process().expect("started as a tool of a session");
    compiler.run()
}
